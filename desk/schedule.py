"""Real time: APScheduler fires on every minute's close, and the desk takes what has closed by then."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from desk.runner import Desk, Halted
from domain.market import MINUTE_MS, Snapshot

POLL_S = 0.2
"""How soon a stop asked for by a signal is noticed between two minutes."""

EARLY_MS = 500
"""A minute may be taken this much before its close by our clock, for clocks that differ a little."""

RULES = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
"""However late the machine is, the job starts, once, and never beside itself: it takes all that is due."""


def minute_trigger() -> Any:
    """Return the trigger of every minute's close, UTC."""
    return CronTrigger(second=0, timezone=UTC)


@dataclass(slots=True)
class MinuteSchedule:
    """Drives a desk by the machine's clock.

    is_aligned: the feed's minutes are those of the clock (a live market, or a simulated one that began now). A tape
    is not: it is taken one minute a fire. late_after_ms: a minute taken later than this after its close may only be
    used to look after open positions. n_minutes: stop after so many; None = until told.
    """

    desk: Desk
    is_aligned: bool
    late_after_ms: int
    n_minutes: int | None = None
    trigger: Any = field(default_factory=minute_trigger)
    _held: Sequence[Snapshot] | None = None
    _fired_ms: int = 0
    _n_taken: int = 0
    _done: asyncio.Event = field(default_factory=asyncio.Event)
    _at_work: asyncio.Lock = field(default_factory=asyncio.Lock)
    _failure: Halted | None = None

    async def run(self) -> None:
        """Serve minutes until the feed ends, enough were taken, or a stop was asked for. Raises Halted."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_listener(self._note_trouble, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        scheduler.add_job(self.on_minute, self.trigger, **RULES)
        scheduler.start()
        try:
            while not self.desk.is_done and not await self._is_over_within(POLL_S):
                continue
        finally:
            async with self._at_work:
                scheduler.shutdown(wait=False)
        if self._failure is not None:
            raise self._failure

    async def _is_over_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._done.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def on_minute(self) -> None:
        """Take every minute that has closed by now; a late one is recorded as such, never dropped silently."""
        async with self._at_work:
            try:
                await self.desk.guard(self._take_due(self.desk.clock.now_ms()))
            except Halted as halted:
                self._failure = halted
                self._done.set()

    async def _take_due(self, now_ms: int) -> None:
        before_ms, self._fired_ms = self._fired_ms, now_ms
        if now_ms < before_ms - MINUTE_MS:
            self.desk.note("clock_went_back", f"from {before_ms} to {now_ms}; nothing is taken")
            self.desk.commit_or_reduce()
            return
        while not self._done.is_set() and not self.desk.is_done:
            minute = self._held or await self.desk.feed.next_minute()
            self._held = None
            if minute is None:
                self._done.set()
                return
            if self.is_aligned and minute[0].as_of_ms > now_ms + EARLY_MS:
                self._held = minute
                return
            await self._take(minute, now_ms)
            if not self.is_aligned:
                return
            # A long gap is made up for minute by minute; a stop asked for meanwhile must be heard.
            await asyncio.sleep(0)

    async def _take(self, minute: Sequence[Snapshot], now_ms: int) -> None:
        late_ms = now_ms - minute[0].as_of_ms
        if self.is_aligned and late_ms > self.late_after_ms:
            why = f"taken {late_ms / 1000:.0f} s after its close"
            minute = tuple(snapshot.unfit(why) for snapshot in minute)
            self.desk.note("late_tick", f"minute {minute[0].as_of_ms} {why}")
        self.desk.look()
        await self.desk.take_minute(minute)
        self._n_taken += 1
        self.desk.commit_or_reduce()
        if self.n_minutes is not None and self._n_taken >= self.n_minutes:
            self._done.set()

    def _note_trouble(self, event: JobEvent) -> None:
        kind = "tick_overran" if event.code == EVENT_JOB_MAX_INSTANCES else "tick_missed"
        self.desk.note(kind, "the minute's job could not start on time")
