"""The minute at hand, put on record with the first thing it causes.

An order is durable before its tick. A tape gives the cut-off minute again after a crash; a live market never does, so
what was seen is written, in the same transaction, before the first order or question to the gate that rests on it;
and so is what a venue in the world had just told.

Orders of one minute may share one commit, where a venue holds them until it is done.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from domain.account import VenueReport
from domain.decisions import ApprovedOrder
from domain.errors import JournalCorrupt
from domain.market import Snapshot
from domain.ports import Clock, Journal
from domain.record import Record
from domain.tick import GateAnswer, TickRecord

KIND: Final = "minute_at_hand"
REPORT: Final = "report_at_hand"


class ReportAtHand(Record, frozen=True, kw_only=True):
    """What the venue told a tick that may be cut off."""

    symbol: str
    as_of_ms: int
    report: VenueReport


class EventJournal(Journal, Protocol):
    """A journal that also takes what happened to the desk itself."""

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        """Put something that happened to the desk itself on record."""
        ...

    def take_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Take an order that is not sent before the next `commit`."""
        ...


class MinuteAtHand:
    """Stands between agents and journal; `minute` is set by whoever drives the desk, before each minute is taken."""

    __slots__ = ("_clock", "_heard", "_holds", "_is_noted", "_journal", "_let_go", "_minute")

    def __init__(self, journal: EventJournal, clock: Clock) -> None:
        """Pass everything on to `journal`."""
        self._journal = journal
        self._clock = clock
        self._minute: Sequence[Snapshot] = ()
        self._is_noted = False
        self._heard: ReportAtHand | None = None
        self._let_go: Callable[[str | None], None] | None = None
        self._holds = False

    @property
    def holds_orders(self) -> bool:
        """Say whether an order waits for the next commit."""
        return self._holds

    def share_commits(self, let_go: Callable[[str | None], None]) -> None:
        """Put orders on record with the next commit, because nobody sends one before `let_go` is called.

        let_go: takes why the record could not be made, None where it is.
        """
        self._let_go = let_go

    def let_go(self, why_not: str | None) -> None:
        """Say that a commit was tried, and why it failed."""
        self._holds = False
        if self._let_go is not None:
            self._let_go(why_not)

    def hear(self, snapshot: Snapshot, report: VenueReport) -> None:
        """Take what the venue has just told; the next order or question rests on it."""
        self._heard = ReportAtHand(symbol=snapshot.symbol, as_of_ms=snapshot.as_of_ms, report=report)

    def take_up(self, minute: Sequence[Snapshot]) -> None:
        """Say which minute is about to be taken, exactly as the desk will see it."""
        self._minute = minute
        self._is_noted = False

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record together with the minute it rests on. Raises JournalUnavailable."""
        self._note()
        if self._let_go is None:
            self._journal.record_order(order, tick_no)
        else:
            self._holds = True
            self._journal.take_order(order, tick_no)

    @property
    def is_catching_up(self) -> bool:
        """Say whether rows are still being compared with what an earlier process recorded."""
        return self._journal.is_catching_up

    def record_request(
        self, tick_no: int, request_id: str, backend: str, mode: str, prompt: str, *, is_sent: bool = True
    ) -> None:
        """Put a question on record together with the minute it rests on. Raises JournalUnavailable."""
        self._note()
        self._journal.record_request(tick_no, request_id, backend, mode, prompt, is_sent=is_sent)
        if is_sent:
            # No order waits while a model thinks: this has put it on record too.
            self.let_go(None)

    def record_answer(self, request_id: str, answer: GateAnswer, wall_ms: int) -> None:
        """Pass an answer on. Raises JournalUnavailable."""
        self._journal.record_answer(request_id, answer, wall_ms)

    def recorded_answer(self, request_id: str) -> GateAnswer | None:
        """Return what a question brought when the run was first lived."""
        return self._journal.recorded_answer(request_id)

    def append(self, record: TickRecord) -> None:
        """Pass a tick on. Raises JournalUnavailable."""
        self._heard = None
        self._journal.append(record)

    def commit(self) -> None:
        """Make everything durable. Raises JournalUnavailable."""
        self._journal.commit()

    def _note(self) -> None:
        if self._minute and not self._is_noted and not self._journal.is_catching_up:
            self._journal.event(KIND, msgspec.json.encode(list(self._minute)).decode(), self._clock.now_ms())
            self._is_noted = True
        if self._heard is not None and not self._journal.is_catching_up:
            self._journal.event(REPORT, msgspec.json.encode(self._heard).decode(), self._clock.now_ms())
            self._heard = None


def cut_off_minute(noted: str | None, last_as_of_ms: dict[str, int]) -> tuple[Snapshot, ...]:
    """Return what is left to take of the minute that was last noted; empty when all of it is on record.

    Raises JournalCorrupt when the note cannot be read.
    """
    if noted is None:
        return ()
    try:
        minute = msgspec.json.decode(noted, type=list[Snapshot])
    except (msgspec.DecodeError, ValueError) as error:
        raise JournalCorrupt(f"the minute noted before the last order cannot be read: {error}") from error
    return tuple(one for one in minute if one.as_of_ms > last_as_of_ms.get(one.symbol, 0))


def cut_off_reports(noted: Sequence[str], last_as_of_ms: dict[str, int]) -> dict[tuple[str, int], VenueReport]:
    """Return, by symbol and minute, what the venue told ticks that are not on record.

    Raises JournalCorrupt when a note cannot be read.
    """
    try:
        told = [msgspec.json.decode(one, type=ReportAtHand) for one in noted]
    except (msgspec.DecodeError, ValueError) as error:
        raise JournalCorrupt(f"what the venue told before the last order cannot be read: {error}") from error
    return {(one.symbol, one.as_of_ms): one.report for one in told if one.as_of_ms > last_as_of_ms.get(one.symbol, 0)}
