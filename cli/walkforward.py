"""`main.py walkforward`: settings chosen again and again, and what each choice came to afterwards."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cli.options import (
    ENV_FILE,
    DataOption,
    EnvOption,
    FromOption,
    JsonOption,
    MinutesOption,
    MoreFiles,
    SetOption,
    SymbolOption,
    UntilOption,
    flags,
    load,
    show,
)
from cli.parts import parts_with
from cli.sweep import (
    DrawdownOption,
    EngineOption,
    GoalOption,
    GridOption,
    MinTradesOption,
    SampleOption,
    SeedOption,
    WorkersOption,
    crew_of,
    progress,
    tape_of,
)

if TYPE_CHECKING:
    from backtest.objective import Objective
    from backtest.parts import PartsOf
    from backtest.sweep.grid import Grid
    from backtest.tape import WholeTape
    from backtest.walkforward.walkforward import Walked
    from backtest.walkforward.windows import Window

TrainDaysOption = Annotated[int, typer.Option("--train-days", min=1, help="Days of tape each choice looks at.")]
StepDaysOption = Annotated[int, typer.Option("--step-days", min=1, help="Days a choice is used; then it is made anew.")]
AnchoredOption = Annotated[
    bool, typer.Option("--anchored", help="Let every choice look back to the tape's beginning, instead of rolling.")
]
EmbargoOption = Annotated[
    int | None,
    typer.Option("--embargo-bars", min=0, help="Bars left out before each step; by default as few as are safe."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="Where files go; else a folder in STATE_DIR/walkforward.")
]


def walkforward(
    context: typer.Context,
    grid_file: GridOption,
    more: MoreFiles = None,
    data_files: DataOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    symbol: SymbolOption = [],  # noqa: B006 - as above
    first: FromOption = None,
    until: UntilOption = None,
    minutes: MinutesOption = None,
    train_days: TrainDaysOption = 90,
    step_days: StepDaysOption = 30,
    anchored: AnchoredOption = False,
    embargo_bars: EmbargoOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 7,
    goal: GoalOption = "sharpe",
    min_trades: MinTradesOption = 30,
    max_drawdown_frac: DrawdownOption = 1.0,
    out: OutOption = None,
    workers: WorkersOption = None,
    engine: EngineOption = "local",
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Choose the best of a grid again every so many days, and trade each choice on the days that follow.

    The days that follow are stitched into one account: what choosing this way would have come to, had it been done
    at the time. Leaves the trades, every window and a page with equity and drift of the settings.
    """
    from backtest.sweep.grid import read_grid
    from backtest.whole_files import written_whole
    from cli.objectives import objective_of

    given = flags(FEED="replay", SYMBOLS=",".join(symbol), REPLAY_FROM=first, REPLAY_UNTIL=until)
    given |= flags(REPLAY_DATA=",".join([*data_files, *(more or [])]))
    settings, objective = load(env_file, overrides, given), objective_of(goal, min_trades, max_drawdown_frac)
    wish = _Wish(read_grid(grid_file), train_days, step_days, embargo_bars, anchored, sample, seed, workers, engine)
    turned = parts_with(env_file, overrides, given)
    name = f"{grid_file.stem}-{settings.symbols[0].lower()}"
    folder = out or settings.state_dir / "walkforward" / name
    embargo = _embargo(wish, turned)
    tape = tape_of(settings, context.obj.build_feed, minutes)
    windows = _windows(wish, tape, embargo)
    walked = _walked(wish, tape, windows, turned, objective, name, as_json=as_json)
    told = {**_told(wish, tape, walked, goal, embargo), **_written(folder, wish.grid, tape, walked, goal)}
    with written_whole(folder / "walkforward.json", "the windows") as passing:
        passing.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    show(as_json, lambda: told, lambda console: _tell(console, told))


class _Wish(NamedTuple):
    grid: "Grid"
    train_days: int
    step_days: int
    embargo_bars: int | None
    is_anchored: bool
    n_sampled: int | None
    seed: int
    workers: int | None
    engine: str


def _embargo(wish: _Wish, turned: "PartsOf") -> int:
    """Return the embargo in bars. Raises BadInput for values no setting allows, and an embargo that is too short."""
    from backtest.sweep.plan import refuse_hopeless
    from backtest.tune.reach import longest_reach_bars
    from domain.errors import BadInput

    refuse_hopeless(wish.grid, turned)
    reach_bars = longest_reach_bars(wish.grid.values, turned)
    if wish.embargo_bars is not None and wish.embargo_bars < reach_bars:
        raise BadInput(
            f"--embargo-bars {wish.embargo_bars} is too short: features, orders and holds reach over {reach_bars} bars"
        )
    return wish.embargo_bars or reach_bars


def _windows(wish: _Wish, tape: "WholeTape", embargo_bars: int) -> "tuple[Window, ...]":
    from backtest.walkforward.windows import Layout, windows_of

    layout = Layout(
        train_days=wish.train_days,
        step_days=wish.step_days,
        embargo_bars=embargo_bars,
        is_anchored=wish.is_anchored,
    )
    return windows_of(tape.columns, layout)


def _walked(
    wish: _Wish,
    tape: "WholeTape",
    windows: "tuple[Window, ...]",
    turned: "PartsOf",
    objective: "Objective",
    name: str,
    *,
    as_json: bool,
) -> "Walked":
    from backtest.sweep.plan import Plan
    from backtest.walkforward.choosing import choose
    from backtest.walkforward.pieces import Tape
    from backtest.walkforward.walkforward import walk_forward

    numbers = wish.grid.sample(wish.n_sampled, wish.seed)
    crew = crew_of(tape, wish.engine, wish.workers)
    plan = Plan(wish.grid, numbers, turned, tape.instrument)
    with progress("combinations", len(numbers) * len(windows), as_json=as_json) as advance:
        chosen = choose(plan, windows, crew, objective, wish.grid.n_combinations, advance)
    one = Tape(tape.columns, tape.instrument, tape.is_simulated)
    return walk_forward(one, windows, chosen, wish.grid, turned, objective, name, wish.seed)


def _told(wish: _Wish, tape: "WholeTape", walked: "Walked", goal: str, embargo_bars: int) -> dict[str, Any]:
    from backtest.walkforward.drift import drifts
    from backtest.walkforward.telling import told_walked

    return {
        "objective": goal,
        "is_simulated": tape.is_simulated,
        "train_days": wish.train_days,
        "step_days": wish.step_days,
        "is_anchored": wish.is_anchored,
        "embargo_bars": embargo_bars,
        "n_combinations": wish.n_sampled or wish.grid.n_combinations,
        **told_walked(tape.columns, walked, drifts(wish.grid, walked.steps)),
    }


def _written(folder: Path, grid: "Grid", tape: "WholeTape", walked: "Walked", goal: str) -> dict[str, Any]:
    from backtest.export import export_trades
    from backtest.report.page import write_report
    from backtest.walkforward.drift import drifts
    from backtest.walkforward.page import walkforward_page

    page = folder / "walkforward.html"
    write_report(walkforward_page(walked, drifts(grid, walked.steps), goal), page)
    files = export_trades(walked.outcome, {tape.instrument.symbol: tape.instrument}, folder)
    return {"report": str(page), "trades": [str(file) for file in files]}


def _tell(console: Any, told: dict[str, Any]) -> None:
    from console.walking import print_walked

    print_walked(console, told)
