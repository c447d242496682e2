"""A resumed feed drops what is on record, also when a minute was cut off between two symbols."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from desk.resumed import ResumedFeed
from domain.market import Snapshot


class Tape:
    def __init__(self, snapshots: list[list[Snapshot]]) -> None:
        self._rest = iter(snapshots)

    async def next_minute(self) -> Sequence[Snapshot] | None:
        return next(self._rest, None)


async def drain(feed: ResumedFeed | Tape) -> list[Snapshot]:
    taken: list[Snapshot] = []
    while (minute := await feed.next_minute()) is not None:
        assert minute
        taken.extend(minute)
    return taken


@given(n_minutes=st.integers(0, 8), n_symbols=st.integers(1, 3), cut=st.integers(0, 30))
def test_recorded_and_resumed_snapshots_together_are_the_whole_tape_in_order(
    n_minutes: int, n_symbols: int, cut: int
) -> None:
    minutes = [
        [
            Snapshot(symbol=f"S{number}", as_of_ms=minute * 60_000, bar=None, defects=("empty",))
            for number in range(n_symbols)
        ]
        for minute in range(1, n_minutes + 1)
    ]
    whole = [snapshot for minute in minutes for snapshot in minute]
    recorded = whole[:cut]
    last = {snapshot.symbol: snapshot.as_of_ms for snapshot in recorded}
    assert recorded + asyncio.run(drain(ResumedFeed(Tape(minutes), last))) == whole
