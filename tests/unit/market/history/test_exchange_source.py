"""Unmodified ccxt against a local exchange that speaks each exchange's protocol, faults included."""

import asyncio

import numpy as np
import pytest

from domain.errors import BadInput, FeedLost
from market.history.exchange_source import ExchangeSource
from market.history.series import Kind
from market.history.terms import FetchTerms
from tests.doubles.history.server import Fault
from tests.doubles.history.tape import made_tape

DAY_MS = 86_400_000
START_MS = 1_746_403_200_000
LOST = (500, 501, 700)
EXCHANGES = ["bybit", "binanceusdm"]


async def no_pause(_seconds):
    return None


def fetched(server, exchange, *kinds, symbol="SOL-PERP", until_ms=START_MS + DAY_MS, **terms):
    async def go():
        source = ExchangeSource(exchange, FetchTerms(url=server.address, **terms), pause=no_pause)
        try:
            return [await source.day(kind, symbol, START_MS, until_ms) for kind in kinds]
        finally:
            await source.close()

    return asyncio.run(go())


@pytest.fixture(scope="module")
def tape():
    return made_tape(START_MS - 60_000, 1441, without=LOST)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_kind_is_what_was_served_bit_for_bit(serve, tape, exchange):
    kinds = (Kind.BARS, Kind.MARK, Kind.ORACLE, Kind.PREMIUM, Kind.OPEN_INTEREST, Kind.FUNDING)
    bars, mark, oracle, premium, interest, funding = fetched(serve(exchange, tape), exchange, *kinds)
    stamps = [stamp for stamp in tape.bars if stamp >= START_MS]
    assert bars.stamps_ms.tolist() == stamps
    for place, name in enumerate(("open", "high", "low", "close", "volume")):
        assert bars.columns[name].tolist() == [float(tape.bars[stamp][place]) for stamp in stamps]
    assert mark.columns["close"].tolist() == [float(tape.mark[stamp][3]) for stamp in stamps]
    assert (oracle.stamps_ms - 60_000).tolist() == [stamp for stamp in tape.index if stamp < START_MS + DAY_MS - 60_000]
    assert oracle.columns["oracle_price"].tolist()[0] == float(tape.index[START_MS - 60_000][3])
    assert premium.columns["perp_close"].tolist() == mark.columns["close"].tolist()
    assert premium.columns["spot_close"].tolist() == [float(tape.index[stamp][3]) for stamp in stamps]
    at = [stamp for stamp in tape.interest if stamp % 300_000 == 0 and stamp >= START_MS]
    assert interest.stamps_ms.tolist() == at
    assert funding.stamps_ms.tolist() == [stamp for stamp in tape.funding if stamp >= START_MS]


def test_an_exchange_that_has_less_than_every_kind_gives_what_it_has_bit_for_bit(serve, tape):
    bars, funding = fetched(serve("hyperliquid", tape), "hyperliquid", Kind.BARS, Kind.FUNDING)
    stamps = [stamp for stamp in tape.bars if stamp >= START_MS]
    assert bars.stamps_ms.tolist() == stamps
    for place, name in enumerate(("open", "high", "low", "close", "volume")):
        assert bars.columns[name].tolist() == [float(tape.bars[stamp][place]) for stamp in stamps]
    assert funding.stamps_ms.tolist() == [stamp for stamp in tape.funding if stamp >= START_MS]
    assert funding.columns["funding_rate"].tolist() == [float(tape.funding[at][0]) for at in funding.stamps_ms.tolist()]


@pytest.mark.parametrize("exchange", ["binanceusdm", "hyperliquid"])
def test_settlements_stamped_some_milliseconds_late_are_dated_to_their_minute(serve, tape, exchange):
    (funding,) = fetched(serve(exchange, tape), exchange, Kind.FUNDING)
    assert len(funding.stamps_ms) > 0
    assert (funding.stamps_ms % 60_000 == 0).all()


def test_open_interest_told_in_base_units_is_valued_at_the_price_its_minute_opens_with(serve, tape):
    (told,) = fetched(serve("bybit", tape), "bybit", Kind.OPEN_INTEREST)
    prices = np.array([float(tape.bars[stamp][0]) for stamp in told.stamps_ms.tolist()])
    assert np.array_equal(told.columns["open_interest_usd"], told.columns["open_interest_base"] * prices)


def test_a_day_that_is_going_on_ends_where_it_is_asked_to(serve, tape):
    (bars,) = fetched(serve("bybit", tape), "bybit", Kind.BARS, until_ms=START_MS + 90 * 60_000)
    assert bars.stamps_ms.tolist()[-1] == START_MS + 89 * 60_000


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_on_any_of_the_first_pages_changes_nothing(serve, tape, exchange, fault):
    server = serve(exchange, tape, faults={0: fault, 1: fault})
    (bars,) = fetched(server, exchange, Kind.BARS)
    stamps = [stamp for stamp in tape.bars if stamp >= START_MS]
    assert bars.stamps_ms.tolist() == stamps
    assert bars.columns["close"].tolist() == [float(tape.bars[stamp][3]) for stamp in stamps]


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.BROKEN, Fault.CUT, Fault.GARBAGE, Fault.HANG_UP])
def test_a_venue_that_never_answers_is_given_up_and_never_taken_for_an_empty_one(serve, tape, fault):
    server = serve("bybit", tape, faults=dict.fromkeys(range(40), fault))
    with pytest.raises(FeedLost, match="no answer in 3 tries"):
        fetched(server, "bybit", Kind.BARS, n_tries=3)


def test_no_page_is_asked_for_beyond_what_the_exchange_gives_at_a_time(serve, tape):
    server = serve("bybit", tape)
    fetched(server, "bybit", Kind.BARS, Kind.OPEN_INTEREST, Kind.FUNDING)
    most = {"/v5/market/kline": 1000, "/v5/market/open-interest": 200, "/v5/market/funding/history": 200}
    assert {path for path, _ in server.pages} == set(most)
    assert all(int(query["limit"]) <= most[path] for path, query in server.pages)


def test_a_market_that_is_not_listed_is_refused_with_its_name(serve, tape):
    with pytest.raises(BadInput, match="lists no DOGE/USDT:USDT for DOGE-PERP"):
        fetched(serve("bybit", tape), "bybit", Kind.BARS, symbol="DOGE-PERP")
