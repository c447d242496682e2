"""The live feed against the local exchange, one thing wrong at a time, in every protocol there is."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.errors import BadInput, FeedLost
from domain.market import HOUR_MS, MINUTE_MS, ImbalanceSource, Snapshot
from market.live.feed import MAX_GAP_MINUTES, LiveFeed
from market.live.snapshots import BACK_FILLED
from market.live.terms import VENUES, LiveTerms
from market.quality import QualityLimits
from tests.doubles.exchange.binance import Binance
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.deribit import Deribit
from tests.doubles.exchange.faults import Fault, one_a_minute
from tests.doubles.exchange.hyperliquid import Hyperliquid
from tests.doubles.exchange.markets import Market, recorded
from tests.doubles.exchange.mexc import Mexc
from tests.doubles.exchange.rehearsal import Rehearsal, drained, opening_after
from tests.doubles.exchange.server import STEPS_MS, LocalExchange
from tests.doubles.exchange.time import SimulatedTime

PROTOCOLS = [Bybit, Binance, Hyperliquid, Deribit, Mexc]
N_MINUTES, AT = 9, 3
BASES = ("SOL", "BTC")
TOLD = {
    Fault.SILENCE: "stream_silent",
    Fault.DISCONNECT: "stream_lost",
    Fault.DUPLICATE: None,
    Fault.OUT_OF_ORDER: None,
    Fault.WRONG_SYMBOL: None,
    Fault.NOT_A_NUMBER: "odd_bars",
    Fault.HALF_A_MESSAGE: "message_unreadable",
    Fault.SEQUENCE_GAP: "book_resync",
    Fault.CROSSED_BOOK: "book_resync",
    Fault.TOO_MANY_REQUESTS: "question_lost",
    Fault.RECONNECT_STORM: "stream_lost",
    Fault.DELISTED: "question_lost",
    Fault.CLOCK_SKEW: "clock_skew",
    Fault.OUTAGE: "question_lost",
}
"""What the feed tells of itself."""

TOLD_OTHERWISE = {
    (Binance, Fault.SEQUENCE_GAP): "stream_lost",
    (Hyperliquid, Fault.SEQUENCE_GAP): None,
    (Hyperliquid, Fault.DELISTED): "odd_bars",
}
"""ccxt minds Binance's numbers itself. Hyperliquid's books are whole each time, and it lists what it has delisted."""

HARMLESS = (Fault.DUPLICATE, Fault.OUT_OF_ORDER, Fault.WRONG_SYMBOL, Fault.CROSSED_BOOK, Fault.SEQUENCE_GAP)
"""After these no minute is unfit; where a book begins again only with the lines, that may cost the minute at hand."""

BREAKS_LINES = ((Deribit, Fault.SEQUENCE_GAP), (Deribit, Fault.CROSSED_BOOK))

BAR_QUESTIONS = ("kline", "candleSnapshot", "tradingview")
WITHOUT_BAR = {
    Fault.TOO_MANY_REQUESTS: "429|Too many visits",
    Fault.OUTAGE: "ExchangeNotAvailable",
    Fault.DELISTED: "symbol invalid|Invalid symbol|instrument_not_found|Contract does not exist|hyperliquid has none",
}
"""In these a minute has no bar, and says why."""


@pytest.fixture(scope="module")
def tape(shared: Path) -> partial[list[Market]]:
    """Return a way to make the same markets anew: a book keeps what was shown of it."""
    return partial(recorded, shared, BASES, 1_200, 400)


def check_against_tape(minutes: Sequence[Sequence[Snapshot]], markets: Sequence[Market]) -> None:
    times = [minute[0].as_of_ms for minute in minutes]
    assert times == list(range(times[0], times[-1] + MINUTE_MS, MINUTE_MS))
    bars = {f"{market.base}-PERP": market.bars for market in markets}
    for snapshot in (one for minute in minutes for one in minute):
        if snapshot.bar is None:
            assert any(reason.startswith("no bar: ") for reason in snapshot.defects)
        else:
            bar = snapshot.bar
            told = (bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base)
            assert told == pytest.approx(bars[snapshot.symbol][bar.open_ms], rel=1e-6)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_fault_is_told_costs_at_most_its_minutes_and_is_over(protocol, fault, tape) -> None:
    markets = tape()
    start_ms = opening_after(markets, 5)
    fault_ms = start_ms // MINUTE_MS * MINUTE_MS + AT * MINUTE_MS
    feed = Rehearsal(protocol, markets, start_ms, N_MINUTES, {fault_ms: fault})
    minutes = drained(feed)
    assert len(minutes) == N_MINUTES
    check_against_tape(minutes, markets)
    kinds = {kind for kind, _ in feed.notes}
    expected = TOLD_OTHERWISE.get((protocol, fault), TOLD[fault])
    assert kinds == set() if expected is None else expected in kinds
    defects = [reason for minute in minutes for one in minute for reason in one.defects]
    if (protocol, fault) in BREAKS_LINES:
        assert set(defects) <= {BACK_FILLED}
    elif fault in HARMLESS:
        assert defects == []
    missing = [one for minute in minutes for one in minute if one.bar is None]
    assert bool(missing) == (fault in WITHOUT_BAR)
    for snapshot in missing:
        assert any(word in snapshot.defects[0] for word in WITHOUT_BAR[fault].split("|"))
        assert snapshot.as_of_ms in (fault_ms, fault_ms + MINUTE_MS)
    assert all(one.is_fit for minute in minutes[AT + 3 :] for one in minute)


@pytest.mark.parametrize("protocol", [Hyperliquid, Deribit, Mexc])
def test_with_a_fault_in_every_minute_each_bar_is_the_exchanges_own_or_there_is_none(protocol, tape) -> None:
    markets = tape()
    start_ms = opening_after(markets, 5)
    script = one_a_minute(start_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS, 2 * len(Fault), 3)
    minutes = drained(Rehearsal(protocol, markets, start_ms, 2 * len(Fault), script))
    check_against_tape(minutes, markets)
    assert sum(one.is_fit for minute in minutes for one in minute) > len(Fault)


class BookRefused(Mexc):
    """Refuses its whole book a few times; ccxt then gives up the line on which it has heard changes of it."""

    refused_since_ms = 0
    n_refused = 0

    def answer(self, path: str, query: Mapping[str, Any], now_ms: int) -> tuple[int, Any]:
        if "/depth/" in path and now_ms >= self.refused_since_ms and self.n_refused < 9:
            self.n_refused += 1
            return 500, {"success": False, "code": 500, "message": "internal error"}
        return super().answer(path, query, now_ms)


def test_a_book_that_is_refused_takes_the_bars_on_its_line_along_and_they_come_back(tape) -> None:
    markets = tape()
    start_ms = opening_after(markets, 5)
    fault_ms = start_ms // MINUTE_MS * MINUTE_MS + AT * MINUTE_MS
    feed = Rehearsal(BookRefused, markets, start_ms, N_MINUTES, {fault_ms: Fault.DISCONNECT})
    assert isinstance(feed.exchange.protocol, BookRefused)
    feed.exchange.protocol.refused_since_ms = fault_ms
    minutes = drained(feed)
    check_against_tape(minutes, markets)
    assert feed.exchange.protocol.n_refused == 9
    assert all(one.is_fit for minute in minutes[AT + 2 :] for one in minute)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_quiet_minute_shows_everything_the_exchange_tells(protocol, tape) -> None:
    markets = tape()
    minutes = drained(Rehearsal(protocol, markets, opening_after(markets, 5), 5))
    for snapshot in minutes[-1]:
        market = next(one for one in markets if snapshot.symbol.startswith(one.base))
        close_ms = snapshot.as_of_ms
        assert snapshot.bid_price is not None
        assert snapshot.ask_price is not None
        assert snapshot.bid_price < market.price(close_ms) < snapshot.ask_price
        assert snapshot.spread_bps is not None
        assert snapshot.spread_bps.source == "book"
        assert snapshot.imbalance_source is ImbalanceSource.BOOK
        assert snapshot.mark is not None
        assert snapshot.mark.value == pytest.approx(market.price(close_ms))
        assert snapshot.oracle is not None
        assert snapshot.oracle.value == pytest.approx(market.index(close_ms))
        assert snapshot.premium_bps is not None
        assert snapshot.premium_bps.value == pytest.approx(2.0, abs=0.2)
        assert snapshot.funding_rate_hourly_frac is not None
        assert snapshot.funding_rate_hourly_frac.value == pytest.approx(0.0001 * HOUR_MS / protocol.rate_ms)
        assert snapshot.open_interest_usd is not None
        interest_usd = market.interest_base(close_ms) * market.price(close_ms)
        assert snapshot.open_interest_usd.value == pytest.approx(interest_usd, rel=0.01)


@pytest.mark.parametrize("protocol", [Bybit, Binance])
def test_a_minute_is_given_at_its_end_where_the_exchange_calls_its_bars_final(protocol, tape) -> None:
    async def go() -> None:
        markets = tape()
        open_ms = opening_after(markets, 5) // MINUTE_MS * MINUTE_MS
        time = SimulatedTime(open_ms - 500)
        async with LocalExchange(protocol(markets), time) as exchange:
            symbols = tuple(f"{market.base}-PERP" for market in markets)
            terms = LiveTerms(exchange=protocol.name, symbols=symbols, url=exchange.url, warmup_bars=0)
            feed = LiveFeed(terms, QualityLimits(), time)
            await feed.open()
            coming = asyncio.ensure_future(feed.next_minute())
            while sum(len(line.topics) for line in exchange.lines) < 3 * len(markets):  # noqa: ASYNC110 - in its own time
                await asyncio.sleep(0.01)
            await exchange.move_to(open_ms)
            given = await asyncio.wait_for(coming, 10)
            assert given is not None
            coming = asyncio.ensure_future(feed.next_minute())
            for step_ms in (*STEPS_MS, MINUTE_MS):
                assert not coming.done()
                await exchange.move_to(open_ms + step_ms)
            given = await asyncio.wait_for(coming, 10)
            assert time.now_ms() == open_ms + MINUTE_MS
            assert given is not None
            assert [one.defects for one in given] == [(), ()]
            check_against_tape([given], markets)
            await feed.close()

    asyncio.run(go())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_warm_up_comes_first_and_no_risk_may_rest_on_it(protocol, tape) -> None:
    markets = tape()
    start_ms = opening_after(markets, 320)
    minutes = drained(Rehearsal(protocol, markets, start_ms, 3, warmup_bars=300))
    assert len(minutes) == 303
    check_against_tape(minutes, markets)
    for minute in minutes[:300]:
        assert all(one.defects == (BACK_FILLED,) for one in minute)
    assert all(one.is_fit for minute in minutes[-2:] for one in minute)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_minutes_the_exchange_does_not_have_are_marked_and_asked_for_once(protocol, tape) -> None:
    markets = tape()
    start_ms = opening_after(markets, 60)
    halted = [start_ms // MINUTE_MS * MINUTE_MS - back * MINUTE_MS for back in range(20, 26)]
    for market in markets:
        market.bars = {open_ms: row for open_ms, row in market.bars.items() if open_ms not in halted}
    feed = Rehearsal(protocol, markets, start_ms, 2, warmup_bars=50)
    minutes = drained(feed)
    check_against_tape(minutes, markets)
    barless = [one for minute in minutes for one in minute if one.bar is None]
    assert sorted({one.as_of_ms - MINUTE_MS for one in barless}) == sorted(halted)
    assert {one.defects for one in barless} == {(f"no bar: {protocol.name} has none of this minute",)}
    (after, _) = next(minute for minute in minutes if minute[0].as_of_ms == max(halted) + 2 * MINUTE_MS)
    assert after.defects == (BACK_FILLED, "gap of 6 minutes before this bar")
    asked = [path for path in feed.exchange.requests if any(word in path for word in BAR_QUESTIONS)]
    assert len(asked) <= 2 * len(markets)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_funding_is_settled_once_at_its_time_live_and_in_what_was_made_up(protocol, shared: Path) -> None:
    markets = recorded(shared, ("SOL",), 0, 2_000)
    due_ms = next(open_ms for open_ms in sorted(markets[0].bars) if open_ms % protocol.settles_ms == 0)
    due_ms += protocol.settles_ms
    for first_ms, warmup in ((due_ms - 4 * MINUTE_MS + 500, 0), (due_ms + 5 * MINUTE_MS + 500, 20)):
        minutes = drained(Rehearsal(protocol, markets, first_ms, 8, warmup_bars=warmup))
        settled = [one for (one,) in minutes if one.funding_settlement is not None]
        assert [one.as_of_ms for one in settled] == [due_ms]
        assert settled[0].bar is not None
        assert settled[0].funding_settlement is not None
        rate = settled[0].funding_settlement.rate_quote_per_base_1e9
        paid_frac = 0.0001 * protocol.settles_ms / protocol.rate_ms
        assert rate == pytest.approx(paid_frac * settled[0].bar.close_price * 1e9, rel=1e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_funding_of_the_minute_before_a_gap_is_not_paid_again_in_it(protocol, shared: Path) -> None:
    markets = recorded(shared, ("SOL",), 0, 1_000)
    due_ms = next(open_ms for open_ms in sorted(markets[0].bars) if open_ms % protocol.settles_ms == 0)
    due_ms += protocol.settles_ms
    minutes = drained(Rehearsal(protocol, markets, due_ms + 5 * MINUTE_MS + 500, 2, warmup_bars=5))
    assert minutes[0][0].as_of_ms == due_ms + MINUTE_MS
    assert [one.funding_settlement for (one,) in minutes] == [None] * 7


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_exchange_does_not_have_is_refused_in_one_sentence(protocol, tape) -> None:
    async def go(symbol: str, last: dict[str, int]) -> None:
        markets = tape()
        time = SimulatedTime(opening_after(markets, 5))
        async with LocalExchange(protocol(markets), time) as exchange:
            terms = LiveTerms(exchange=protocol.name, symbols=(symbol,), url=exchange.url)
            feed = LiveFeed(terms, QualityLimits(), time)
            try:
                await feed.open(last)
            finally:
                await feed.close()

    with pytest.raises(BadInput, match=f"DOGE-PERP would be DOGE/{protocol.quote}:{protocol.quote} .* LIVE_MARKETS"):
        asyncio.run(go("DOGE-PERP", {}))
    with pytest.raises(BadInput, match="begin a new run"):
        asyncio.run(go("SOL-PERP", {"SOL-PERP": opening_after(tape(), 0) - (MAX_GAP_MINUTES + 9) * MINUTE_MS}))


@pytest.mark.parametrize("exchange", list(VENUES))
def test_an_exchange_that_is_not_there_is_a_lost_feed_with_advice(exchange: str) -> None:
    async def go() -> None:
        time = SimulatedTime(1_746_000_000_000)
        feed = LiveFeed(LiveTerms(exchange=exchange, url="http://127.0.0.1:9"), QualityLimits(), time)
        try:
            await feed.open()
        finally:
            await feed.close()

    with pytest.raises(FeedLost, match=f"{exchange} could not be reached at http://127.0.0.1:9.* paper --feed sim"):
        asyncio.run(go())
