"""What every source of history owes the fetch, whichever venue it speaks for."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from domain.errors import BadInput, FeedLost
from market.history.drift_source import DriftSource
from market.history.exchange_source import ExchangeSource
from market.history.plan import kinds_of
from market.history.rows import DayRows, HistorySource
from market.history.series import Kind
from market.history.terms import FetchTerms
from market.layouts import layout_of
from market.recording import RecordingKind
from tests.doubles.history.binance import binance
from tests.doubles.history.bybit import bybit
from tests.doubles.history.drift import DriftMarket, drift, fill, funding_row
from tests.doubles.history.hyperliquid import hyperliquid
from tests.doubles.history.server import Fault, HistoryServer
from tests.doubles.history.tape import made_tape

START_MS = 1_736_121_600_000  # 2025-01-06 00:00 UTC, a day the old archive has
DAY_MS, MINUTE_MS = 86_400_000, 60_000
TAPE = made_tape(START_MS - DAY_MS, 3 * 1440, without=(1500, 1501, 2000))
FILLS = [fill(place, START_MS // 1000 - 3600 + 90 * place, f"{100 + place % 9}.500000") for place in range(1040)]
HOURS = [funding_row(hour, START_MS // 1000 - 3600 + 3600 * hour + 2, hour / 1000, 100.5, 100.25) for hour in range(26)]
ARCHIVED = DriftMarket("SOL-PERP", FILLS, HOURS, archived_until_ms=START_MS + DAY_MS)
VENUES = {
    "bybit": bybit(TAPE),
    "binanceusdm": binance(TAPE),
    "hyperliquid": hyperliquid(TAPE),
    "drift": drift(ARCHIVED),
    "velocity": drift(DriftMarket("SOL-PERP", FILLS, HOURS)),
}
KIND_ON_DISK = {
    Kind.BARS: {RecordingKind.BARS},
    Kind.FUNDING: {RecordingKind.FUNDING, RecordingKind.DRIFT},
    Kind.OPEN_INTEREST: {RecordingKind.OPEN_INTEREST},
    Kind.MARK: {RecordingKind.MARK},
    Kind.ORACLE: {RecordingKind.ORACLE},
    Kind.PREMIUM: {RecordingKind.PREMIUM},
}


@pytest.fixture(params=VENUES)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, HistoryServer]]:
    """Open one venue after the other on loopback."""
    with HistoryServer(VENUES[request.param]).running() as running:
        yield request.param, running


async def no_pause(_seconds: float) -> None:
    return None


def opened(name: str, server: HistoryServer) -> HistorySource:
    terms = FetchTerms(url=server.address, n_tries=2)
    return (DriftSource if name in ("drift", "velocity") else ExchangeSource)(name, terms, pause=no_pause)


def asked(
    name: str, server: HistoryServer, kind: Kind, symbol: str = "SOL-PERP", until_ms: int = START_MS + DAY_MS
) -> DayRows:
    async def go() -> DayRows:
        source = opened(name, server)
        try:
            return await source.day(kind, symbol, START_MS, until_ms)
        finally:
            await source.close()

    return asyncio.run(go())


def test_every_kind_it_is_said_to_have_is_one_the_desk_replays_in_rising_order_within_the_day(
    server: tuple[str, HistoryServer],
) -> None:
    for kind in kinds_of(server[0]):
        rows = asked(*server, kind)
        assert len(rows.stamps_ms) > 0
        assert (np.diff(rows.stamps_ms) > 0).all()
        assert START_MS <= rows.stamps_ms[0] <= rows.stamps_ms[-1] < START_MS + DAY_MS
        assert all(column.shape == rows.stamps_ms.shape for column in rows.columns.values())
        assert layout_of("part", ["ts", *rows.columns]).kind in KIND_ON_DISK[kind]


def test_the_beginning_of_a_day_is_the_beginning_of_its_rows(server: tuple[str, HistoryServer]) -> None:
    whole = asked(*server, Kind.BARS)
    part = asked(*server, Kind.BARS, until_ms=START_MS + 601 * MINUTE_MS)
    n = len(part.stamps_ms)
    assert 0 < n < len(whole.stamps_ms)
    assert part.stamps_ms.tolist() == whole.stamps_ms[:n].tolist()
    assert part.columns["close"].tolist() == whole.columns["close"][:n].tolist()


def test_a_market_it_does_not_have_is_the_users_to_mend(server: tuple[str, HistoryServer]) -> None:
    with pytest.raises(BadInput, match="DOGE"):
        asked(*server, Kind.BARS, symbol="DOGE-PERP")


def test_a_venue_that_is_gone_is_never_an_empty_day(server: tuple[str, HistoryServer]) -> None:
    name, running = server
    running.faults = dict.fromkeys(range(20), Fault.BROKEN)
    with pytest.raises(FeedLost):
        asked(name, running, Kind.BARS)
