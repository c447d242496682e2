"""A sweep's figures are those of single runs, whoever walks it and however often it is stopped."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from backtest.compiled.columns import Columns, columns_of
from backtest.compiled.run import run_compiled
from backtest.metrics.summary import figures_of, metrics_of
from backtest.objective import Goal, Objective
from backtest.parts import Parts
from backtest.sweep.block import Block, Measured, Walker
from backtest.sweep.crew import Processes, Threads, WorkerLost
from backtest.sweep.grid import Grid
from backtest.sweep.plan import Plan, refuse_hopeless
from backtest.sweep.results import METRIC_NAMES, SweepFolder
from backtest.sweep.sweep import SweepResult, kept_numbers, left_to_do, run_sweep
from cli.parts import parts_of
from domain.errors import BadInput
from execution.instruments import instrument
from tests.flow.engines import settings_of
from tests.flow.stage import QUICK, explosive, quiet

SOL = instrument("SOL-PERP")
GRID = Grid(
    values={
        "FEATURE_VOLUME_BARS": ("8", "10"),
        "E3_VOLUME_Z": ("1", "2"),
        "EXIT_TARGET_PCT": ("0.2", "2"),
        "EXIT_STOP_PCT": ("0.1", "1"),
    }
)
SCORE = Objective(goal=Goal.NET, min_trades=1)


def turned(knobs: Mapping[str, str]) -> Parts:
    return parts_of(settings_of({**QUICK, **knobs}))


@pytest.fixture(scope="module")
def columns() -> Columns:
    """Return a tape of seven days, four of which have no minute."""
    tape, price = quiet(12), 150.0
    for number in range(8):
        first = len(tape)
        tape += [explosive(first, price, 0.004 if number % 3 else -0.004), *quiet(25, price * 1.003, first + 1)]
    return columns_of([*tape, *quiet(30, price, 5 * 1440), *quiet(30, price, 6 * 1440 - 15)], SOL)


def swept(columns: Columns, folder: Path, grid: Grid = GRID, crew: object = None) -> SweepResult:
    numbers = grid.sample(None, 0)
    store = SweepFolder(folder, {"tape": "made"}, grid, kept_numbers(numbers))
    plan = Plan(grid, left_to_do(numbers, store), turned, SOL)
    return run_sweep(plan, crew or Threads(columns, 2), Walker(columns), store, SCORE, lambda _: None)


def table_of(found: SweepResult) -> dict[int, dict[str, object]]:
    return {row["combination"]: row for row in pq.read_table(found.table).to_pylist()}


def test_every_combination_s_figures_are_those_of_its_own_run(columns: Columns, tmp_path: Path) -> None:
    rows = table_of(swept(columns, tmp_path))
    assert sorted(rows) == list(range(GRID.n_combinations))
    for number, row in rows.items():
        parts = turned(GRID.combination(number))
        outcome = run_compiled(columns, SOL, parts.built(), parts.rules, parts.windows, parts.regimes)
        alone = metrics_of(outcome, {"SOL-PERP": SOL})
        assert {name: row[name] for name in METRIC_NAMES} == {name: getattr(alone, name) for name in METRIC_NAMES}
        assert {name: str(row[name]) for name in GRID.values} == {
            name: str(float(value)) for name, value in GRID.combination(number).items()
        }


def test_the_best_is_the_highest_score_and_knows_its_daily_equity(columns: Columns, tmp_path: Path) -> None:
    found = swept(columns, tmp_path)
    nets = {number: row["net_microusd"] for number, row in table_of(found).items()}
    assert found.best_number == min(nets, key=lambda number: (-nets[number], number))
    assert found.figures is not None
    assert found.best_days_microusd is not None
    change = int(found.best_days_microusd[-1] - found.best_days_microusd[0])
    assert figures_of(found.figures)["net_microusd"] == change == nets[found.best_number]


def test_processes_and_threads_give_the_same_figures(columns: Columns, tmp_path: Path) -> None:
    by_threads = table_of(swept(columns, tmp_path / "threads"))
    by_processes = table_of(swept(columns, tmp_path / "processes", crew=Processes(columns, 2)))
    assert by_processes == by_threads


class Mortal:
    """A crew that dies after so many blocks."""

    def __init__(self, columns: Columns, n_blocks: int) -> None:
        self.walker, self.n_blocks = Walker(columns), n_blocks

    def measure(self, blocks: Iterable[Block]) -> Iterator[Measured]:
        for number, block in enumerate(blocks):
            if number == self.n_blocks:
                raise WorkerLost("a worker died")
            yield self.walker.measure(block)


def test_a_sweep_that_lost_its_workers_keeps_what_was_done_and_goes_on(columns: Columns, tmp_path: Path) -> None:
    whole = table_of(swept(columns, tmp_path / "whole"))
    with pytest.raises(WorkerLost):
        swept(columns, tmp_path / "stopped", crew=Mortal(columns, 2))
    resumed = swept(columns, tmp_path / "stopped")
    assert resumed.n_now == GRID.n_combinations - 2 * 4
    assert resumed.n_done == GRID.n_combinations
    assert table_of(resumed) == whole
    again = swept(columns, tmp_path / "stopped")
    assert (again.n_now, again.best_number) == (0, resumed.best_number)


def test_values_that_do_not_go_together_are_left_out_and_told(columns: Columns, tmp_path: Path) -> None:
    grid = Grid(values={"FEATURE_VOL_BARS": ("4", "7"), "EXIT_TARGET_PCT": ("1", "2")})
    found = swept(columns, tmp_path, grid)
    assert (found.n_done, found.n_impossible) == (2, 2)
    assert "FEATURE_VOL_BARS = 7" in found.why_impossible


def test_a_value_that_fits_only_beside_another_swept_value_is_no_mistake_and_one_that_never_fits_is() -> None:
    refuse_hopeless(Grid(values={"FEATURE_VOL_BARS": ("4", "7"), "FEATURE_VOL_LONG_BARS": ("6", "9")}), turned)
    with pytest.raises(BadInput, match="E3_VOLUME_Z = abc"):
        refuse_hopeless(Grid(values={"E3_VOLUME_Z": ("1", "abc"), "E3_BODY_OVER_ATR": ("1", "2")}), turned)
    with pytest.raises(BadInput, match="FEATURE_VOL_BARS = 7"):
        refuse_hopeless(Grid(values={"FEATURE_VOL_BARS": ("4", "7")}), turned)


def test_a_folder_of_another_sweep_is_refused_by_what_differs(columns: Columns, tmp_path: Path) -> None:
    swept(columns, tmp_path)
    with pytest.raises(BadInput, match="its tape differ"):
        SweepFolder(tmp_path, {"tape": "another"}, GRID, np.arange(3))


def test_daily_equity_is_kept_of_evenly_spaced_combinations_only() -> None:
    assert kept_numbers(np.arange(10)).tolist() == list(range(10))
    kept = kept_numbers(np.arange(0, 100_000, 5))
    assert (len(kept), kept[0], kept[-1]) == (2_000, 0, 99_995)
    assert set(np.diff(kept)) <= {45, 50, 55}


def test_a_sweep_turns_what_the_portfolio_decides_as_single_runs_do(columns: Columns, tmp_path: Path) -> None:
    """The share of each strategy depends on how many there are, though terms and signals are laid out apart."""
    values = {
        "STRATEGIES": ("e3", "e3,funding_fade"),
        "REGIME_SWITCH": ("", "e3:chop", "e3:bull_trend|high_volatility"),
        "ALLOCATION_METHOD": ("none", "equal"),
    }
    grid = Grid(values=values)
    rows = table_of(swept(columns, tmp_path, grid))
    nets = set()
    for number, row in rows.items():
        parts = turned(grid.combination(number))
        outcome = run_compiled(columns, SOL, parts.built(), parts.rules, parts.windows, parts.regimes)
        assert row["net_microusd"] == metrics_of(outcome, {"SOL-PERP": SOL}).net_microusd
        nets.add(row["net_microusd"])
    assert len(rows) == 12
    # On this tape E3 trades in one of the regimes only: switched off, on half of the capital, or on all of it.
    assert len(nets) == 3
