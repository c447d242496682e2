"""A feed and a journal in the test's hands: what went by is kept, and what is durable is told from what is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.errors import JournalUnavailable
from domain.market import Snapshot
from domain.tick import TickRecord


@dataclass
class Tape:
    """One symbol's minutes as a feed."""

    snapshots: list[Snapshot]
    n_taken: int = 0

    async def next_minute(self) -> Sequence[Snapshot] | None:
        if self.n_taken == len(self.snapshots):
            return None
        self.n_taken += 1
        return (self.snapshots[self.n_taken - 1],)


@dataclass
class Notebook:
    """A journal in memory that can be taken away; what it was told and what of it is durable are kept apart."""

    waiting: list[TickRecord | str] = field(default_factory=list)
    durable: list[TickRecord | str] = field(default_factory=list)
    is_away: bool = False
    is_catching_up: bool = False

    def record_order(self, order: object, tick_no: int) -> None:
        self.commit()

    def take_order(self, order: object, tick_no: int) -> None:
        self.waiting.append("order")

    def append(self, record: TickRecord) -> None:
        self.waiting.append(record)

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        self.waiting.append(kind)

    def commit(self) -> None:
        if self.is_away:
            raise JournalUnavailable("the disk is full")
        self.durable += self.waiting
        self.waiting.clear()

    @property
    def ticks(self) -> list[TickRecord]:
        return [entry for entry in self.durable if isinstance(entry, TickRecord)]

    @property
    def events(self) -> list[str]:
        return [entry for entry in self.durable if isinstance(entry, str)]
