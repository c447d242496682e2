"""`main.py audit`: question, verify and recompute what was recorded."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ENV_FILE, ROOT, DbOption, EnvOption, JsonOption, RunArgument, reading, show, stdout

if TYPE_CHECKING:
    from agents.master import MasterAgent
    from db.reported import Reported
    from domain.instrument import Instrument
    from domain.ports import Journal

audit = typer.Typer(help="Question, verify and recompute what was recorded.", no_args_is_help=True)


@audit.command("runs")
def audit_runs(db: DbOption = None, env_file: EnvOption = ENV_FILE, as_json: JsonOption = False) -> None:
    """List the runs in the journal."""
    from console.audit import print_runs, runs_json
    from db.reading import runs

    with reading(db, env_file) as store:
        found = runs(store)
        show(as_json, lambda: runs_json(found), lambda console: print_runs(console, found))


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
    from db.reading import find_run
    from execution.instruments import INSTRUMENTS

    with reading(db, env_file) as store:
        header = find_run(store, run).header
        rows = decisions(store, header.run_id, outcome, symbol, limit)
        show(
            as_json,
            lambda: decisions_json(rows),
            lambda console: print_decisions(
                console, rows, INSTRUMENTS, run_id=header.run_id, is_simulated=header.is_simulated
            ),
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

    with reading(db, env_file) as store:
        found = decision(store, run, tick, symbol)
        show(
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

    with reading(db, env_file) as store:
        report = verify(store, run)
        show(as_json, lambda: verify_json(report), lambda console: print_verify(console, report))
    raise typer.Exit(0 if report.is_sound else 1)


@audit.command("replay")
def audit_replay(
    context: typer.Context,
    run: RunArgument,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Recompute a run from its recorded inputs and settings, and compare every record."""
    from console.replaying import print_replay, replay, replay_json
    from desk.version import code_version
    from settings import settings_from_json
    from wiring.venue import relived_venue

    def rebuild(
        settings_json: str, instruments: "Mapping[str, Instrument]", journal: "Journal", told: "Reported | None"
    ) -> "MasterAgent":
        settings = settings_from_json(settings_json)
        venue = None if told is None else relived_venue(settings, instruments, told)
        master: MasterAgent = context.obj.build(settings, instruments, journal, venue)
        return master

    with reading(db, env_file) as store:
        result = asyncio.run(replay(store, run, rebuild, code_version(ROOT)))
        show(as_json, lambda: replay_json(result), lambda console: print_replay(console, result))
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

    with reading(db, env_file) as store:
        for path in export(store, run, folder):
            stdout().print(str(path))
