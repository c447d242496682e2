"""The front door: the command line, and `build`, the only place where the desk's parts are wired together.

Heavy parts are imported where they are used, so that `--help` answers at once.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.wish import Wish

if TYPE_CHECKING:
    from rich.console import Console

    from agents.master import MasterAgent
    from console.runs import TapedFeed
    from db.store import Store
    from desk.switch import HaltSwitch
    from domain.instrument import Instrument
    from domain.ports import Journal
    from settings import Settings

HELP = """Tidegate: a trading desk for crypto perpetuals that records every decision and can recompute it.

Without a command it trades on paper with what .env says; out of the box that is the built-in simulated market."""

app = typer.Typer(help=HELP, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
audit = typer.Typer(help="Question, verify and recompute what was recorded.", no_args_is_help=True)
data = typer.Typer(help="Look at market data files.", no_args_is_help=True)
app.add_typer(audit, name="audit")
app.add_typer(data, name="data")

SetOption = Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="Override a setting; repeatable.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
EnvOption = Annotated[Path, typer.Option("--env-file", help="Where the settings file is.")]
DbOption = Annotated[str | None, typer.Option("--db", help="Journal, e.g. sqlite:///state/journal.db; DATABASE_URL.")]
FeedOption = Annotated[str | None, typer.Option("--feed", help="sim or replay; FEED.")]
DataOption = Annotated[
    list[str], typer.Option("--data", metavar="FILE", help="Recording to replay, or SYMBOL=FILE; more may follow.")
]
MoreFiles = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Further recordings after --data.")]
SymbolOption = Annotated[list[str], typer.Option("--symbol", help="Perpetual to trade, e.g. SOL-PERP; repeatable.")]
SpeedOption = Annotated[str | None, typer.Option("--speed", help="auto, max or real; SPEED.")]
MinutesOption = Annotated[int | None, typer.Option("--minutes", min=1, help="Stop after so many market minutes.")]
RunIdOption = Annotated[str | None, typer.Option("--run-id", help="Name of the run; an unfinished one is resumed.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run id or an unambiguous beginning of one.")]
ENV_FILE = Path(".env")
ROOT = Path(__file__).parent


@app.callback(invoke_without_command=True)
def front_door(context: typer.Context) -> None:
    """Trade on paper when no command is given."""
    if context.invoked_subcommand is None:
        _run_desk(Wish(command="paper"), [], {}, ENV_FILE)


@app.command()
def paper(
    more: MoreFiles = None,
    feed: FeedOption = None,
    data_files: DataOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    symbol: SymbolOption = [],  # noqa: B006 - as above
    speed: SpeedOption = None,
    minutes: MinutesOption = None,
    db: DbOption = None,
    run_id: RunIdOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Trade on paper, minute by minute, on the simulated market or on recordings."""
    given = _flags(FEED=feed, SYMBOLS=",".join(symbol), SPEED=speed, DATABASE_URL=db)
    given |= _flags(REPLAY_DATA=",".join([*data_files, *(more or [])]))
    _run_desk(Wish(command="paper", n_minutes=minutes, run_id=run_id, as_json=as_json), overrides, given, env_file)


