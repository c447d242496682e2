"""The front door: the command line, and `build`, the only place where the desk's parts are wired together.

Heavy parts are imported where they are used, so that `--help` answers at once.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
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
    folders,
    load,
)
from cli.prove import CutsOption, ProveOption, SeedOption, proof_wish
from cli.report import NoReportOption, ReportOption, report, report_after
from cli.shop import Shop
from cli.sweep import sweep
from cli.tune import tune
from cli.walkforward import walkforward
from cli.watch import watch
from console.wish import Wish

if TYPE_CHECKING:
    from agents.hindsight import Hindsight
    from agents.master import MasterAgent
    from agents.strategy import StrategyAgent
    from configuration.choices import GateBackend
    from console.runs import TapedFeed
    from domain.instrument import Instrument
    from domain.ports import Gate, Journal, Reader
    from gate.chat_reader import ChatReader
    from gate.line import Line, Wire
    from gate.prompt import PromptBuilder
    from gate.terms import ChatTerms
    from risk.desk import RiskDesk
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
app.command()(watch)


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
    from risk.desk import RiskDesk
    from strategy.registry import build_strategies

    venue = PaperVenue(part.paper_terms(settings), instruments)
    books = Books(instruments=instruments, cash_microusd=venue.cash_microusd)
    execution = ExecutionAgent(venue=venue, journal=journal, books=books)
    chosen = build_strategies(settings.strategies, part.strategy_thresholds(settings))
    strategies = StrategyAgent(chosen, part.exit_rules(settings))
    limits, sizing = part.risk_limits(settings), part.sizing_policy(settings)
    risk_desk = RiskDesk(limits=limits, sizing=sizing, instruments=instruments, portfolio=part.portfolio(settings))
    risk = RiskAgent(desk=risk_desk)
    hindsight = build_hindsight(settings, instruments, strategies, risk_desk)
    return MasterAgent(
        market_data=MarketDataAgent(part.feature_windows(settings), part.regime_thresholds(settings)),
        strategies=strategies,
        gate=GateAgent(gate=build_gate(settings, journal), mode=settings.gate_mode, hindsight=hindsight),
        risk=risk,
        execution=execution,
        exits=ExitAgent(execution=execution, strategies=strategies, risk=risk),
    )


def build_hindsight(
    settings: "Settings",
    instruments: "Mapping[str, Instrument]",
    strategies: "StrategyAgent",
    risk_desk: "RiskDesk",
) -> "Hindsight | None":
    """Build what is kept for the gate's sake: None where no gate is in use, for there is nothing to learn."""
    from msgspec.structs import replace

    import settings as part
    from agents.hindsight import Hindsight
    from agents.ledger import TriggerLedger
    from agents.recollection import Recollection
    from agents.reflection import Reflections
    from agents.risk import RiskAgent
    from db.off import JournalOff
    from domain.decisions import GateMode
    from execution.paper import MAX_CASH_USD, PaperVenue

    if settings.gate_mode is GateMode.OFF:
        return None
    # Ten times what the largest order it takes is worth, so that no shadow trade wants for margin.
    terms = replace(part.paper_terms(settings), starting_cash_usd=MAX_CASH_USD, reject_frac=0.0)
    ledger = TriggerLedger(
        open_venue=lambda symbol: PaperVenue(terms, {symbol: instruments[symbol]}),
        journal=JournalOff(),
        instruments=instruments,
        strategies=strategies,
        risk=RiskAgent(desk=risk_desk),
    )
    grounds = {name: strategy.grounds for name, strategy in strategies.by_name.items()}
    reflections = Reflections(grounds=grounds, instruments=instruments)
    return Hindsight(recollection=Recollection(), ledger=ledger, reflections=reflections)


def build_gate(settings: "Settings", journal: "Journal") -> "Gate":
    """Build who is asked before an entry: nobody, unless the settings name a mode and a backend."""
    from configuration.choices import GateBackend
    from domain.decisions import GateMode
    from gate.off import OffGate

    if settings.gate_mode is GateMode.OFF or settings.gate_backend is GateBackend.OFF:
        return OffGate(mode=settings.gate_mode)
    from agents.audited_gate import AuditedGate
    from desk.clock import SystemClock
    from desk.switch import HaltSwitch

    clock = SystemClock()
    return AuditedGate(
        reader=_reader(settings, settings.gate_backend, clock.elapsed_s),
        journal=journal,
        clock=clock,
        max_age_s=settings.gate_max_age_s,
        cassette=settings.gate_cassette,
        asked_state=HaltSwitch(settings.state_dir / "switch").asked,
    )


