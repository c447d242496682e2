"""`main.py paper`, `dry-run`, `live` and `backtest`: one desk, on one market, at one venue.

What a desk may do is typed, or stands in MODE for `main.py` alone; no other command ever takes it from there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.options import (
    ENV_FILE,
    PAPER,
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
from cli.report import NoReportOption, ReportOption, report_after
from cli.shop import Shop
from console.wish import Wish

if TYPE_CHECKING:
    from settings import Settings

DRY_RUN, LIVE = "dry_run", "live"
COMMANDS = {PAPER: "paper", DRY_RUN: "dry-run", LIVE: "live"}


def paper(
    context: typer.Context,
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
    wish = Wish(command=COMMANDS[PAPER], n_minutes=minutes, run_id=run_id, as_json=as_json)
    trade(context.obj, wish, overrides, given, env_file)


def dry_run(
    context: typer.Context,
    symbol: SymbolOption = [],  # noqa: B006 - as above
    minutes: MinutesOption = None,
    db: DbOption = None,
    run_id: RunIdOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Trade on a live market, and rehearse every order: the real transaction is built and simulated, never sent."""
    wish = Wish(command=COMMANDS[DRY_RUN], n_minutes=minutes, run_id=run_id, as_json=as_json)
    given = flags(FEED="live", SYMBOLS=",".join(symbol), DATABASE_URL=db)
    trade(context.obj, wish, overrides, given, env_file, DRY_RUN)


def live(
    context: typer.Context,
    symbol: SymbolOption = [],  # noqa: B006 - as above
    minutes: MinutesOption = None,
    db: DbOption = None,
    run_id: RunIdOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Trade with real money, at micro size at first. It starts only when everything in docs/live.md is proven."""
    wish = Wish(command=COMMANDS[LIVE], n_minutes=minutes, run_id=run_id, as_json=as_json)
    given = flags(FEED="live", SYMBOLS=",".join(symbol), DATABASE_URL=db)
    trade(context.obj, wish, overrides, given, env_file, LIVE)


def follow_mode(shop: Shop) -> None:
    """Run the desk that `.env` and the environment describe, MODE included."""
    command = COMMANDS[load(ENV_FILE, [], {}, mode=None).mode.value]
    trade(shop, Wish(command=command), [], {}, ENV_FILE, None)


def backtest(
    context: typer.Context,
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
    shop: Shop = context.obj
    proof = proof_wish(prove=prove, cuts=cuts, seed=seed, run_id=run_id, n_minutes=minutes, as_json=as_json)
    given = flags(FEED="replay", SYMBOLS=",".join(symbol), SPEED="max", DATABASE_URL=db)
    given |= flags(REPLAY_DATA=",".join([*data_files, *(more or [])]), REPLAY_FROM=first, REPLAY_UNTIL=until)
    if proof is not None:
        raise typer.Exit(proof.run(load(env_file, overrides, given), shop.build, shop.build_feed))
    wish = Wish(command="backtest", n_minutes=minutes, run_id=run_id, as_json=as_json)
    done = trade(shop, wish, overrides, given, env_file)
    if report_to is not None or not (no_report or as_json):
        report_after(load(env_file, overrides, given), done, report_to, quietly=as_json)


def trade(
    shop: Shop,
    wish: Wish,
    overrides: list[str],
    given: Mapping[str, str],
    env_file: Path,
    mode: str | None = PAPER,
) -> str:
    """Load, prove, wire and run one desk; report; leave with the exit code the outcome deserves.

    mode: what MODE has to be; None: as the settings say. Raises BadInput, with nothing opened and nothing on record,
    where a desk that would reach a venue lacks a proof.
    """
    from cli.gate_identity import gate_identity
    from console.runs import Workshop, run_desk
    from settings import settings_json

    def settings_with(extra: Mapping[str, str]) -> "Settings":
        return load(env_file, overrides, {**given, **extra}, mode=mode)

    lent = Workshop(
        load=settings_with,
        settings_json=settings_json,
        build=shop.build,
        build_feed=shop.build_feed,
        check=shop.check,
        gate_of=gate_identity,
        build_venue=shop.build_venue,
        build_rehearsal=shop.build_rehearsal,
        attend=shop.attend,
    )
    settings = settings_with({})
    if settings.mode.value != PAPER:
        from cli.proving import prove_start

        for remark in prove_start(settings, shop):
            typer.echo(f"note: {remark}", err=True)
    return run_desk(wish, lent)