@app.command()
def backtest(
    more: MoreFiles = None,
    data_files: DataOption = [],  # noqa: B006 - as above
    symbol: SymbolOption = [],  # noqa: B006 - as above
    minutes: MinutesOption = None,
    db: DbOption = None,
    run_id: RunIdOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Run the same desk over recordings at full speed, journal and all."""
    given = _flags(FEED="replay", SYMBOLS=",".join(symbol), SPEED="max", DATABASE_URL=db)
    given |= _flags(REPLAY_DATA=",".join([*data_files, *(more or [])]))
    _run_desk(Wish(command="backtest", n_minutes=minutes, run_id=run_id, as_json=as_json), overrides, given, env_file)


@app.command()
def config(overrides: SetOption = [], env_file: EnvOption = ENV_FILE, as_json: JsonOption = False) -> None:  # noqa: B006 - as above
    """Print every setting that counts, and where it came from. Secrets stay hidden."""
    from console.settings_table import print_settings
    from settings import effective

    rows = effective(_settings(env_file, overrides, {}))
    if as_json:
        _print_json({row.name: {"value": row.value, "source": row.source} for row in rows})
    else:
        print_settings(_stdout(), rows)


@app.command()
def doctor(env_file: EnvOption = ENV_FILE, as_json: JsonOption = False) -> None:
    """Check everything the desk needs, and say what to do about what is missing."""
    from console.checkup import check_up

    raise typer.Exit(check_up(_stdout(), env_file, dict(os.environ), as_json=as_json))


@app.command()
def halt(
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position first.")] = False,
    reduce_only: Annotated[bool, typer.Option("--reduce", help="Let exits run, allow no entry.")] = False,
    env_file: EnvOption = ENV_FILE,
) -> None:
    """Stop the running desk from adding risk, from another terminal. It stays halted until `resume`."""
    from domain.tick import TradingState

    state = TradingState.FLATTENING if flatten else TradingState.REDUCING if reduce_only else TradingState.HALTED
    _switch(env_file).ask(state)
    _stdout().print(f"The desk is asked to be {state.value}; it looks at every minute. `main.py resume` takes it back.")


@app.command()
def resume(env_file: EnvOption = ENV_FILE) -> None:
    """Take back a halt."""
    from domain.tick import TradingState

    _switch(env_file).ask(TradingState.ACTIVE)
    _stdout().print("The desk may trade again.")


@audit.command("runs")
def audit_runs(db: DbOption = None, env_file: EnvOption = ENV_FILE, as_json: JsonOption = False) -> None:
    """List the runs in the journal."""
    from console.audit import print_runs, runs_json
    from db.reading import runs

    with _reading(db, env_file) as store:
        found = runs(store)
        _show(as_json, lambda: runs_json(found), lambda console: print_runs(console, found))


@audit.command("decisions")
def audit_decisions(
    run: RunArgument,
    outcome: Annotated[str | None, typer.Option("--outcome", help="Only these, e.g. entered or refused.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Only this perpetual.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 40,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """List decisions of a run: those where something happened, or all with one outcome."""
    from console.audit import decisions_json, print_decisions
    from console.lookup import decisions
    from execution.instruments import INSTRUMENTS

    with _reading(db, env_file) as store:
        rows = decisions(store, run, outcome, symbol, limit)
        _show(
            as_json,
            lambda: decisions_json(rows),
            lambda console: print_decisions(console, rows, INSTRUMENTS),
        )


@audit.command("show")
def audit_show(
    run: RunArgument,
    tick: Annotated[int, typer.Argument(metavar="TICK", help="The tick's number, as `audit decisions` prints it.")],
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Which perpetual, where several share a number.")
    ] = None,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Tell one decision as a story: what was seen, asked, answered and done, and how it ended."""
    from console.story import decision_json, tell_decision
    from db.reading import decision
    from execution.instruments import INSTRUMENTS

    with _reading(db, env_file) as store:
        found = decision(store, run, tick, symbol)
        _show(
            as_json,
            lambda: decision_json(found),
            lambda console: tell_decision(console, found, INSTRUMENTS),
        )


@audit.command("verify")
def audit_verify(
    run: RunArgument, db: DbOption = None, env_file: EnvOption = ENV_FILE, as_json: JsonOption = False
) -> None:
    """Check a run's hash chain; name the first row that was altered, removed or inserted."""
    from console.audit import print_verify, verify_json
    from db.verify import verify

    with _reading(db, env_file) as store:
        report = verify(store, run)
        _show(as_json, lambda: verify_json(report), lambda console: print_verify(console, report))
    raise typer.Exit(0 if report.is_sound else 1)


@audit.command("replay")
def audit_replay(
    run: RunArgument, db: DbOption = None, env_file: EnvOption = ENV_FILE, as_json: JsonOption = False
) -> None:
    """Recompute a run from its recorded inputs and settings, and compare every record."""
    from console.replaying import print_replay, replay, replay_json
    from desk.version import code_version
    from settings import settings_from_json

    def rebuild(settings_json: str, instruments: "Mapping[str, Instrument]", journal: "Journal") -> "MasterAgent":
        return build(settings_from_json(settings_json), instruments, journal)

    with _reading(db, env_file) as store:
        result = asyncio.run(replay(store, run, rebuild, code_version(ROOT)))
        _show(as_json, lambda: replay_json(result), lambda console: print_replay(console, result))
    raise typer.Exit(0 if result.is_identical else 1)


@audit.command("export")
def audit_export(
    run: RunArgument,
    folder: Annotated[Path, typer.Option("--to", help="Folder for the parquet files.")],
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
) -> None:
    """Write every table of a run as parquet and JSON lines."""
    from db.export import export

    with _reading(db, env_file) as store:
        for path in export(store, run, folder):
            _stdout().print(str(path))


@data.command("check")
def data_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Parquet or CSV files.")],
    as_json: JsonOption = False,
) -> None:
    """Report what a file holds and every gap, duplicate, disorder and impossible value in it."""
    from console.data_report import check_files
    from market.quality import QualityLimits

    raise typer.Exit(check_files(_stdout(), files, QualityLimits(), as_json=as_json))


