"""`main.py sweep`: the compiled engine over a grid of settings."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cli.options import (
    ENV_FILE,
    ROOT,
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
from cli.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from backtest.objective import Objective
    from backtest.parts import PartsOf
    from backtest.sweep.block import Sight
    from backtest.sweep.crew import Crew
    from backtest.sweep.grid import Grid
    from backtest.sweep.sweep import SweepResult
    from backtest.tape import WholeTape
    from settings import Settings

GridOption = Annotated[Path, typer.Option("--grid", metavar="GRID.json", help="Knobs and the values each takes.")]
SampleOption = Annotated[
    int | None, typer.Option("--sample", min=1, help="Walk so many combinations, drawn at random.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of what is drawn at random.")]
GoalOption = Annotated[
    str,
    typer.Option("--objective", help="sharpe, sortino, calmar, net, cagr, profit_factor or expectancy: what is best."),
]
MinTradesOption = Annotated[int, typer.Option("--min-trades", min=1, help="A run with fewer trades is no candidate.")]
DrawdownOption = Annotated[
    float, typer.Option("--max-drawdown-frac", min=0.0001, max=1.0, help="Nor is one that fell further than this.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="Where results go; the same folder resumes a sweep.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Use so many processes instead of threads on every core.")
]
EngineOption = Annotated[str, typer.Option("--engine", help="local, or ray for a Ray cluster (RAY_ADDRESS).")]


def sweep(
    context: typer.Context,
    grid_file: GridOption,
    more: MoreFiles = None,
    data_files: DataOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    symbol: SymbolOption = [],  # noqa: B006 - as above
    first: FromOption = None,
    until: UntilOption = None,
    minutes: MinutesOption = None,
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
    """Walk every combination of a grid over one tape, on all cores, and keep every run's figures.

    The grid is a JSON object of knobs and values, e.g. {"E3_VOLUME_Z": [2, 2.5], "EXIT_STOP_PCT": [0.5, 1]}; knobs not
    in it stand as they are set. A sweep that was stopped goes on when the same command is given again.
    """
    from cli.objectives import objective_of

    given = flags(FEED="replay", SYMBOLS=",".join(symbol), REPLAY_FROM=first, REPLAY_UNTIL=until)
    given |= flags(REPLAY_DATA=",".join([*data_files, *(more or [])]))
    objective = objective_of(goal, min_trades, max_drawdown_frac)
    wish = _Wish(grid_file, minutes, sample, seed, out, workers, engine, as_json)
    _sweep(wish, objective, load(env_file, overrides, given), context.obj, parts_with(env_file, overrides, given))


class _Wish(NamedTuple):
    grid_file: Path
    n_minutes: int | None
    n_sampled: int | None
    seed: int
    out: Path | None
    workers: int | None
    engine: str
    as_json: bool


def _sweep(wish: _Wish, objective: "Objective", settings: "Settings", shop: Shop, turned: "PartsOf") -> None:
    from backtest.sweep.block import Sight, Walker
    from backtest.sweep.grid import read_grid
    from backtest.sweep.plan import Plan, refuse_hopeless
    from backtest.sweep.results import SweepFolder
    from backtest.sweep.sweep import kept_numbers, left_to_do, run_sweep
    from backtest.sweep.thrift import give_back_what_is_freed
    from desk.clock import SystemClock

    give_back_what_is_freed()
    grid = read_grid(wish.grid_file)
    numbers = grid.sample(wish.n_sampled, wish.seed)
    refuse_hopeless(grid, turned)
    tape = tape_of(settings, shop.build_feed, wish.n_minutes)
    place = wish.out or settings.state_dir / "sweeps" / f"{wish.grid_file.stem}-{settings.symbols[0].lower()}"
    folder = SweepFolder(place, _manifest(settings, grid, tape), grid, kept_numbers(numbers))
    left = left_to_do(numbers, folder)
    clock = SystemClock()
    began = clock.elapsed_s()
    sight = Sight(tape.columns)
    crew = crew_of(tape, wish.engine, wish.workers, sight)
    with progress("combinations", len(left), as_json=wish.as_json) as advance:
        plan, walker = Plan(grid, left, turned, tape.instrument), Walker(tape.columns, sight)
        found = run_sweep(plan, crew, walker, folder, objective, advance)
    told = _told(grid, found, objective, tape, clock.elapsed_s() - began, wish.seed)
    show(wish.as_json, lambda: told, lambda console: _tell(console, told, grid))


def tape_of(settings: "Settings", build_feed: "Callable[..., Any]", n_minutes: int | None) -> "WholeTape":
    """Take the tape of the settings' one symbol. Raises BadInput for several symbols, or a gate that would be asked."""
    import asyncio

    from backtest.tape import whole_tape
    from domain.errors import BadInput
    from execution.instruments import instrument

    if len(settings.symbols) != 1:
        raise BadInput(f"one symbol at a time: --symbol {settings.symbols[0]}, not {', '.join(settings.symbols)}")
    if settings.gate_mode != "off":
        raise BadInput(f"GATE_MODE={settings.gate_mode.value} asks a model at every entry; set GATE_MODE=off")
    return asyncio.run(whole_tape(build_feed(settings, n_minutes), instrument(settings.symbols[0])))


def crew_of(tape: "WholeTape", engine: str, workers: int | None, sight: "Sight | None" = None) -> "Crew":
    """Return who does the work; threads share `sight` where it is given. Raises BadInput for an engine nobody knows."""
    from backtest.sweep.crew import Processes, RayCluster, Threads, n_cores
    from domain.errors import BadInput

    if engine == "ray":
        return RayCluster(tape.columns, workers or n_cores())
    if engine != "local":
        raise BadInput(f"--engine {engine} is not known; allowed are local and ray")
    return Threads(tape.columns, n_cores(), sight) if workers is None else Processes(tape.columns, workers)


@contextmanager
def progress(what: str, total: int, *, as_json: bool) -> "Iterator[Callable[[int], None]]":
    """Show a progress bar on a terminal's error stream; nothing with --json or no terminal."""
    if as_json:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n_more: bar.advance(task, n_more)


def _manifest(settings: "Settings", grid: "Grid", tape: "WholeTape") -> dict[str, Any]:
    from desk.version import code_version
    from settings import settings_json

    grid_text = json.dumps({name: list(listed) for name, listed in grid.values.items()})
    return {
        "grid": hashlib.sha256(grid_text.encode()).hexdigest()[:16],
        "tape": tape.identity,
        "n_minutes": len(tape.columns.ints),
        "settings": hashlib.sha256(settings_json(settings).encode()).hexdigest()[:16],
        "code": code_version(ROOT),
    }


def _told(
    grid: "Grid", found: "SweepResult", objective: "Objective", tape: "WholeTape", seconds: float, seed: int
) -> dict[str, Any]:
    from backtest.sweep.telling import best_of, luck_by_name, luck_of_best, peak_mb

    return {
        "n_combinations": found.n_done,
        "n_walked_now": found.n_now,
        "n_impossible": found.n_impossible,
        "why_impossible": found.why_impossible,
        "n_bars": len(tape.columns.ints),
        "seconds": round(seconds, 3),
        "peak_mb": peak_mb(),
        "objective": objective.goal.value,
        "best": best_of(grid, found),
        "luck": luck_by_name(luck_of_best(found, seed)),
        "results": str(found.table),
        "is_simulated": tape.is_simulated,
    }


def _tell(console: "Console", told: dict[str, Any], grid: "Grid") -> None:
    from console.searching import print_sweep

    print_sweep(console, told, list(grid.values))
