"""Starting, resuming and ending a run: everything between the command line and the desk."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
from rich.console import Console

from agents.master import MasterAgent
from console.complaints import Interrupted, Stopped
from console.gate_news import GateSetting, opened_text
from console.living import NOTHING_SEEN, LivingFeed, Seen, live_driver, opened
from console.next_steps import next_steps, resume_command
from console.promotion import GateIdentity, promotion_warning
from console.report import N_REASONS, print_report
from console.session import Driver, Past, Session, stopping_on_signals
from console.summary import summary_json
from console.trading import DryRun, Reach, Trading, figures_on_record, opened_venue, say_what_is_waited_for
from console.watching import is_full_speed, watching
from console.wish import Wish
from db.chain import RunHeader
from db.cut_off import state_of_cut_off_tick
from db.journal import SqlJournal
from db.opening import open_journal
from db.reading import failed_tests, find_run, inputs, last_as_of_ms, newest_event, run_ids
from db.store import Store
from desk.at_hand import KIND as AT_HAND
from desk.at_hand import MinuteAtHand, cut_off_minute
from desk.clock import SystemClock
from desk.resumed import ResumedFeed
from desk.runner import Desk, Halted, Pace
from desk.schedule import MinuteSchedule
from desk.switch import HaltSwitch
from desk.tally import RunSummary, Tally
from desk.version import code_version
from domain.errors import CassetteMiss
from domain.gate_reason import GateReason
from domain.instrument import Instrument
from domain.market import MINUTE_MS
from domain.ports import Feed, Journal, Venue
from domain.tick import TradingState
from execution.instruments import instrument
from execution.live.venue import LiveVenue

SIMULATED_DAY_MINUTES = 1440
WATCHABLE_S = 45.0
LONGEST_PAUSE_S = 0.03
LATE_AFTER_MS = 90_000
UNPROVEN = "gate_unproven"
BACKTEST = "backtest"


class TapedFeed(Feed, Protocol):
    """A feed that knows its length and has a fingerprint."""

    @property
    def n_minutes(self) -> int | None:
        """How many minutes it has; None without end."""
        ...

    @property
    def data_identity(self) -> str:
        """The fingerprint of what it will say."""
        ...

    def describe(self) -> str | list[str]:
        """Say what the user should know of it."""
        ...


Settings = Any
LoadSettings = Callable[[Mapping[str, str]], Settings]


class Workshop(NamedTuple):
    """What `main` lends: how settings are loaded and written, and how a desk and its feed are built of them.

    check: raises BadInput where the settings name something that is not there, before a run is begun.
    gate_of: whom they would have asked before an entry. build_venue: the venue in the world that a run trades at.
    build_rehearsal: the gateway's client of a dry run, and what builds its venue.
    attend: says that a desk is there while a run goes on, and tells whoever is to be notified; it takes the run's name
    and who shows a sentence to the user.
    """

    load: LoadSettings
    settings_json: Callable[[Settings], str]
    build: Callable[[Settings, Mapping[str, Instrument], Journal, Venue | None], MasterAgent]
    build_feed: Callable[[Settings, int | None], TapedFeed]
    check: Callable[[Settings], None]
    gate_of: Callable[[Settings], GateIdentity | None]
    build_venue: Callable[[Settings, str], LiveVenue]
    build_rehearsal: Callable[[Settings, str], Any]
    attend: Callable[[Settings, str, Callable[[str], None]], AbstractContextManager[None]]


def run_desk(wish: Wish, workshop: Workshop) -> str:
    """Run one desk from the first look at the settings to the report; return the run's name.

    Raises BadInput for what the user can mend, Stopped when the desk halted itself, Interrupted at a second Ctrl-C.
    """
    try:
        return _run(wish, workshop)
    except KeyboardInterrupt:
        raise Interrupted("the desk was not waited for; what it had committed is on record") from None


def _run(wish: Wish, workshop: Workshop) -> str:
    settings, clock = workshop.load({}), SystemClock()
    workshop.check(settings)
    url = settings.database_url.get_secret_value()
    with open_journal(url, writable=True) as store, asyncio.Runner() as runner, ExitStack() as ending:
        warning = promotion_warning(store, wish.command, workshop.gate_of(settings), settings.gate_evaluation)
        run_id = wish.run_id or _new_run_id(wish.command, clock, run_ids(store))
        is_resumed = run_id in run_ids(store)
        default_start = settings.sim_start
        if _begins_now(settings):
            settings = _starting_now(workshop.load, clock, store, run_id if is_resumed else None)
        is_aligned = settings.sim_start != default_start
        feed = workshop.build_feed(settings, _n_minutes(wish, settings))
        living = feed if isinstance(feed, LivingFeed) else None
        seen = _seen(store, run_id) if is_resumed else NOTHING_SEEN
        if living is not None:
            ending.enter_context(opened(living, runner, seen))
        reach, instruments = _reach(wish, settings, workshop, store, runner, ending, run_id, seen)
        header = _header(wish, run_id, settings, workshop.settings_json(settings), feed, instruments)
        journal = store.resume(run_id, header) if is_resumed else store.begin(header, clock.now_ms())
        at_hand = MinuteAtHand(journal, clock)
        venue = None if reach is None else reach.venue(at_hand)
        master = workshop.build(settings, instruments, journal if living is None else at_hand, venue)
        desk = _desk(settings, master, journal, feed, clock)
        desk.is_real_time = living is not None or (settings.speed == "real" and is_aligned)
        if warning is not None:
            desk.note(UNPROVEN, warning)
        session = Session(
            desk=desk,
            journal=journal,
            past=_past(store, run_id) if is_resumed else None,
            schedule=(
                _schedule(settings, desk, wish, is_aligned=is_aligned)
                if living is None
                else live_driver(desk, living, at_hand, seen, LATE_AFTER_MS)
            ),
            is_simulated=header.is_simulated,
            to_json=lambda summary: json.dumps(summary_json(summary)),
        )
        if reach is not None:
            reach.join(session)
        if is_resumed and living is None:
            desk.feed = ResumedFeed(feed, last_as_of_ms(store, run_id))
        summary = _watched(session, settings, wish, instruments, feed, warning, runner, workshop)
        quiet_reasons = () if wish.as_json else failed_tests(store, run_id, N_REASONS)
    _tell(wish, summary, instruments, quiet_reasons, is_stopped=session.is_left_open)
    return run_id


def _reach(
    wish: Wish,
    settings: Settings,
    workshop: Workshop,
    store: Store,
    runner: asyncio.Runner,
    ending: ExitStack,
    run_id: str,
    seen: Seen,
) -> tuple[Reach | None, Mapping[str, Instrument]]:
    """Open what leads a run into the world; None on paper, which fills by itself."""
    resumed = run_id if run_id in run_ids(store) else None
    if wish.rehearses:
        gateway, rehearsing = workshop.build_rehearsal(settings, run_id)
        there = ending.enter_context(opened_venue(gateway, runner, settings.symbols))
        instruments = there if resumed is None else figures_on_record(store, resumed, there)
        return DryRun(gateway, instruments, rehearsing, store, resumed), instruments
    if wish.trades:
        venue = workshop.build_venue(settings, run_id)
        there = ending.enter_context(opened_venue(venue, runner, settings.symbols))
        instruments = there if resumed is None else figures_on_record(store, resumed, there)
        ending.callback(say_what_is_waited_for, venue)
        return Trading(live=venue, store=store, resumed=resumed, seen=seen), instruments
    return None, {symbol: instrument(symbol) for symbol in settings.symbols}


def _watched(
    session: Session,
    settings: Settings,
    wish: Wish,
    instruments: Mapping[str, Instrument],
    feed: TapedFeed,
    warning: str | None,
    runner: asyncio.Runner,
    workshop: Workshop,
) -> RunSummary:
    """Serve a session before the eyes of whoever is there."""
    said, run_id = feed.describe(), session.journal.run_id
    title = said if isinstance(said, str) else "\n".join(said)
    lives = watching(
        settings, title, feed.n_minutes, instruments, as_json=wish.as_json, is_simulated=session.is_simulated
    )
    with stopping_on_signals(session.desk), lives as (view, watcher):
        session.desk.view = watcher
        session.desk.on_gate = lambda found: watcher.on_gate(
            opened_text(settings.gate_mode, found), is_ready=found.is_ready
        )
        if warning is not None:
            view.say(warning)
        if session.past is not None:
            view.say(f"resuming {run_id}: living through what is on record")
        if gate_news := _gate_setting(settings).news:
            view.say(gate_news)
        asked = session.desk.asked_state()
        if asked is not TradingState.ACTIVE:
            view.say(f"the desk is asked to be {asked.value}; `python main.py resume` takes it back")
        is_desk = wish.command != BACKTEST
        with workshop.attend(settings, run_id, view.say) if is_desk else nullcontext():
            try:
                return runner.run(session.run())
            except Halted as halted:
                raise Stopped(_stopped(halted, run_id)) from halted


def _gate_setting(settings: Settings) -> GateSetting:
    servers = () if settings.gate_cassette.is_replay else settings.gate_servers
    urls = [getattr(settings, settings.gate_server_knobs(server)[0].lower()) for server in servers]
    return GateSetting(
        mode=settings.gate_mode,
        backend=settings.gate_backend.value,
        url=" and ".join(urls),
        warmup_s=settings.gate_warmup_s,
    )


def _stopped(halted: Halted, run_id: str) -> str:
    if isinstance(halted.__cause__, CassetteMiss):
        return (
            f"{halted}, and GATE_CASSETTE=replay_strict goes no further. Nothing more was sent; what was taken until "
            f"then is on record as {run_id}. GATE_CASSETTE=record adds what is missing, in a run of its own"
        )
    return (
        f"the desk halted: {halted}. Nothing more was sent; what was committed until then is on record. "
        f"When the cause is mended, go on with: {resume_command(run_id, sys.argv[1:])}"
    )


def _desk(settings: Settings, master: MasterAgent, journal: SqlJournal, feed: TapedFeed, clock: SystemClock) -> Desk:
    return Desk(
        feed=feed,
        master=master,
        journal=journal,
        clock=clock,
        tally=Tally(master.execution.books.equity_microusd, cassette=settings.gate_cassette),
        pace=_pace(settings, feed.n_minutes),
        asked_state=HaltSwitch(settings.state_dir / "switch").asked,
        flattens_on_stop=settings.on_stop == "flatten",
        reconcile_every_minutes=settings.reconcile_every_minutes,
    )


def _pace(settings: Settings, n_minutes: int | None) -> Pace:
    """Full speed commits in batches; anything slower commits every minute."""
    if is_full_speed(settings):
        return Pace(batch_ticks=settings.journal_batch_ticks)
    pause_s = LONGEST_PAUSE_S if n_minutes is None else min(LONGEST_PAUSE_S, WATCHABLE_S / n_minutes)
    return Pace(batch_ticks=1, pause_s=0.0 if settings.speed == "real" else pause_s)


def _schedule(settings: Settings, desk: Desk, wish: Wish, *, is_aligned: bool) -> Driver | None:
    if settings.speed != "real":
        return None
    return MinuteSchedule(desk=desk, is_aligned=is_aligned, late_after_ms=LATE_AFTER_MS, n_minutes=wish.n_minutes)


def _n_minutes(wish: Wish, settings: Settings) -> int | None:
    if wish.n_minutes is None and settings.feed == "sim" and settings.speed != "real":
        return SIMULATED_DAY_MINUTES
    return wish.n_minutes


def _begins_now(settings: Settings) -> bool:
    """Say whether the market's minutes are to be the clock's: simulated, in real time, with no start of its own."""
    return bool(settings.speed == "real" and settings.feed == "sim" and settings.sources["SIM_START"] == "default")


def _starting_now(load: LoadSettings, clock: SystemClock, store: Store, resumed: str | None) -> Settings:
    """Let a simulated market in real time begin at this minute, or where the resumed run began."""
    if resumed is not None:
        began = json.loads(find_run(store, resumed).header.settings_json)["SIM_START"]
        return load({"SIM_START": str(began)})
    minute_ms = clock.now_ms() // MINUTE_MS * MINUTE_MS
    return load({"SIM_START": datetime.fromtimestamp(minute_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")})


def _header(
    wish: Wish,
    run_id: str,
    settings: Settings,
    settings_json: str,
    feed: TapedFeed,
    instruments: Mapping[str, Instrument],
) -> RunHeader:
    return RunHeader(
        run_id=run_id,
        command=wish.command,
        settings_json=settings_json,
        code_version=code_version(Path(__file__).parents[1]),
        data_identity=feed.data_identity,
        symbols=tuple(settings.symbols),
        instruments_json=msgspec.json.encode(list(instruments.values())).decode(),
        is_simulated=settings.feed == "sim",
    )


def _new_run_id(command: str, clock: SystemClock, taken: tuple[str, ...]) -> str:
    moment = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    name = f"{command}-{moment:%Y%m%d-%H%M%S}"
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in names if candidate not in taken)


def _seen(store: Store, run_id: str) -> Seen:
    """Return how far a live run has come, its last minute included that was cut off."""
    last = last_as_of_ms(store, run_id)
    return Seen(last_as_of_ms=last, cut_off=cut_off_minute(newest_event(store, run_id, AT_HAND), last))


def _past(store: Store, run_id: str) -> Past:
    return Past(ticks=inputs(store, run_id), tail_state=state_of_cut_off_tick(store, run_id))


def _tell(
    wish: Wish,
    summary: RunSummary,
    instruments: Mapping[str, Instrument],
    quiet_reasons: Sequence[tuple[str, int]],
    *,
    is_stopped: bool,
) -> None:
    if wish.as_json:
        print(json.dumps(summary_json(summary), allow_nan=False))  # noqa: T201 - this is the program's answer
        return
    has_gate = any(reason != GateReason.NO_BACKEND for reason, _ in summary.gate_reasons)
    steps = next_steps(summary.run_id, sys.argv[1:], is_stopped=is_stopped, has_gate=has_gate)
    print_report(Console(), summary, instruments, steps, quiet_reasons)
