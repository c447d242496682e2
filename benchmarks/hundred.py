"""A sweep of 100 combinations (5 bodies, 4 volume z, 5 targets) over 91 days on all cores, against peers.

Budgets: 0.1 s on two cores, and less than 300 MB for a fresh process that has nothing but these 91 days. vectorbt
walks the same grid at once, stop and target without trailing. backtesting.py walks one combination a round, and its
`optimize` in one process is projected from these: 100 times the median.
"""

from collections.abc import Callable, Mapping
from itertools import product
from statistics import median

from backtest.sweep.crew import n_cores
from backtest.sweep.grid import Grid
from benchmarks.ninety_one_days import N_BARS, RULE, Stretch
from benchmarks.peers.client import Peer, peer
from benchmarks.rounds import in_turn, ratio, tell
from benchmarks.sweeps import command_s, in_a_fresh_process, plan_of, walk_s

N_ROUNDS = 7
BUDGET_S, BUDGET_MB = 0.1, 300
BODIES, ZS, TARGETS = (0.5, 0.8, 1.2, 1.5, 2.0), (1.5, 2.0, 2.5, 3.0), (0.01, 0.015, 0.02, 0.025, 0.03)
GRID = Grid(
    values={
        "E3_BODY_OVER_ATR": tuple(str(body) for body in BODIES),
        "E3_VOLUME_Z": tuple(str(z) for z in ZS),
        "EXIT_TARGET_PCT": tuple(f"{target * 100:g}" for target in TARGETS),
    }
)
GIVEN: Mapping[str, str] = {name: value for name, value in RULE.items() if name not in GRID.values}
OURS, WHOLE = "Tidegate: signals, walks, figures", "Tidegate: the whole sweep, results on disk"


def report(taken: Stretch) -> None:
    """Time all in turn and print them, then the memory of fresh processes."""
    plan = plan_of(taken, GRID, GIVEN)
    timed: dict[str, Callable[[], float]] = {
        OURS: lambda: walk_s(taken, plan),
        WHOLE: lambda: command_s(taken, GRID, GIVEN),
    }
    print(
        f"sweep of {GRID.n_combinations} combinations, {taken.name}, {n_cores()} cores, median of {N_ROUNDS} rounds, "
        "compiling excluded on all sides"
    )
    with peer("vectorbt", taken.columns_file) as vectorbt, peer("backtesting", taken.columns_file) as backtesting:
        if vectorbt is not None:
            timed[f"{vectorbt.title}, no trailing"] = _vectorbt(vectorbt)
        if backtesting is not None:
            timed[f"{backtesting.title}, projected"] = _backtesting(backtesting)
        rounds = in_turn(timed, N_ROUNDS)
        tell(rounds, OURS, GRID.n_combinations * N_BARS, "bar-combinations")
        for name in tuple(rounds)[2:]:
            print(f"  {name}: {ratio(rounds[name], rounds[WHOLE]):,.0f} x the whole sweep's time")
        print(f"  budget {BUDGET_S} s: {median(rounds[OURS]):.3f} s walked, {median(rounds[WHOLE]):.3f} s in all")
        _tell_memory(taken)


def _vectorbt(vectorbt: Peer) -> Callable[[], float]:
    return lambda: vectorbt.ask("sweep", body=BODIES, z=ZS, target=TARGETS).seconds


def _backtesting(backtesting: Peer) -> Callable[[], float]:
    """Walk another combination each round, spread over the grid."""
    chosen = iter([*product(BODIES, ZS, TARGETS)][5 :: GRID.n_combinations // (N_ROUNDS + 1)] * 2)

    def once() -> float:
        body, z, target = next(chosen)
        return backtesting.ask("run", body=body, z=z, target=target).seconds * GRID.n_combinations

    return once


def _tell_memory(taken: Stretch) -> None:
    in_a_fresh_process(taken, GRID, GIVEN)  # the first may compile, which takes memory of its own
    told = in_a_fresh_process(taken, GRID, GIVEN)
    print(
        f"  peak memory of a fresh process: main.py sweep {told['peak_mb']:,.0f} MB   budget {BUDGET_MB} MB "
        f"(it says {told['seconds']:.3f} s, loading kernels included)"
    )
    for name, job, asked in (
        ("vectorbt", "sweep", {"body": BODIES, "z": ZS, "target": TARGETS}),
        ("backtesting", "run", {"body": 0.5, "z": 2.0, "target": 0.02}),
    ):
        with Peer(name, taken.columns_file) as newcomer:
            if not newcomer.is_absent:
                print(f"  {newcomer.title}, a fresh process, one {job}: {newcomer.ask(job, **asked).peak_mb:,.0f} MB")
