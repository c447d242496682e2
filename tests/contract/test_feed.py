"""What every feed owes the desk, whichever market it speaks for."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from domain.market import MINUTE_MS, Reading, Snapshot
from domain.ports import Feed
from market.catalog import find_recordings
from market.quality import QualityLimits
from market.replay import load_replay
from market.sim import SimFeed
from market.sim_parameters import SimParameters
from tests.doubles.exchange.binance import Binance
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.markets import recorded
from tests.doubles.exchange.rehearsal import Rehearsal, opening_after

SYMBOLS = ("SOL-PERP", "BTC-PERP")
N_MINUTES = {"sim": 3_000, "replay": 3_000, "bybit": 40, "binanceusdm": 40}
"""How many minutes of each: what a real socket says takes its time."""
PROTOCOLS = {"bybit": Bybit, "binanceusdm": Binance}
MakeFeed = Callable[[], Feed]


@pytest.fixture(params=list(N_MINUTES), scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    """Return which plug of the port is looked at; the live ones listen to the local exchange."""
    return str(request.param)


@pytest.fixture(scope="module")
def n_minutes(kind: str) -> int:
    return N_MINUTES[kind]


@pytest.fixture(scope="module")
def make(kind: str, n_minutes: int, request: pytest.FixtureRequest) -> MakeFeed:
    """Return a way to build the same feed again and again."""
    if kind == "sim":
        return lambda: SimFeed(SimParameters(seed=11, start_ms=1_735_689_600_000), SYMBOLS, n_minutes)
    shared: Path = request.getfixturevalue("shared")
    if kind == "replay":
        paths = [str(path) for path in find_recordings([shared], SYMBOLS)]
        return lambda: load_replay(paths, SYMBOLS, QualityLimits(), 2.0, limit_minutes=n_minutes)
    return lambda: rehearsal(shared, kind, n_minutes)


def rehearsal(shared: Path, kind: str, n_minutes: int) -> Rehearsal:
    markets = recorded(shared, ("SOL", "BTC"), 0, n_minutes + 20)
    return Rehearsal(PROTOCOLS[kind], markets, opening_after(markets, 5), n_minutes)


def said(minute: Sequence[Snapshot], kind: str) -> tuple[object, ...]:
    """Return what a feed says of a minute each time it is asked: of a live one not when each figure was read."""
    if kind in PROTOCOLS:
        return tuple((one.symbol, one.as_of_ms, one.bar, one.defects, one.bid_price, one.ask_price) for one in minute)
    return tuple(minute)


@pytest.fixture(scope="module")
def minutes(make: MakeFeed) -> list[Sequence[Snapshot]]:
    return asyncio.run(drain(make()))


async def drain(feed: Feed) -> list[Sequence[Snapshot]]:
    found = []
    while (minute := await feed.next_minute()) is not None:
        found.append(minute)
    return found


def readings(snapshot: Snapshot) -> list[Reading]:
    parts = (getattr(snapshot, name) for name in snapshot.__struct_fields__)
    return [part for part in parts if isinstance(part, Reading)]


def test_it_ends_after_what_it_promised_and_stays_ended(make: MakeFeed, n_minutes: int) -> None:
    async def go() -> None:
        feed = make()
        assert len(await drain(feed)) == n_minutes
        for _ in range(3):
            assert await feed.next_minute() is None

    asyncio.run(go())


def test_minutes_rise_strictly_and_each_has_one_time_and_no_symbol_twice(minutes: list[Sequence[Snapshot]]) -> None:
    for minute in minutes:
        assert len(minute) > 0
        assert len({snapshot.as_of_ms for snapshot in minute}) == 1
        names = [snapshot.symbol for snapshot in minute]
        assert len(set(names)) == len(names)
        assert set(names) <= set(SYMBOLS)
        assert minute[0].as_of_ms % MINUTE_MS == 0
    assert all(before[0].as_of_ms < after[0].as_of_ms for before, after in pairwise(minutes))


def test_nothing_is_known_before_it_happened(minutes: list[Sequence[Snapshot]], n_minutes: int) -> None:
    n_readings = 0
    for snapshot in (one for minute in minutes for one in minute):
        if snapshot.bar is not None:
            assert snapshot.bar.close_ms == snapshot.as_of_ms
        for reading in readings(snapshot):
            n_readings += 1
            assert reading.as_of_ms <= snapshot.as_of_ms
        settled = snapshot.funding_settlement
        assert settled is None or settled.settled_ms <= snapshot.as_of_ms
    assert n_readings > n_minutes


def test_every_symbol_is_there_and_says_whether_it_is_simulated(
    minutes: list[Sequence[Snapshot]], make: MakeFeed
) -> None:
    snapshots = [one for minute in minutes for one in minute]
    assert {snapshot.symbol for snapshot in snapshots} == set(SYMBOLS)
    assert {snapshot.is_simulated for snapshot in snapshots} == {isinstance(make(), SimFeed)}


def test_the_same_feed_twice_says_the_same_and_has_the_same_fingerprint(
    make: MakeFeed, minutes: list[Sequence[Snapshot]], kind: str
) -> None:
    again = asyncio.run(drain(make()))
    assert [said(minute, kind) for minute in again] == [said(minute, kind) for minute in minutes]
    assert make().data_identity == make().data_identity  # type: ignore[attr-defined]  # both kinds have one


def test_a_shorter_feed_is_the_beginning_of_a_longer_one(
    minutes: list[Sequence[Snapshot]], make: MakeFeed, kind: str
) -> None:
    async def first(n: int) -> list[Sequence[Snapshot]]:
        feed = make()
        found = [minute for _ in range(n) if (minute := await feed.next_minute()) is not None]
        if isinstance(feed, Rehearsal):
            await feed.close()
        return found

    shorter = asyncio.run(first(25))
    assert [said(minute, kind) for minute in shorter] == [said(minute, kind) for minute in minutes[:25]]
