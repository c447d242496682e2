"""Starting, resuming and ending a run: everything between the command line and the desk."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
from rich.console import Console

from agents.master import MasterAgent
from console.complaints import Stopped
from console.live import LiveView
from console.logs import close_logging, configure_logging, log_tick
from console.plain import PlainView, SilentView
from console.report import print_report
from console.session import Past, Session
from console.summary import summary_json
from console.wish import Wish
from db.chain import RunHeader
from db.cut_off import state_of_cut_off_tick
from db.journal import SqlJournal
from db.opening import open_journal
from db.reading import find_run, inputs, last_as_of_ms, run_ids
from db.store import Store
from desk.clock import SystemClock
from desk.resumed import ResumedFeed
from desk.runner import Desk, Halted, Pace
from desk.schedule import MinuteSchedule
from desk.switch import HaltSwitch
from desk.tally import RunSummary, Tally
from desk.version import code_version
from domain.instrument import Instrument
from domain.market import MINUTE_MS
from domain.ports import Feed, Journal
from domain.tick import TickRecord
from execution.instruments import instrument

SIMULATED_DAY_MINUTES = 1440
WATCHABLE_S = 45.0
LONGEST_PAUSE_S = 0.03
LATE_AFTER_MS = 90_000

View = LiveView | PlainView | SilentView


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
    """What `main` lends: how settings are loaded and written, and how a desk and its feed are built of them."""

    load: LoadSettings
    settings_json: Callable[[Settings], str]
    build: Callable[[Settings, Mapping[str, Instrument], Journal], MasterAgent]
    build_feed: Callable[[Settings, int | None], TapedFeed]


class Watching:
    """Shows every tick to the view and writes its line to the log."""

    __slots__ = ("_logger", "_view")

    def __init__(self, view: View, logger: Any) -> None:
        """Take both."""
        self._view = view
        self._logger = logger

    def on_tick(self, record: TickRecord) -> None:
        """Pass one tick on."""
        self._view.on_tick(record)
        log_tick(self._logger, record)


def run_desk(wish: Wish, workshop: Workshop) -> None:
    """Run one desk from the first look at the settings to the report.

    Raises BadInput for what the user can mend, Stopped when the desk halted itself.
    """
    settings, clock = workshop.load({}), SystemClock()
    instruments = {symbol: instrument(symbol) for symbol in settings.symbols}
    with open_journal(settings.database_url.get_secret_value(), writable=True) as store:
        run_id = wish.run_id or _new_run_id(wish.command, clock, run_ids(store))
        is_resumed = run_id in run_ids(store)
        if _is_real_time_sim(settings):
            settings = _starting_now(workshop.load, clock, store, run_id if is_resumed else None)
        feed = workshop.build_feed(settings, _n_minutes(wish, settings))
        header = _header(wish, run_id, settings, workshop.settings_json(settings), feed, instruments)
        journal = store.resume(run_id, header) if is_resumed else store.begin(header, clock.now_ms())
        past = _past(store, run_id) if is_resumed else None
        with _watching(wish, settings, feed, instruments, is_simulated=header.is_simulated) as (view, watching):
            desk = _desk(settings, workshop.build(settings, instruments, journal), journal, feed, clock)
            if past is not None:
                desk.feed = ResumedFeed(feed, last_as_of_ms(store, run_id))
                view.say(f"resuming {run_id}: living through what is on record")
            desk.view = watching
            summary = _serve(desk, journal, past, settings, wish, is_simulated=header.is_simulated)
    _tell(wish, summary, instruments, run_id, is_stopped=desk.stop_is_asked)


def _serve(
    desk: Desk, journal: SqlJournal, past: Past | None, settings: Settings, wish: Wish, *, is_simulated: bool
) -> RunSummary:
    schedule = _schedule(desk, settings, wish) if settings.speed == "real" else None
    session = Session(
        desk=desk,
        journal=journal,
        past=past,
        schedule=schedule,
        is_simulated=is_simulated,
        to_json=lambda summary: json.dumps(summary_json(summary)),
    )
    try:
        return asyncio.run(session.run())
    except Halted as halted:
        raise Stopped(
            f"the desk halted: {halted}. Nothing more was sent; everything until then is on record. "
            f"When the cause is mended, resume with --run-id {journal.run_id}"
        ) from halted


def _desk(settings: Settings, master: MasterAgent, journal: SqlJournal, feed: TapedFeed, clock: SystemClock) -> Desk:
    return Desk(
        feed=feed,
        master=master,
        journal=journal,
        clock=clock,
        tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
        pace=_pace(settings, feed.n_minutes),
        asked_state=HaltSwitch(settings.state_dir / "switch").asked,
        flattens_on_stop=settings.on_stop == "flatten",
        reconcile_every_minutes=settings.reconcile_every_minutes,
    )


def _pace(settings: Settings, n_minutes: int | None) -> Pace:
    """Full speed commits in batches; anything slower commits every minute."""
    if settings.speed == "max" or (settings.speed == "auto" and not _has_terminal()):
        return Pace(batch_ticks=settings.journal_batch_ticks)
    pause_s = LONGEST_PAUSE_S if n_minutes is None else min(LONGEST_PAUSE_S, WATCHABLE_S / n_minutes)
    return Pace(batch_ticks=1, pause_s=0.0 if settings.speed == "real" else pause_s)


def _schedule(desk: Desk, settings: Settings, wish: Wish) -> MinuteSchedule:
    return MinuteSchedule(
        desk=desk,
        is_aligned=settings.feed == "sim",
        late_after_ms=LATE_AFTER_MS,
        n_minutes=wish.n_minutes,
    )


def _n_minutes(wish: Wish, settings: Settings) -> int | None:
    if wish.n_minutes is None and settings.feed == "sim" and settings.speed != "real":
        return SIMULATED_DAY_MINUTES
    return wish.n_minutes


def _is_real_time_sim(settings: Settings) -> bool:
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


def _past(store: Store, run_id: str) -> Past:
    return Past(ticks=inputs(store, run_id), tail_state=state_of_cut_off_tick(store, run_id))


@contextmanager
def _watching(
    wish: Wish,
    settings: Settings,
    feed: TapedFeed,
    instruments: Mapping[str, Instrument],
    *,
    is_simulated: bool,
) -> Iterator[tuple[View, Watching | None]]:
    said = feed.describe()
    title = "\n".join(said if isinstance(said, list) else [said])
    logger = configure_logging(
        settings.log_level.value,
        settings.log_file,
        int(settings.log_file_max_mb * 1_000_000),
        settings.log_file_keep,
        to_console=False,
    )
    view = _view(wish, title, feed.n_minutes, instruments, is_simulated=is_simulated)
    try:
        with view:
            yield view, Watching(view, logger)
    finally:
        close_logging()


def _view(
    wish: Wish, title: str, n_minutes: int | None, instruments: Mapping[str, Instrument], *, is_simulated: bool
) -> View:
    if wish.as_json:
        return SilentView()
    if _has_terminal():
        return LiveView(Console(), title, n_minutes, instruments, is_simulated=is_simulated)
    return PlainView(Console(stderr=True), title, n_minutes, instruments, is_simulated=is_simulated)


def _has_terminal() -> bool:
    return Console().is_terminal


def _tell(
    wish: Wish, summary: RunSummary, instruments: Mapping[str, Instrument], run_id: str, *, is_stopped: bool
) -> None:
    if wish.as_json:
        print(json.dumps(summary_json(summary), allow_nan=False))  # noqa: T201 - this is the program's answer
        return
    following = [
        f"python main.py audit decisions {run_id}",
        f"python main.py audit verify {run_id}",
        f"python main.py audit replay {run_id}",
    ]
    if is_stopped:
        following.insert(0, f"python main.py {wish.command} --run-id {run_id}    (goes on where it stopped)")
    print_report(Console(), summary, instruments, following)
