"""Executions in the words of the books."""

from hypothesis import given
from hypothesis import strategies as st

from agents.books import Books, Entry
from domain.account import Fill, FundingPayment
from domain.decisions import ApprovedOrder, ExitReason, Side
from domain.features import Regime
from execution.instruments import INSTRUMENTS
from execution.live.broker import Execution
from execution.live.fills import fill_of, key_of, paid_key_of
from tests.doubles.venue.desk import PLAN

SOL = INSTRUMENTS["SOL-PERP"]
QUOTES = st.integers(10**4, 10**12)


def execution(side: Side, lots: int, quote: int, fee: int = 0, at_ms: int = 5) -> Execution:
    return Execution(
        execution_id="x",
        wire_id=None,
        symbol="SOL-PERP",
        side=side,
        size_lots=lots,
        quote_microusd=quote,
        fee_microusd=fee,
        executed_ms=at_ms,
    )


@given(st.sampled_from(Side), st.integers(1, 10_000), QUOTES, st.integers(-(10**6), 10**6))
def test_what_a_fill_says_was_paid_is_what_was_paid(side: Side, lots: int, quote: int, fee: int) -> None:
    fill = fill_of(execution(side, lots, quote, fee), SOL, "an order", 100, None)
    assert int(side) * lots * fill.price_ticks * 10 + fill.fee_microusd == int(side) * quote + fee
    unit = SOL.microusd_per_tick_lot * lots
    assert fill.price_ticks == 1 or abs(quote - fill.price_ticks * unit) * 2 <= unit


@given(
    st.sampled_from(Side),
    st.lists(st.tuples(st.integers(1, 50), st.integers(10**6, 10**8), st.integers(-500, 5000)), min_size=1, max_size=4),
    st.data(),
)
def test_the_books_come_out_of_a_round_trip_with_the_venue_s_cash(
    side: Side, parts: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Whatever the prices between the ticks, and in however many parts it was entered and left."""
    lots = sum(one for one, _, _ in parts)
    order = ApprovedOrder(
        client_order_id="SOL-PERP-1-entry",
        symbol="SOL-PERP",
        strategy="play",
        side=side,
        size_lots=lots,
        reduce_only=False,
        reference_ticks=100,
        decided_ms=1,
        exit_plan=PLAN,
    )
    books = Books(instruments={"SOL-PERP": SOL}, cash_microusd=10**12)
    books.expect(Entry(order=order, regime=Regime.CHOP, conviction_frac=1.0, risk_microusd=1))
    cash = 10**12
    for size, quote, fee in parts:
        books.apply_fill(fill_of(execution(side, size, quote * size, fee), SOL, order.client_order_id, 100, None))
        cash -= int(side) * quote * size + fee
    while lots:
        size, quote = data.draw(st.integers(1, lots)), data.draw(QUOTES)
        fill = fill_of(execution(side.opposite, size, quote, 3), SOL, "out", 100, ExitReason.STOP)
        books.apply_fill(fill)
        cash += int(side) * quote - 3
        lots -= size
    assert books.holdings == {}
    assert books.cash_microusd == cash


@given(st.sampled_from(Side), st.integers(1, 1000), st.integers(1, 10_000), st.integers(1, 10_000))
def test_slippage_is_what_the_price_was_worse_than_its_reference(
    side: Side, lots: int, ticks: int, reference: int
) -> None:
    fill = fill_of(execution(side, lots, lots * ticks * 10), SOL, "an order", reference, None)
    assert fill.slippage_microusd == int(side) * (ticks - reference) * lots * 10
    assert fill.fee_microusd == 0


def test_two_fills_are_told_apart_by_everything_but_what_they_were_measured_against() -> None:
    def fill(order_id: str = "a", at_ms: int = 5, lots: int = 2, quote: int = 2000, fee: int = 1, ref: int = 9) -> Fill:
        return fill_of(execution(Side.BUY, lots, quote, fee, at_ms), SOL, order_id, ref, None)

    assert key_of(fill(ref=50)) == key_of(fill())
    others = [fill(order_id="b"), fill(at_ms=6), fill(lots=1), fill(quote=4000), fill(fee=2)]
    assert len({key_of(one) for one in [fill(), *others]}) == 6


def test_two_settlements_are_told_apart_by_symbol_time_and_amount() -> None:
    payment = FundingPayment(
        symbol="SOL-PERP", position_lots=0, rate_quote_per_base_1e9=0, amount_microusd=-4, settled_ms=8, source="venue"
    )
    assert paid_key_of(payment) == ("SOL-PERP", 8, -4)