@data.command("list")
def data_list(
    symbol: SymbolOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
) -> None:
    """List the recordings a replay would use when no file is named."""
    from market.catalog import find_recordings

    settings = _settings(env_file, [], _flags(SYMBOLS=",".join(symbol)))
    for path in find_recordings(_folders(settings), settings.symbols):
        _stdout().print(str(path))


def build(settings: "Settings", instruments: "Mapping[str, Instrument]", journal: "Journal") -> "MasterAgent":
    """Wire the agents of one desk: every part is made here, once, from the settings and what it stands on."""
    import settings as part
    from agents.books import Books
    from agents.execution import ExecutionAgent
    from agents.exits import ExitAgent
    from agents.gate import GateAgent
    from agents.market_data import MarketDataAgent
    from agents.master import MasterAgent
    from agents.risk import RiskAgent
    from agents.strategy import StrategyAgent
    from execution.paper import PaperVenue
    from gate.off import OffGate
    from risk.desk import RiskDesk
    from strategy.registry import build_strategies

    venue = PaperVenue(part.paper_terms(settings), instruments)
    books = Books(instruments=instruments, cash_microusd=venue.cash_microusd)
    execution = ExecutionAgent(venue=venue, journal=journal, books=books)
    chosen = build_strategies(settings.strategies, part.strategy_thresholds(settings))
    strategies = StrategyAgent(chosen, part.exit_rules(settings))
    limits, sizing = part.risk_limits(settings), part.sizing_policy(settings)
    risk = RiskAgent(desk=RiskDesk(limits=limits, sizing=sizing, instruments=instruments))
    return MasterAgent(
        market_data=MarketDataAgent(part.feature_windows(settings), part.regime_thresholds(settings)),
        strategies=strategies,
        gate=GateAgent(gate=OffGate(mode=settings.gate_mode), mode=settings.gate_mode),
        risk=risk,
        execution=execution,
        exits=ExitAgent(execution=execution, strategies=strategies, risk=risk),
    )


def build_feed(settings: "Settings", n_minutes: int | None) -> "TapedFeed":
    """Build the feed the settings ask for. Raises BadInput when there is nothing to replay."""
    import settings as part
    from configuration.choices import FeedKind

    if settings.feed is FeedKind.SIM:
        from market.sim import SimFeed

        return SimFeed(part.sim_parameters(settings), settings.symbols, n_minutes)
    from market.catalog import find_recordings
    from market.replay import load_replay

    paths = list(settings.replay_data) or [str(path) for path in find_recordings(_folders(settings), settings.symbols)]
    return load_replay(
        paths,
        settings.symbols,
        part.quality_limits(settings),
        settings.replay_assumed_spread_bps,
        limit_minutes=n_minutes,
    )


def _run_desk(wish: "Wish", overrides: list[str], given: Mapping[str, str], env_file: Path) -> None:
    """Load, wire and run one desk; report; leave with the exit code the outcome deserves."""
    from console.runs import Workshop, run_desk
    from settings import settings_json

    def load(extra: Mapping[str, str]) -> "Settings":
        return _settings(env_file, overrides, {**given, **extra})

    run_desk(wish, Workshop(load=load, settings_json=settings_json, build=build, build_feed=build_feed))


def _settings(env_file: Path, overrides: list[str], given: Mapping[str, str]) -> "Settings":
    from domain.errors import BadInput
    from settings import load_settings

    pairs = [override.partition("=") for override in overrides]
    for override, (name, sign, _) in zip(overrides, pairs, strict=True):
        if not sign or not name:
            raise BadInput(f"--set {override} is not NAME=VALUE")
    chosen = dict(given) | {name.strip().upper(): value for name, _, value in pairs}
    return load_settings(env_file, dict(os.environ), chosen)


def _folders(settings: "Settings") -> list[Path]:
    return [Path(folder) for folder in settings.data_dirs]


def _flags(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _switch(env_file: Path) -> "HaltSwitch":
    from desk.switch import HaltSwitch

    return HaltSwitch(_settings(env_file, [], {}).state_dir / "switch")


def _reading(db: str | None, env_file: Path) -> "Store":
    from db.opening import open_journal

    url = db or _settings(env_file, [], {}).database_url.get_secret_value()
    return open_journal(url, writable=False)


def _show(as_json: bool, to_json: Callable[[], Any], tell: "Callable[[Console], None]") -> None:
    if as_json:
        _print_json(to_json())
    else:
        tell(_stdout())


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def _stdout() -> "Console":
    from rich.console import Console

    return Console()


def main() -> None:
    """Run the command line; turn what can go wrong into one sentence and an exit code."""
    from console.complaints import complaining

    with complaining():
        app()


if __name__ == "__main__":
    main()
