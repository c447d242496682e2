"""A feed that goes on where an earlier process of the same run was cut off."""

from collections.abc import Mapping, Sequence

from domain.market import Snapshot
from domain.ports import Feed


class ResumedFeed:
    """Passes on a fresh feed, dropping what is already on record.

    last_as_of_ms: per symbol, the close of the last recorded minute. A minute cut off between two symbols
    is completed: only the symbols on record are dropped from it.
    """

    __slots__ = ("_feed", "_last", "_skips_until")

    def __init__(self, feed: Feed, last_as_of_ms: Mapping[str, int]) -> None:
        """Wrap `feed`, which starts from the beginning of the run."""
        self._feed = feed
        self._last = dict(last_as_of_ms)
        self._skips_until = max(self._last.values(), default=0)

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return the next minute that is not wholly on record."""
        while (minute := await self._feed.next_minute()) is not None:
            if minute[0].as_of_ms > self._skips_until:
                return minute
            fresh = [snapshot for snapshot in minute if snapshot.as_of_ms > self._last.get(snapshot.symbol, 0)]
            if fresh:
                return fresh
        return None
