import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Side
from domain.errors import BadInput, BooksDisagree
from execution.gateway_client.grid import instrument_there, lots_of, request_of, tick_raw
from execution.gateway_client.messages import Direction, Kind, MarketSteps, When, request_line
from execution.instruments import INSTRUMENTS
from execution.live.broker import BrokerOrder, OrderKind

SOL = INSTRUMENTS["SOL-PERP"]
symbols = st.sampled_from(sorted(INSTRUMENTS))
orders = st.builds(
    BrokerOrder,
    wire_id=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    symbol=symbols,
    kind=st.sampled_from(OrderKind),
    side=st.sampled_from(Side),
    size_lots=st.integers(1, 10**6),
    reduce_only=st.booleans(),
    price_ticks=st.integers(1, 10**8),
    valid_until_ms=st.integers(0, 2**45),
)


def steps(of, **changes):
    fields = {
        "symbol": of.symbol,
        "base_step_raw": of.lot_size_1e9,
        "price_step_raw": tick_raw(of),
        "least_base_raw": of.lot_size_1e9,
    }
    return {of.symbol: MarketSteps(**{**fields, **changes})}


@given(orders)
def test_an_order_is_worded_exactly_and_only_an_immediate_one_may_add(order):
    of = INSTRUMENTS[order.symbol]
    asked = request_of(order, of)
    assert of.lot_size_base * order.size_lots * 10**9 == asked.base_raw
    price_raw = asked.price_raw if order.kind is OrderKind.IOC else asked.trigger_price_raw
    assert of.price(order.price_ticks) * 10**6 == price_raw
    assert lots_of(asked.base_raw, of, "it") == order.size_lots
    if order.kind is OrderKind.IOC:
        assert (asked.kind, asked.reduce_only) == (Kind.IOC, order.reduce_only)
        assert (asked.trigger_price_raw, asked.trigger_when) == (None, None)
    else:
        assert (asked.kind, asked.reduce_only, asked.price_raw) == (Kind.TRIGGER_MARKET, True, None)
    assert request_line(asked, 1).endswith(b"}\n")


@pytest.mark.parametrize(
    ("kind", "side", "when"),
    [
        (OrderKind.STOP, Side.SELL, When.BELOW),
        (OrderKind.STOP, Side.BUY, When.ABOVE),
        (OrderKind.TARGET, Side.SELL, When.ABOVE),
        (OrderKind.TARGET, Side.BUY, When.BELOW),
    ],
)
def test_a_stop_lies_behind_the_market_and_a_target_before_it(kind, side, when):
    order = BrokerOrder(
        wire_id="0" * 32,
        symbol="SOL-PERP",
        kind=kind,
        side=side,
        size_lots=1,
        reduce_only=True,
        price_ticks=1,
        valid_until_ms=0,
    )
    asked = request_of(order, SOL)
    assert (asked.trigger_when, asked.side) == (when, Direction.LONG if side is Side.BUY else Direction.SHORT)


@given(symbols, st.integers(-(10**9), 10**9), st.integers(1, 10**5 - 1))
def test_a_size_is_a_whole_number_of_lots_with_its_sign_or_stops_the_desk(symbol, lots, rest):
    of = INSTRUMENTS[symbol]
    assert lots_of(lots * of.lot_size_1e9, of, "it") == lots
    with pytest.raises(BooksDisagree, match="no whole number of lots"):
        lots_of(lots * of.lot_size_1e9 + rest, of, "it")


def test_our_figures_hold_where_the_market_has_the_same_lot_and_a_step_that_divides_our_tick():
    assert instrument_there("SOL-PERP", steps(SOL)) == SOL
    assert instrument_there("SOL-PERP", steps(SOL, price_step_raw=100)) == SOL
    assert instrument_there("SOL-PERP", steps(SOL, least_base_raw=25_000_000)).min_size_lots == 3


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"base_step_raw": 1_000_000}, "trades in steps of 1000000"),
        ({"base_step_raw": 20_000_000}, "trades in steps of 20000000"),
        ({"price_step_raw": 300}, "no multiple of the market's step on chain, 300"),
    ],
)
def test_a_market_of_another_grid_is_refused_in_one_sentence(changes, word):
    with pytest.raises(BadInput, match=word):
        instrument_there("SOL-PERP", steps(SOL, **changes))
