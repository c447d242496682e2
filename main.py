"""The front door: the command line. The desk's parts are wired together in `wiring/` and nowhere else.

Heavy parts are imported where they are used, so that `--help` answers at once.
"""

import typer

from cli.audit import audit
from cli.band import band
from cli.compare import compare
from cli.control import config, doctor, halt, resume
from cli.gate import gate
from cli.market_data import data
from cli.montecarlo import montecarlo
from cli.report import report
from cli.shop import Shop
from cli.sweep import sweep
from cli.trading import backtest, dry_run, follow_mode, live, paper
from cli.tune import tune
from cli.walkforward import walkforward
from cli.watch import watch
from wiring.desk import build as build
from wiring.feed import build_feed as build_feed
from wiring.gate import build_chat_reader as build_chat_reader
from wiring.gate import check
from wiring.notices import attend
from wiring.venue import build_rehearsal, build_venue

HELP = """Tidegate: a trading desk for crypto perpetuals that records every decision and can recompute it.

Without a command it trades as MODE in .env says; out of the box that is on paper, on the built-in simulated market."""

app = typer.Typer(help=HELP, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(audit, name="audit")
app.add_typer(data, name="data")
app.add_typer(gate, name="gate")


@app.callback(invoke_without_command=True)
def front_door(context: typer.Context) -> None:
    """Trade as MODE says when no command is given: on paper, unless .env says otherwise."""
    context.obj = Shop(
        build=build,
        build_feed=build_feed,
        build_chat_reader=build_chat_reader,
        check=check,
        build_venue=build_venue,
        build_rehearsal=build_rehearsal,
        attend=attend,
    )
    if context.invoked_subcommand is None:
        follow_mode(context.obj)


app.command()(paper)
app.command("dry-run")(dry_run)
app.command()(live)
app.command()(backtest)
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
app.command()(watch)


def main() -> None:
    """Run the command line; turn what can go wrong into one sentence and an exit code."""
    from console.complaints import complaining

    with complaining():
        app()


if __name__ == "__main__":
    main()
