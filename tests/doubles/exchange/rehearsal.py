"""A live feed together with the exchange it listens to, as one feed: for tests that want nothing but its minutes."""

import asyncio
from collections.abc import Callable, Sequence

from domain.market import MINUTE_MS, Snapshot
from market.live.feed import LiveFeed
from market.live.terms import LiveTerms
from market.quality import QualityLimits
from tests.doubles.exchange.driving import play
from tests.doubles.exchange.faults import Script
from tests.doubles.exchange.markets import Market
from tests.doubles.exchange.server import LocalExchange, Protocol
from tests.doubles.exchange.time import SimulatedTime

SPARE_MINUTES = 3


class Rehearsal:
    """Begins with the first minute asked for and ends with the last; every minute is played when it is wanted.

    start_ms: when the feed is opened. notes: what it told of itself, minute by minute.
    """

    def __init__(
        self,
        protocol_of: Callable[[Sequence[Market]], Protocol],
        markets: Sequence[Market],
        start_ms: int,
        n_minutes: int,
        script: Script | None = None,
        warmup_bars: int = 0,
    ) -> None:
        self._n_minutes = n_minutes
        self._time = SimulatedTime(start_ms)
        self.exchange = LocalExchange(protocol_of(markets), self._time, script)
        self._symbols = tuple(f"{market.base}-PERP" for market in markets)
        self._warmup_bars = warmup_bars
        self._feed: LiveFeed | None = None
        self._playing: asyncio.Task[None] | None = None
        self._taken_ms = 0
        self._is_over = False
        self.notes: list[tuple[str, str]] = []

    @property
    def data_identity(self) -> str:
        return LiveFeed(self._terms(), QualityLimits(), self._time).data_identity

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return the feed's next minute, with the exchange playing beside it."""
        if self._is_over:
            return None
        if self._feed is None:
            await self._begin()
        assert self._feed is not None
        minute = await self._feed.next_minute()
        self.notes += self._feed.take_notes()
        if minute is None:
            await self.close()
        else:
            self._taken_ms = minute[0].as_of_ms
        return minute

    async def _begin(self) -> None:
        await self.exchange.__aenter__()
        self._feed = LiveFeed(self._terms(), QualityLimits(), self._time, self._n_minutes)
        await self._feed.open()
        taken = play(self.exchange, self._n_minutes + SPARE_MINUTES, lambda: self._taken_ms, lambda: self._is_over)
        self._playing = asyncio.create_task(taken)

    async def close(self) -> None:
        """Let feed and exchange go, wherever they are."""
        self._is_over = True
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        if self._feed is not None:
            await self._feed.close()
        await self.exchange.__aexit__()

    def _terms(self) -> LiveTerms:
        return LiveTerms(
            exchange=self.exchange.protocol.name,
            symbols=self._symbols,
            warmup_bars=self._warmup_bars,
            url=self.exchange.url,
        )


def drained(feed: Rehearsal) -> list[Sequence[Snapshot]]:
    """Return all minutes of a rehearsal."""

    async def go() -> list[Sequence[Snapshot]]:
        found = []
        while (minute := await feed.next_minute()) is not None:
            found.append(minute)
        return found

    return asyncio.run(go())


def opening_after(markets: Sequence[Market], n_bars: int) -> int:
    """Return a moment just after the opening of a minute that has `n_bars` recorded ones before it."""
    return sorted(markets[0].bars)[n_bars] + MINUTE_MS // 120
