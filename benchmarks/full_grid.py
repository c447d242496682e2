"""The 15,552 combinations of docs/grids/e3_full.json over 91 days on all cores.

Budgets: 10 s on two cores, and memory that does not grow with the number of combinations: 1,000 of them against all,
each in a fresh process. The whole sweep is timed with the desk's own brakes, and once without: most combinations of
this grid lose, and a desk with brakes stops early.
"""

from pathlib import Path
from statistics import median

from backtest.sweep.crew import n_cores
from backtest.sweep.grid import read_grid
from benchmarks.ninety_one_days import RULE, Stretch
from benchmarks.rounds import in_turn, tell
from benchmarks.sweeps import command_s, in_a_fresh_process

N_ROUNDS = 3
BUDGET_S = 10.0
GRID_FILE = Path(__file__).parents[1] / "docs/grids/e3_full.json"
DEFAULT, BRAKES_OFF = "whole sweep, default settings", "whole sweep, brakes off"


def report(taken: Stretch) -> None:
    """Time the whole sweep, with the desk's own brakes and without, then compare the memory of fresh processes."""
    grid = read_grid(GRID_FILE)
    e3_alone = {"STRATEGIES": "e3"}
    brakes_off = {name: value for name, value in RULE.items() if name not in grid.values}
    print(
        f"full grid of {grid.n_combinations:,} combinations, {taken.name}, {n_cores()} cores, median of {N_ROUNDS} "
        "rounds, compiling excluded"
    )
    rounds = in_turn({DEFAULT: lambda: command_s(taken, grid, e3_alone)}, N_ROUNDS)
    once = {**rounds, BRAKES_OFF: [command_s(taken, grid, brakes_off)] * N_ROUNDS}
    tell(once, DEFAULT, grid.n_combinations * len(taken.ohlcv), "bar-combinations")
    print(f"  budget {BUDGET_S:.0f} s: {median(rounds[DEFAULT]):.2f} s; brakes off, once: {once[BRAKES_OFF][0]:.2f} s")
    few = in_a_fresh_process(taken, grid, e3_alone, "--sample", "1000")
    every = in_a_fresh_process(taken, grid, e3_alone)
    print(
        f"  peak memory of fresh processes: {few['n_combinations']:,} combinations {few['peak_mb']:,.0f} MB, "
        f"{every['n_combinations']:,} combinations {every['peak_mb']:,.0f} MB   budget: no growth"
    )
