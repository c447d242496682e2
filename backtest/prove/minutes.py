"""A market of snapshots: any feed's minutes, held so that their future can be replaced."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np

from backtest.outcome import IntArray
from backtest.prove.columns import SymbolColumns, columns_of
from backtest.prove.futures import Future, Mask, kept_rows
from backtest.prove.markets import Level
from domain.market import Snapshot
from domain.ports import Feed

Minute = Sequence[Snapshot]


class MinutesFeed:
    """A `domain.ports.Feed` over minutes in memory. minutes: all it will ever say, for whoever holds the feed."""

    __slots__ = ("_place", "minutes")

    def __init__(self, minutes: Sequence[Minute]) -> None:
        """Begin before the first minute."""
        self.minutes = minutes
        self._place = 0

    @property
    def n_minutes(self) -> int:
        """How many minutes it has."""
        return len(self.minutes)

    async def next_minute(self) -> Minute | None:
        """Return the next minute; None at the end."""
        if self._place == len(self.minutes):
            return None
        self._place += 1
        if isinstance(self.minutes, _Veil):
            self.minutes.n_known = self._place
        return self.minutes[self._place - 1]


class SnapshotMarket:
    """A `Market` at the level of snapshots. minutes: in time order, one snapshot a symbol, not empty."""

    __slots__ = ("_closes_ms", "_columns", "_stands_in", "minutes")

    def __init__(self, minutes: Sequence[Minute]) -> None:
        """Lay every symbol's snapshots out as columns, once."""
        self.minutes = tuple(minutes)
        self._closes_ms = np.array([minute[0].as_of_ms for minute in self.minutes], dtype=np.int64)
        snapshots: dict[str, list[Snapshot]] = {}
        stands_in: dict[str, list[int]] = {}
        for place, minute in enumerate(self.minutes):
            for one in minute:
                snapshots.setdefault(one.symbol, []).append(one)
                stands_in.setdefault(one.symbol, []).append(place)
        self._columns = {symbol: columns_of(its) for symbol, its in snapshots.items()}
        self._stands_in = {symbol: np.array(its, dtype=np.int64) for symbol, its in stands_in.items()}

    @property
    def level(self) -> Level:
        """The future is replaced in what the feed hands over."""
        return Level.SNAPSHOTS

    def whole(self) -> Feed:
        """Return every minute as it was."""
        return MinutesFeed(self.minutes)

    def since(self, place: int, stop: int) -> Feed:
        """Return minutes `place` to `stop` alone, as if the tape began there."""
        return MinutesFeed(self.minutes[place:stop])

    def until(self, cut_ms: int) -> Feed:
        """Return the minutes that close at `cut_ms` or before."""
        return MinutesFeed(self.minutes[: self._n_known(cut_ms)])

    def otherwise(self, cut_ms: int, future: Future, seed: int) -> Feed:
        """Return the minutes up to `cut_ms`, followed by another future."""
        n_known = self._n_known(cut_ms)
        return MinutesFeed(_Otherwise(self, n_known, future, np.random.default_rng(seed)))

    def veiled(self) -> Feed:
        """Return every minute as it was, and before each of them a mirrored future."""
        return MinutesFeed(_Veil(self))

    def columns(self) -> Mapping[str, SymbolColumns]:
        """Return every symbol's columns."""
        return self._columns

    def n_before(self, minute: int, symbol: str) -> int:
        """Return how many of the symbol's snapshots stand before that minute."""
        return int(np.searchsorted(self._stands_in[symbol], minute))

    def _n_known(self, cut_ms: int) -> int:
        return int(np.searchsorted(self._closes_ms, cut_ms, side="right"))


def drained(feed: Feed) -> SnapshotMarket:
    """Take every minute of a feed that ends."""

    async def drain() -> list[Minute]:
        minutes = []
        while (minute := await feed.next_minute()) is not None:
            minutes.append(minute)
        return minutes

    return SnapshotMarket(asyncio.run(drain()))


class _Lazy(Sequence[Minute]):
    """Minutes that are built when somebody looks at them: most futures are there to be seen, and never are."""

    def __iter__(self) -> Iterator[Minute]:
        return (self._minute(place) for place in range(len(self)))

    @overload
    def __getitem__(self, place: int) -> Minute: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Minute]: ...

    def __getitem__(self, place: int | slice) -> Minute | Sequence[Minute]:
        if isinstance(place, slice):
            return [self._minute(one) for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(f"minute {place} of {len(self)}")
        return self._minute(place % len(self))

    @abstractmethod
    def _minute(self, place: int) -> Minute:
        """Build the minute at a place in [0, len)."""


class _Otherwise(_Lazy):
    """The first `n_known` minutes of a market, then others."""

    def __init__(self, market: SnapshotMarket, n_known: int, future: Future, draw: np.random.Generator) -> None:
        self._market, self._n_known = market, n_known
        self._firsts = {symbol: market.n_before(n_known, symbol) for symbol in market.columns()}
        self._others = {
            symbol: columns.otherwise(self._firsts[symbol], future, draw)
            for symbol, columns in market.columns().items()
        }
        self._kept = {symbol: kept_rows(future, len(one.snapshots), draw) for symbol, one in self._others.items()}
        self._missing = {symbol: _dropped_before(kept) for symbol, kept in self._kept.items()}
        later = range(n_known, len(market.minutes))
        self._later = (
            [minute for minute in later if any(True for _ in self._symbols(minute))]
            if (future is Future.THINNED)
            else later
        )

    def __len__(self) -> int:
        return self._n_known + len(self._later)

    def _minute(self, place: int) -> Minute:
        if place < self._n_known:
            return self._market.minutes[place]
        minute = self._later[place - self._n_known]
        return [self._snapshot(minute, symbol) for symbol in self._symbols(minute)]

    def _symbols(self, minute: int) -> Iterator[str]:
        for one in self._market.minutes[minute]:
            if self._kept[one.symbol][self._at(minute, one.symbol)]:
                yield one.symbol

    def _snapshot(self, minute: int, symbol: str) -> Snapshot:
        at = self._at(minute, symbol)
        return self._others[symbol].snapshot(at, int(self._missing[symbol][at]))

    def _at(self, minute: int, symbol: str) -> int:
        return self._market.n_before(minute, symbol) - self._firsts[symbol]


class _Veil(_Lazy):
    """All minutes of a market; those not yet handed over look mirrored about the last price that is known."""

    def __init__(self, market: SnapshotMarket) -> None:
        self._market = market
        self._draw = np.random.default_rng(0)
        self.n_known = 0

    def __len__(self) -> int:
        return len(self._market.minutes)

    def _minute(self, place: int) -> Minute:
        minute = self._market.minutes[place]
        if place < self.n_known:
            return minute
        return [self._mirrored(place, one.symbol) for one in minute]

    def _mirrored(self, minute: int, symbol: str) -> Snapshot:
        market = self._market
        n_known, at = market.n_before(self.n_known, symbol), market.n_before(minute, symbol)
        columns = market.columns()[symbol]
        return columns.otherwise(n_known, Future.MIRRORED, self._draw, slice(at, at + 1)).snapshot(0)


def _dropped_before(kept: Mask) -> IntArray:
    """Return how many dropped rows stand directly before each row."""
    places = np.arange(len(kept))
    latest = np.maximum.accumulate(np.where(kept, places, -1))
    before = np.concatenate(([-1], latest[:-1])) if len(kept) else latest
    return places - before - 1
