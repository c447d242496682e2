"""Drift's archive and Data API, served locally: pages, packing, faults, and what is counted."""

import asyncio
import gzip
from contextlib import ExitStack
from functools import cache

import pytest

from domain.errors import BadInput, FeedLost
from market.drift.counts import Why
from market.history.drift_source import DriftSource
from market.history.series import Kind
from market.history.terms import FetchTerms
from tests.doubles.history.drift import DriftMarket, drift, fill, funding_row
from tests.doubles.history.server import Fault, HistoryServer

START_S = 1_736_121_600  # 2025-01-06 00:00 UTC
START_MS, DAY_MS = START_S * 1000, 86_400_000
HOURS = tuple(funding_row(hour, START_S + 3600 * hour + 2, hour / 1000, 100.5, 100.25) for hour in range(24))


@pytest.fixture
def serve():
    with ExitStack() as stack:

        def opened(market, faults=None):
            server = HistoryServer(drift(market), faults=faults or {}, is_page=lambda path: True)
            return stack.enter_context(server.running())

        yield opened


@pytest.fixture(scope="module")
def plain():
    """Return the day of 6,000 fills as it comes from a venue without a fault."""
    with HistoryServer(drift(market(n=6_000))).running() as server:
        return fetched(server, Kind.BARS, venue="velocity")


def fetched(server, kind, venue="drift", symbol="SOL-PERP", **terms):
    waits = []

    async def pause(seconds):
        waits.append(seconds)

    async def go():
        source = DriftSource(venue, FetchTerms(url=server.address, **terms), pause=pause)
        try:
            return await source.day(kind, symbol, START_MS, START_MS + DAY_MS)
        finally:
            await source.close()

    return asyncio.run(go())


@cache
def fills(n):
    """Return n fills, seven a minute, every 13th minute without any."""
    minutes = [minute for minute in range(1440) if minute % 13]
    return tuple(
        fill(number, START_S + 60 * minutes[number // 7] + number % 7, f"{100 + number % 50 / 10:.6f}")
        for number in range(n)
    )


def market(n=100, **how):
    return DriftMarket("SOL-PERP", fills(n), HOURS, **how)


def test_fills_of_a_day_become_its_minutes(serve):
    rows = fetched(serve(market(archived_until_ms=START_MS + DAY_MS)), Kind.BARS)
    assert rows.stamps_ms.tolist()[:2] == [START_MS + 60_000, START_MS + 120_000]
    assert rows.columns["open"].tolist()[:2] == [100.0, 100.7]
    assert rows.columns["high"].tolist()[0] == 100.6
    assert (rows.columns["volume"].tolist()[0], rows.columns["taker_buy_volume"].tolist()[0]) == (7.0, 7.0)
    (counts,) = rows.files
    assert (counts.file_name, counts.n_accepted, counts.n_malformed) == ("tradeRecords/20250106", 100, 0)
    assert rows.step_ms == 60_000


@pytest.mark.parametrize(("is_packed", "says"), [(True, "gzip"), (True, ""), (False, "gzip"), (False, "")])
def test_the_archive_is_read_by_its_bytes_and_not_by_its_headers(serve, is_packed, says):
    how = {"is_packed": is_packed, "says": says, "archived_until_ms": START_MS + DAY_MS}
    rows = fetched(serve(market(**how)), Kind.FUNDING)
    assert rows.stamps_ms.tolist() == [(START_S + 3600 * hour + 2) * 1000 for hour in range(24)]
    assert rows.columns["funding_rate_quote_per_base"].tolist() == [hour / 1000 for hour in range(24)]


def test_a_day_the_archive_does_not_have_comes_from_the_data_api(serve):
    server = serve(market())
    assert len(fetched(server, Kind.BARS).stamps_ms) == 15
    assert [path for path, _ in server.asked] == [
        "/program/dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH/market/SOL-PERP/tradeRecords/2025/20250106",
        "/market/SOL-PERP/trades/2025/1/6",
    ]


def test_velocity_has_no_archive_and_is_asked_as_its_own_page_would(serve):
    server = serve(market())
    fetched(server, Kind.FUNDING, venue="velocity")
    assert [path for path, _ in server.asked] == ["/market/SOL-PERP/fundingRates/2025/1/6"] * 3
    assert "origin: https://app.velocity.exchange" in server.headers


@pytest.mark.parametrize("first_page", [0, 1])
def test_every_page_of_fills_is_read_wherever_their_count_begins(serve, first_page):
    rows = fetched(serve(market(n=9_000, first_page=first_page)), Kind.BARS)
    assert rows.columns["volume"].sum() == 9_000.0
    assert sum(counts.n_accepted for counts in rows.files) == 9_000


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_fault_on_any_page_changes_nothing(serve, plain, fault, page):
    rows = fetched(serve(market(n=6_000), {page: fault}), Kind.BARS, venue="velocity")
    assert rows.stamps_ms.tolist() == plain.stamps_ms.tolist()
    assert {name: column.tolist() for name, column in rows.columns.items()} == {
        name: column.tolist() for name, column in plain.columns.items()
    }


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.BROKEN, Fault.CUT, Fault.GARBAGE, Fault.HANG_UP])
def test_a_venue_that_never_answers_is_given_up_and_never_taken_for_an_empty_one(serve, fault):
    with pytest.raises(FeedLost, match="no answer in 3 tries"):
        fetched(serve(market(), dict.fromkeys(range(40), fault)), Kind.BARS, venue="velocity", n_tries=3)


def test_an_archive_file_that_breaks_off_is_read_as_far_as_it_goes_and_says_so(serve):
    how = {"archived_until_ms": START_MS + DAY_MS, "spoil": lambda body: body[: len(body) // 2]}
    rows = fetched(serve(market(n=3_000, **how)), Kind.BARS)
    assert [counts.is_cut for counts in rows.files] == [True]
    assert 500 < rows.files[0].n_accepted < 3_000


def test_a_malformed_line_stops_nothing_and_is_counted_with_the_day(serve):
    def spoil(body):
        lines = gzip.decompress(body).split(b"\n")
        lines[3:3] = [b"\xff\xfe", b"a,b", b'"']
        return gzip.compress(b"\n".join(lines))

    (counts,) = fetched(serve(market(archived_until_ms=START_MS + DAY_MS, spoil=spoil)), Kind.BARS).files
    assert (counts.n_accepted, counts.n_malformed) == (100, 3)
    assert {why for why, _ in counts.reasons} == {Why.NOT_TEXT, Why.NOT_A_RECORD, Why.WRONG_FIELDS}


def test_a_market_that_is_not_there_is_refused_with_its_address(serve):
    with pytest.raises(BadInput, match="/market/MOON-PERP/trades/2025/1/6 is not there"):
        fetched(serve(market()), Kind.BARS, venue="velocity", symbol="MOON-PERP")