def _reader(settings: "Settings", backend: "GateBackend", elapsed_s: "Callable[[], float]") -> "Reader":
    """Build one backend's reader; an ensemble's members are built as they would be alone."""
    import settings as part
    from configuration.choices import GateBackend

    mode = settings.gate_mode
    if backend is GateBackend.ENSEMBLE:
        from gate.ensemble import EnsembleReader

        members = [_reader(settings, GateBackend(member), elapsed_s) for member in settings.gate_members]
        return EnsembleReader(part.ensemble_terms(settings), mode, members, elapsed_s)
    if backend is GateBackend.METALABEL:
        from gate.metalabel.reader import MetaLabelReader
        from gate.metalabel.vector import Design

        design = Design(strategies=settings.strategies, costs=part.trade_costs(settings))
        return MetaLabelReader(part.metalabel_terms(settings), mode, design, elapsed_s)
    return build_chat_reader(settings, backend, elapsed_s)


def build_chat_reader(settings: "Settings", server: "GateBackend", elapsed_s: "Callable[[], float]") -> "ChatReader":
    """Build the reader that asks a model on a server, or the cassette that answers for it."""
    import settings as part
    from gate.cassette.choosing import cassette_line
    from gate.chat_reader import ChatReader

    terms = part.chat_terms(settings, server)
    wire, line = _line_to(server, terms)
    return ChatReader(
        terms=terms,
        mode=settings.gate_mode,
        prompt=build_prompt(settings),
        wire=wire,
        line=cassette_line(part.cassette_terms(settings), line, elapsed_s),
        elapsed_s=elapsed_s,
    )


def build_prompt(settings: "Settings") -> "PromptBuilder":
    """Build what words every question to a chat model, whoever answers it."""
    import settings as part
    from gate.prompt import PromptBuilder, load_prompt

    e3, fade = part.e3_thresholds(settings), part.funding_fade_thresholds(settings)
    return PromptBuilder(
        prompt=load_prompt(),
        costs=part.trade_costs(settings),
        tests={"e3": e3.tests(), "funding_fade": fade.tests()},
        n_similar=part.n_similar(settings),
    )


def _line_to(backend: "GateBackend", terms: "ChatTerms") -> "tuple[Wire, Line]":
    """Return how a backend's calls are worded, and the line they go out on."""
    from configuration.choices import GateBackend

    if backend is GateBackend.OPENAI:
        from gate.openai import OpenAiLine, OpenAiWire

        compatible = OpenAiWire(terms=terms)
        return compatible, OpenAiLine(compatible)
    from gate.ollama import OllamaLine, OllamaWire

    wire = OllamaWire(terms=terms)
    return wire, OllamaLine(wire)


def check(settings: "Settings") -> None:
    """Raise BadInput where the settings name a cassette that the gate could not use."""
    import settings as part
    from domain.decisions import GateMode
    from gate.cassette.choosing import check_cassette

    if settings.gate_mode is not GateMode.OFF:
        check_cassette(part.cassette_terms(settings))


def attend(settings: "Settings", run_id: str, say: Callable[[str], None]) -> "AbstractContextManager[None]":
    """Let a desk be seen by a watchdog while it runs, and tell of it whoever NOTIFY_* names."""
    import settings as part
    from desk.clock import SystemClock
    from notices.attending import attending

    return attending(part.presence_file(settings), run_id, SystemClock(), part.teller_terms(settings), say)


def build_feed(settings: "Settings", n_minutes: int | None) -> "TapedFeed":
    """Build the feed the settings ask for. Raises BadInput when there is nothing to replay."""
    import settings as part
    from configuration.choices import FeedKind

    if settings.feed is FeedKind.SIM:
        from market.sim import SimFeed

        return SimFeed(part.sim_parameters(settings), settings.symbols, n_minutes)
    if settings.feed is FeedKind.LIVE:
        from desk.clock import SystemClock
        from market.live.feed import LiveFeed

        return LiveFeed(part.live_terms(settings), part.quality_limits(settings), SystemClock(), n_minutes)
    from market.catalog import find_recordings
    from market.replay import load_replay

    paths = list(settings.replay_data) or [str(path) for path in find_recordings(folders(settings), settings.symbols)]
    return load_replay(
        paths,
        settings.symbols,
        part.quality_limits(settings),
        settings.replay_assumed_spread_bps,
        start_ms=part.epoch_ms(settings.replay_from),
        end_ms=part.epoch_ms(settings.replay_until),
        limit_minutes=n_minutes,
    )


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
        attend=attend,
    )
    return run_desk(wish, lent)


def main() -> None:
    """Run the command line; turn what can go wrong into one sentence and an exit code."""
    from console.complaints import complaining

    with complaining():
        app()


if __name__ == "__main__":
    main()
