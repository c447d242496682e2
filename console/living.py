"""A run on a live market: its feed is opened before the run is begun, and closed after it, whatever happens."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from desk.at_hand import MinuteAtHand
from desk.live_minutes import LiveMinutes
from desk.memory import Housekeeping
from desk.runner import Desk
from domain.market import Snapshot
from domain.record import Record


class Seen(Record, frozen=True, kw_only=True):
    """How far an earlier process of the run has come. cut_off: what it had seen of a minute and not finished."""

    last_as_of_ms: Mapping[str, int]
    cut_off: tuple[Snapshot, ...] = ()

    @property
    def until_ms(self) -> Mapping[str, int]:
        """Per symbol, the close of the last minute that need not be asked for again."""
        return {**self.last_as_of_ms, **{snapshot.symbol: snapshot.as_of_ms for snapshot in self.cut_off}}


NOTHING_SEEN = Seen(last_as_of_ms={})


@runtime_checkable
class LivingFeed(Protocol):
    """A feed that must be opened, and that tells what happened to itself."""

    async def open(self, last_as_of_ms: Mapping[str, int]) -> None:
        """Find the market. Raises FeedLost when it cannot be reached, BadInput when there is none such."""
        ...

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return the next closed minute; None at the end. Raises FeedLost."""
        ...

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened to the feed since last asked, as (kind, sentence)."""
        ...

    async def close(self) -> None:
        """Let the market go."""
        ...


@contextmanager
def opened(feed: LivingFeed, runner: asyncio.Runner, seen: Seen) -> Iterator[None]:
    """Hold a live feed open. Nothing of the run is on record yet when it cannot be opened."""
    try:
        runner.run(feed.open(seen.until_ms))
        yield
    finally:
        runner.run(feed.close())


def live_driver(desk: Desk, feed: LivingFeed, at_hand: MinuteAtHand, seen: Seen, late_after_ms: int) -> LiveMinutes:
    """Return what drives a desk through a live market."""
    return LiveMinutes(
        desk=desk,
        feed=feed,
        at_hand=at_hand,
        late_after_ms=late_after_ms,
        cut_off=seen.cut_off,
        tidy=Housekeeping(),
    )
