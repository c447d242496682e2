"""The front door: the command line. The desk's parts are wired together in `wiring/` and nowhere else.

Heavy parts are imported where they are used, so that `--help` answers at once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.audit import audit
from cli.band import band
from cli.compare import compare
from cli.control import config, doctor, halt, resume
from cli.gate import gate
from cli.market_data import data
from cli.montecarlo import montecarlo
from cli.options import (
    ENV_FILE,
    DataOption,
    DbOption,
    EnvOption,
    FeedOption,
    FromOption,
    JsonOption,
    MinutesOption,
    MoreFiles,
    RunIdOption,
    SetOption,
    SpeedOption,
    SymbolOption,
    UntilOption,
    flags,
    load,
)
from cli.prove import CutsOption, ProveOption, SeedOption, proof_wish
from cli.report import NoReportOption, ReportOption, report, report_after
from cli.shop import Shop
from cli.sweep import sweep
from cli.tune import tune
from cli.walkforward import walkforward
from console.wish import Wish
from wiring.desk import build as build
from wiring.feed import build_feed as build_feed
from wiring.gate import build_chat_reader as build_chat_reader
from wiring.gate import check
from wiring.venue import build_venue

if TYPE_CHECKING:
    from settings import Settings

HELP = """Tidegate: a trading desk for crypto perpetuals that records every decision and can recompute it.

Without a command it trades on paper with what .env says; out of the box that is the built-in simulated market."""

app = typer.Typer(help=HELP, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(audit, name="audit")
app.add_typer(data, name="data")
app.add_typer(gate, name="gate")


@app.callback(invoke_without_command=True)
def front_door(context: typer.Context) -> None:
    """Trade on paper when no command is given."""
    context.obj = Shop(build=build, build_feed=build_feed, build_chat_reader=build_chat_reader)
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
    """Trade on paper, minute by minute, on the simulated market, on recordings or on a live exchange."""
    given = flags(FEED=feed, SYMBOLS=",".join(symbol), SPEED=speed, DATABASE_URL=db)
    given |= flags(REPLAY_DATA=",".join([*data_files, *(more or [])]))
    _run_desk(Wish(command="paper", n_minutes=minutes, run_id=run_id, as_json=as_json), overrides, given, env_file)


@app.command()
def backtest(
    more: MoreFiles = None,
    data_files: DataOption = [],  # noqa: B006 - as above
    symbol: SymbolOption = [],  # noqa: B006 - as above
    first: FromOption = None,
    until: UntilOption = None,
    minutes: MinutesOption = None,
    db: DbOption = None,
    run_id: RunIdOption = None,
    report_to: ReportOption = None,
    no_report: NoReportOption = False,
    prove: ProveOption = False,
    cuts: CutsOption = None,
    seed: SeedOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Run the same desk over recordings at full speed, journal and all, and report; or prove it never looks ahead.

    The report is one HTML file that needs no network. With --json it is written only where --report says.
    """
    proof = proof_wish(prove=prove, cuts=cuts, seed=seed, run_id=run_id, n_minutes=minutes, as_json=as_json)
    given = flags(FEED="replay", SYMBOLS=",".join(symbol), SPEED="max", DATABASE_URL=db)
    given |= flags(REPLAY_DATA=",".join([*data_files, *(more or [])]), REPLAY_FROM=first, REPLAY_UNTIL=until)
    if proof is not None:
        raise typer.Exit(proof.run(load(env_file, overrides, given), build, build_feed))
    wish = Wish(command="backtest", n_minutes=minutes, run_id=run_id, as_json=as_json)
    done = _run_desk(wish, overrides, given, env_file)
    if report_to is not None or not (no_report or as_json):
        report_after(load(env_file, overrides, given), done, report_to, quietly=as_json)


app.command()(config)
app.command()(doctor)
app.command()(halt)
app.command()(resume)
app.command()(report)
app.command()(sweep)
app.command()(tune)
app.command()(walkforward)
app.command()(montecarlo)
app.command()(band)
app.command()(compare)


def _run_desk(wish: Wish, overrides: list[str], given: Mapping[str, str], env_file: Path) -> str:
    """Load, wire and run one desk; report; leave with the exit code the outcome deserves."""
    from cli.gate_identity import gate_identity
    from console.runs import Workshop, run_desk
    from settings import settings_json

    def settings_with(extra: Mapping[str, str]) -> "Settings":
        return load(env_file, overrides, {**given, **extra})

    lent = Workshop(
        load=settings_with,
        settings_json=settings_json,
        build=build,
        build_feed=build_feed,
        check=check,
        gate_of=gate_identity,
        build_venue=build_venue,
    )
    return run_desk(wish, lent)


def main() -> None:
    """Run the command line; turn what can go wrong into one sentence and an exit code."""
    from console.complaints import complaining

    with complaining():
        app()


if __name__ == "__main__":
    main()
