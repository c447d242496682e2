"""The runner: takes minutes from the feed, hands them to the master agent, and keeps the journal's pace.

The one broad exception handler of the house is here: whatever nobody foresaw halts the desk, on record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

from agents.master import MasterAgent
from desk.clock import SystemClock
from desk.tally import Tally
from domain.errors import DeskError, JournalUnavailable, VenueUnreachable
from domain.market import Snapshot
from domain.ports import Feed, Journal
from domain.record import Record
from domain.tick import Readiness, TickRecord, TradingState


class Chronicle(Journal, Protocol):
    """A journal that also keeps the run's own story and can check instead of write."""

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        """Put something that happened to the desk itself on record."""
        ...


class View(Protocol):
    """Somebody who watches the ticks go by."""

    def on_tick(self, record: TickRecord) -> None:
        """See one tick."""
        ...


OPENING_STEP_S: Final = 0.1
OPENING_TRIES: Final = 8


class Pace(Record, frozen=True, kw_only=True):
    """How fast a tape is walked. batch_ticks: ticks to one durable commit. pause_s: rest after each minute."""

    batch_ticks: int = 1
    pause_s: float = 0.0


class Halted(Exception):
    """The desk has stopped itself; the message says why."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class Desk:
    """A running desk. `state` starts HALTED and is ACTIVE only between `open` and a halt.

    asked_state: what the human's switch says. flattens_on_stop: a stop closes every position first.
    tail_state: the state of a tick whose order was recorded just before a crash and which was itself lost.
    on_gate: told what was found of the gate when it opened.
    opens_gate: False where nothing can be put on record, so that no question would be asked. is_real_time: the
    feed's minutes close by `clock`. wants_reconciling: says that the venue was lost and is back.
    """

    feed: Feed
    master: MasterAgent
    journal: Chronicle
    clock: SystemClock
    tally: Tally
    pace: Pace
    asked_state: Callable[[], TradingState]
    view: View | None = None
    on_gate: Callable[[Readiness], None] | None = None
    flattens_on_stop: bool = False
    tail_state: TradingState = TradingState.ACTIVE
    reconcile_every_minutes: int = 15
    opens_gate: bool = True
    is_real_time: bool = False
    wants_reconciling: Callable[[], bool] = _never
    state: TradingState = TradingState.HALTED
    stop_is_asked: bool = False
    _standing: TradingState = TradingState.HALTED
    _has_caught_up: bool = False
    _uncommitted: int = 0
    _unreconciled: int = 0
    _journal_trouble: str | None = None
    _seen_asked: TradingState = TradingState.ACTIVE
    _look_at_gate: asyncio.Task[None] | None = None
    _unseen: list[TickRecord] = field(default_factory=list)

    async def recover(self, recorded: Iterable[tuple[Snapshot, TradingState]]) -> int:
        """Live through the recorded ticks again, each compared with its record; return how many.

        Raises JournalCorrupt when a tick comes out differently.
        """
        count = 0
        for snapshot, state in recorded:
            self._keep(await self.master.tick(snapshot, state))
            count += 1
        return count

    async def open(self) -> None:
        """Reconcile with the venue, let the gate get ready, and become ACTIVE. Raises BooksDisagree.

        A gate that is not ready keeps nobody from opening: it denies until it is. In real time open positions do not
        wait for it either: it may load a model for minutes.
        """
        await self._reconcile_at_first()
        if self.opens_gate and self.is_real_time and self.master.execution.books.holdings:
            self._look_at_gate = asyncio.create_task(self._open_gate())
            await asyncio.sleep(0)
        elif self.opens_gate:
            await self._open_gate()
        self.state = TradingState.ACTIVE
        self.look()

    async def _reconcile_at_first(self) -> None:
        """Compare the books with the venue's before anything else; one that is silent just now is asked again.

        Raises BooksDisagree, and VenueUnreachable of one that stays silent.
        """
        for number in range(OPENING_TRIES):
            try:
                await self.master.execution.reconcile()
            except VenueUnreachable:
                if self.stop_is_asked or number == OPENING_TRIES - 1:
                    raise
                await asyncio.sleep(OPENING_STEP_S * 2**number)
            else:
                return

    async def _open_gate(self) -> None:
        opening = asyncio.ensure_future(self.master.gate.open(self.clock if self.is_real_time else None))
        # A model may take minutes to load, and whoever asks for a stop meanwhile need not wait for it.
        while not opening.done() and not self.stop_is_asked:
            await asyncio.wait({opening}, timeout=OPENING_STEP_S)
        if not opening.done():
            opening.cancel()
            return
        found = opening.result()
        if found is None:
            return
        self.note("gate_ready" if found.is_ready else "gate_unfit", found.told)
        if self.on_gate is not None:
            self.on_gate(found)

    async def walk(self) -> None:
        """Take every minute the feed has, at the tape's own time, until it ends or a stop is asked for.

        Raises Halted when anything failed; what was taken until then is on record.
        """
        await self.guard(self._walk())

    async def guard(self, step: Awaitable[None]) -> None:
        """Await a step of the desk's work; whatever goes wrong in it halts the desk. Raises Halted."""
        try:
            await step
        except Exception as error:  # noqa: BLE001 - the one place that catches what nobody foresaw, and halts
            self._halt(error)

    @property
    def is_done(self) -> bool:
        """Say whether a stop was asked for and nothing is left to be closed before it."""
        if not self.stop_is_asked or self.journal.is_catching_up:
            return False
        return not (self.flattens_on_stop and self.is_committed)

    @property
    def is_committed(self) -> bool:
        """Say whether something is held, or may come to be: an order is on its way."""
        books = self.master.execution.books
        return bool(books.holdings or books.entries)

    def ask_to_stop(self) -> None:
        """Ask for a stop after the minute at hand, or after everything is closed where that is the rule.

        Nothing else happens here: a signal may call this in the middle of a commit.
        """
        self.stop_is_asked = True

    async def _walk(self) -> None:
        batch, pause_s, next_minute = self.pace.batch_ticks, self.pace.pause_s, self.feed.next_minute
        tick, keep = self.master.tick, self._keep
        while not (self.stop_is_asked and self.is_done) and (minute := await next_minute()) is not None:
            if self._has_caught_up:
                for snapshot in self._held_first(minute):
                    keep(await tick(snapshot, self._standing))
                self._unreconciled += 1
            else:
                await self.take_minute(minute)
            if self._unreconciled >= self.reconcile_every_minutes:
                await self._reconcile()
            if self._uncommitted >= batch:
                self._commit()
                self.look()
            if pause_s > 0.0:
                await asyncio.sleep(pause_s)
        self._commit()

    async def take_minute(self, minute: Sequence[Snapshot]) -> None:
        """Carry every symbol of one minute through the desk. Raises BooksDisagree when it is time to compare."""
        try:
            await self.decide(minute)
        finally:
            self.show()
        await self.compare()

    async def decide(self, minute: Sequence[Snapshot]) -> None:
        """Take the ticks of one minute. Nobody has seen them before `show`, which takes longer than they do."""
        if self._look_at_gate is not None and self._look_at_gate.done():
            # What went wrong in it halts the desk like anything else, and nobody else would hear of it.
            self._look_at_gate.result()
            self._look_at_gate = None
        for snapshot in self._held_first(minute):
            state = self._standing if self._has_caught_up else self._catching_up()
            record = await self.master.tick(snapshot, state)
            self.journal.append(record)
            self._uncommitted += 1
            self.tally.add(record)
            self._unseen.append(record)
        self._unreconciled += 1

    def show(self) -> None:
        """Let who watches see what was decided."""
        unseen, self._unseen = self._unseen, []
        if self.view is not None:
            for record in unseen:
                self.view.on_tick(record)

    async def compare(self) -> None:
        """Compare the books with the venue's when it is time to. Raises BooksDisagree."""
        if self._unreconciled >= self.reconcile_every_minutes or self.wants_reconciling():
            await self._reconcile()

    def _held_first(self, minute: Sequence[Snapshot]) -> Sequence[Snapshot]:
        """Put the markets with a position first: no exit waits for a question about another market's entry."""
        holdings = self.master.execution.books.holdings
        if len(minute) == 1 or not holdings:
            return minute
        return sorted(minute, key=lambda snapshot: snapshot.symbol not in holdings)

    async def _reconcile(self) -> None:
        """Compare the books with the venue's. A venue that is silent is asked again after the next minute."""
        try:
            await self.master.execution.reconcile()
        except VenueUnreachable as error:
            self.note("reconcile_failed", str(error))
            return
        self._unreconciled = 0

    def _halt(self, error: Exception) -> NoReturn:
        self.state = TradingState.HALTED
        why = str(error) if isinstance(error, DeskError) else f"{type(error).__name__}: {error}"
        try:
            self.note("halt", why)
            self.journal.commit()
        except JournalUnavailable as second:
            told = why if str(second) == why else f"{why}; and the journal could not take it: {second}"
            raise Halted(told) from error
        raise Halted(why) from error

    def look(self) -> None:
        """See what the human's switch says now. A look is a file access: a tape at full speed looks once a batch."""
        asked = self.asked_state()
        if asked is not self._seen_asked:
            self._seen_asked = asked
            self.note("switch", f"the switch says {asked.value}")
        if self.stop_is_asked and self.flattens_on_stop:
            asked = TradingState.FLATTENING
        if self._journal_trouble is not None and asked is TradingState.ACTIVE:
            asked = TradingState.REDUCING
        self._standing = asked if self.state is TradingState.ACTIVE else self.state

    def commit_or_reduce(self) -> str | None:
        """Commit; while the journal cannot take it, keep everything for the next try and only reduce.

        Return why it could not.
        """
        try:
            self._commit()
            if self._journal_trouble is not None:
                self.note("journal_back", f"after: {self._journal_trouble}")
                self._commit()
        except JournalUnavailable as error:
            self.note_journal_trouble(str(error))
            return str(error)
        self._journal_trouble = None
        return None

    def note_journal_trouble(self, why: str) -> None:
        """Allow reductions only until the journal can be written again."""
        if self._journal_trouble is None:
            self.note("journal_lost", why)
        self._journal_trouble = why

    def note(self, kind: str, detail: str) -> None:
        """Put something that happened to the desk itself on record, with the next commit."""
        self.journal.event(kind, detail, self.clock.now_ms())

    def _catching_up(self) -> TradingState:
        """Return the state of a tick whose order may be on record already, until the record is behind us."""
        self._has_caught_up = not self.journal.is_catching_up
        return self._standing if self._has_caught_up else self.tail_state

    def _keep(self, record: TickRecord) -> None:
        self.journal.append(record)
        self._uncommitted += 1
        self.tally.add(record)
        if self.view is not None:
            self.view.on_tick(record)

    def _commit(self) -> None:
        self._uncommitted = 0
        self.journal.commit()
