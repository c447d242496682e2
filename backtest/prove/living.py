"""One life of a desk over a feed, through the real runner, with a witness of every tick and no journal."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agents.master import MasterAgent
from db.off import JournalOff
from desk.clock import SystemClock
from desk.runner import Desk, Halted, Pace
from desk.tally import Tally
from domain.market import Snapshot
from domain.ports import Feed
from domain.tick import TickRecord, TradingState

Build = Callable[[Feed], MasterAgent]
"""Wires a new desk. It is handed the feed the desk will live on, so that one that peeks can be built too."""

Take = Callable[[TickRecord], bool]
"""Sees one tick and says whether the desk shall go on."""

BATCH_TICKS: Final = 1024


def live(build: Build, feed: Feed, take: Take, until_ms: int | None = None) -> str | None:
    """Let a new desk live on a feed, minutes that close after `until_ms` excepted; return why it halted, or None."""
    witness = _Witness(take)
    desk = _desk(build(feed), _Until(feed, until_ms), witness)
    witness.desk = desk

    async def go() -> None:
        await desk.open()
        await desk.walk()

    try:
        asyncio.run(go())
    except Halted as halted:
        return str(halted)
    return None


class Comparison:
    """Holds every tick of a life against the tick of the whole one; `take` says no from the first difference on."""

    __slots__ = ("_expected", "differing", "n_equal")

    def __init__(self, expected: Sequence[TickRecord]) -> None:
        """Take the ticks that must come out again, in order."""
        self._expected = expected
        self.n_equal = 0
        self.differing: TickRecord | None = None

    def take(self, record: TickRecord) -> bool:
        """Compare one tick."""
        if self.differing is not None or self.n_equal == len(self._expected):
            return False
        if record == self._expected[self.n_equal]:
            self.n_equal += 1
            return True
        self.differing = record
        return False

    @property
    def missed(self) -> TickRecord | None:
        """The tick that did not come out again; None when all did."""
        return None if self.n_equal == len(self._expected) else self._expected[self.n_equal]


@dataclass(slots=True)
class _Witness:
    take: Take
    desk: Desk | None = None

    def on_tick(self, record: TickRecord) -> None:
        if not self.take(record) and self.desk is not None:
            self.desk.ask_to_stop()


class _Until:
    """Passes a feed on as long as its minutes close at `until_ms` or before."""

    __slots__ = ("_feed", "_until_ms")

    def __init__(self, feed: Feed, until_ms: int | None) -> None:
        self._feed = feed
        self._until_ms = until_ms

    async def next_minute(self) -> Sequence[Snapshot] | None:
        minute = await self._feed.next_minute()
        if minute is None or self._until_ms is None or minute[0].as_of_ms <= self._until_ms:
            return minute
        return None


def _desk(master: MasterAgent, feed: Feed, witness: _Witness) -> Desk:
    return Desk(
        feed=feed,
        master=master,
        journal=JournalOff(),
        clock=SystemClock(),
        tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
        pace=Pace(batch_ticks=BATCH_TICKS),
        asked_state=lambda: TradingState.ACTIVE,
        view=witness,
        opens_gate=False,
    )
