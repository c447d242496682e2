"""The minute at hand, put on record with the first thing it causes.

An order is durable before its tick. A tape gives the cut-off minute again after a crash; a live market never does, so
what was seen is written, in the same transaction, before the first order or question to the gate that rests on it.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from domain.decisions import ApprovedOrder
from domain.errors import JournalCorrupt
from domain.market import Snapshot
from domain.ports import Clock, Journal
from domain.tick import GateAnswer, TickRecord

KIND: Final = "minute_at_hand"


class EventJournal(Journal, Protocol):
    """A journal that also takes what happened to the desk itself."""

    @property
    def is_catching_up(self) -> bool:
        """Say whether rows are still being compared with what an earlier process recorded."""
        ...

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        """Put something that happened to the desk itself on record."""
        ...


class MinuteAtHand:
    """Stands between agents and journal; `minute` is set by whoever drives the desk, before each minute is taken."""

    __slots__ = ("_clock", "_is_noted", "_journal", "_minute")

    def __init__(self, journal: EventJournal, clock: Clock) -> None:
        """Pass everything on to `journal`."""
        self._journal = journal
        self._clock = clock
        self._minute: Sequence[Snapshot] = ()
        self._is_noted = False

    def take_up(self, minute: Sequence[Snapshot]) -> None:
        """Say which minute is about to be taken, exactly as the desk will see it."""
        self._minute = minute
        self._is_noted = False

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record together with the minute it rests on. Raises JournalUnavailable."""
        self._note()
        self._journal.record_order(order, tick_no)

    def record_request(self, tick_no: int, request_id: str, backend: str, mode: str, prompt: str) -> None:
        """Put a question on record together with the minute it rests on. Raises JournalUnavailable."""
        self._note()
        self._journal.record_request(tick_no, request_id, backend, mode, prompt)

    def record_answer(self, request_id: str, answer: GateAnswer, wall_ms: int) -> None:
        """Pass an answer on. Raises JournalUnavailable."""
        self._journal.record_answer(request_id, answer, wall_ms)

    def recorded_answer(self, request_id: str) -> GateAnswer | None:
        """Return what a question brought when the run was first lived."""
        return self._journal.recorded_answer(request_id)

    def append(self, record: TickRecord) -> None:
        """Pass a tick on. Raises JournalUnavailable."""
        self._journal.append(record)

    def commit(self) -> None:
        """Make everything durable. Raises JournalUnavailable."""
        self._journal.commit()

    def _note(self) -> None:
        if self._minute and not self._is_noted and not self._journal.is_catching_up:
            self._journal.event(KIND, msgspec.json.encode(list(self._minute)).decode(), self._clock.now_ms())
            self._is_noted = True


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
