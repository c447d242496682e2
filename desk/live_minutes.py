"""A live market drives the desk itself: a minute is taken when it has closed, not when a timer fires."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from desk.at_hand import MinuteAtHand
from desk.runner import Desk
from domain.market import MINUTE_MS, Snapshot

POLL_S = 0.2
"""How soon a stop asked for by a signal is noticed between two minutes."""


BATCH_MINUTES = 64
"""Minutes to one durable commit while the desk makes up for time it was away; an order commits at once."""


class NotingFeed(Protocol):
    """A feed that also tells what happened to itself."""

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return the next closed minute; None at the end. Raises FeedLost."""
        ...

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened to the feed since last asked, as (kind, sentence)."""
        ...


ANSWERED_S = 0.1
"""How long the log of a minute waits at most for the answers to its orders: what is sent goes first."""

HALTING = "the desk halts"


async def _nothing_sent(longest_s: float) -> None:
    return


def _leave_as_it_is() -> None:
    return


def _silent() -> list[tuple[str, str]]:
    return []


@dataclass(slots=True)
class LiveMinutes:
    """Takes a live feed's minutes as they come, until it ends or a stop is asked for.

    cut_off: what an earlier process of the run had seen and not finished. late_after_ms: a minute taken later than
    this after its close may only be used to look after open positions. venue_notes: what happened at a venue in the
    world since last asked. answered: waits for the answers to orders that were sent, but no longer than it is told.
    tidy: done after each minute, when nobody waits for the desk.
    """

    desk: Desk
    feed: NotingFeed
    at_hand: MinuteAtHand
    late_after_ms: int
    cut_off: Sequence[Snapshot] = ()
    venue_notes: Callable[[], list[tuple[str, str]]] = _silent
    answered: Callable[[float], Awaitable[None]] = _nothing_sent
    tidy: Callable[[], None] = _leave_as_it_is
    _last_ms: int = 0
    _missed_ms: int = 0
    _n_waiting: int = 0

    async def run(self) -> None:
        """Serve minutes until the feed ends or a stop was asked for. Raises Halted."""
        await self.desk.guard(self._run())

    async def _run(self) -> None:
        if self.cut_off:
            await self._take(self.cut_off)
        self._last_ms = self._missed_ms = self.desk.clock.now_ms()
        while not self.desk.is_done and (minute := await self._next()) is not None:
            await self._take(self._judged(minute))
        for kind, told in self.venue_notes():
            self.desk.note(kind, told)
        self.desk.commit_or_reduce()

    async def _next(self) -> Sequence[Snapshot] | None:
        """Wait for the next minute; None at the feed's end and when a stop is asked for."""
        coming = asyncio.ensure_future(self.feed.next_minute())
        try:
            while not coming.done():
                await asyncio.wait({coming}, timeout=POLL_S)
                if self.desk.is_done:
                    return None
                if not coming.done():
                    self._mind_the_clock()
            return coming.result()
        finally:
            coming.cancel()

    def _mind_the_clock(self) -> None:
        """Note, once a minute, that the feed has given nothing for so long that a tick was missed."""
        now_ms = self.desk.clock.now_ms()
        if now_ms - max(self._last_ms, self._missed_ms) > MINUTE_MS + self.late_after_ms:
            self._missed_ms = now_ms
            self.desk.note("tick_missed", f"the feed has given no minute for {(now_ms - self._last_ms) // 1000} s")
            self.desk.commit_or_reduce()

    def _judged(self, minute: Sequence[Snapshot]) -> Sequence[Snapshot]:
        """Mark what comes too late for new risk; what is back-filled says so itself."""
        late_ms = self.desk.clock.now_ms() - minute[0].as_of_ms
        if late_ms <= self.late_after_ms or not any(snapshot.is_fit for snapshot in minute):
            return minute
        why = f"taken {late_ms / 1000:.0f} s after its close"
        self.desk.note("late_tick", f"minute {minute[0].as_of_ms} {why}")
        return tuple(snapshot.unfit(why) for snapshot in minute)

    async def _take(self, minute: Sequence[Snapshot]) -> None:
        for kind, told in (*self.feed.take_notes(), *self.venue_notes()):
            self.desk.note(kind, told)
        self.at_hand.take_up(minute)
        self.desk.look()
        try:
            await self.desk.decide(minute)
        except BaseException:
            # What was decided before that and reduces is not kept from leaving.
            self.desk.commit_or_reduce()
            self.at_hand.let_go(HALTING)
            self.desk.show()
            raise
        self._last_ms = self.desk.clock.now_ms()
        self._n_waiting += 1
        is_behind = self._last_ms - minute[0].as_of_ms > self.late_after_ms
        if not is_behind or self.at_hand.holds_orders or self._n_waiting >= BATCH_MINUTES:
            self._n_waiting = 0
            self.at_hand.let_go(self.desk.commit_or_reduce())
        await self.answered(ANSWERED_S)
        self.desk.show()
        await self.desk.compare()
        if not is_behind:
            self.tidy()
        await asyncio.sleep(0)
