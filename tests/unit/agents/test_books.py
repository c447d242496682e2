"""The books fold the venue's reports and nothing else; money is exact to the micro-dollar."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.books import Books, Entry
from domain.account import Fill, FundingPayment, Trade
from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Side
from domain.errors import BooksDisagree
from domain.features import Regime
from domain.instrument import Instrument
from domain.market import Bar, Snapshot

SOL = Instrument(
    symbol="SOL-PERP",
    tick_size_price=Decimal("0.001"),
    lot_size_base=Decimal("0.01"),
    min_size_lots=1,
    initial_margin_frac=0.05,
    maintenance_margin_frac=0.03,
    liquidator_fee_frac=0.0075,
    funding_clamp_den=33,
)
PLAN = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.005,
    trail_arm_frac=0.005,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=60,
)


def entry(side: Side, lots: int, ticks: int) -> Entry:
    order = ApprovedOrder(
        client_order_id="SOL-PERP-0-entry",
        symbol="SOL-PERP",
        strategy="e3",
        side=side,
        size_lots=lots,
        reduce_only=False,
        reference_ticks=ticks,
        decided_ms=0,
        exit_plan=PLAN,
    )
    return Entry(order=order, regime=Regime.CHOP, conviction_frac=0.5, risk_microusd=1_000_000)


def fill(side: Side, lots: int, ticks: int, fee: int, reason: ExitReason | None = None) -> Fill:
    return Fill(
        client_order_id="SOL-PERP-0-entry" if reason is None else f"SOL-PERP-0-entry-{reason}",
        symbol="SOL-PERP",
        side=side,
        size_lots=lots,
        price_ticks=ticks,
        fee_microusd=fee,
        slippage_microusd=0,
        filled_ms=60_000,
        exit_reason=reason,
    )


def minute(close_ticks: int) -> Snapshot:
    price = close_ticks / 1000
    bar = Bar(
        open_ms=60_000,
        close_ms=120_000,
        open_price=price,
        high_price=price,
        low_price=price,
        close_price=price,
        volume_base=1.0,
    )
    return Snapshot(symbol="SOL-PERP", as_of_ms=120_000, bar=bar)


TICKS = st.integers(1_000, 1_000_000)
LOTS = st.integers(2, 100_000)
MICROUSD = st.integers(-(10**9), 10**9)


@given(
    side=st.sampled_from(Side),
    lots=LOTS,
    ticks=st.tuples(TICKS, TICKS, TICKS, TICKS),
    fees=st.tuples(MICROUSD, MICROUSD, MICROUSD),
    funding=MICROUSD,
    part=st.floats(0.01, 0.99),
)
def test_equity_is_cash_plus_position_value_and_a_closed_trade_accounts_for_every_microdollar(
    side: Side,
    lots: int,
    ticks: tuple[int, int, int, int],
    fees: tuple[int, int, int],
    funding: int,
    part: float,
) -> None:
    entry_ticks, mark_ticks, partial_ticks, exit_ticks = ticks
    first = max(1, min(lots - 1, int(lots * part)))
    books = Books(instruments={"SOL-PERP": SOL}, cash_microusd=10**10)
    books.expect(entry(side, lots, entry_ticks))
    assert books.apply_fill(fill(side, lots, entry_ticks, fees[0])) is None
    books.mark(minute(mark_ticks))
    assert books.equity_microusd == 10**10 - fees[0] + int(side) * lots * (mark_ticks - entry_ticks) * 10
    books.apply_funding(
        FundingPayment(
            symbol="SOL-PERP",
            position_lots=int(side) * lots,
            rate_quote_per_base_1e9=1,
            amount_microusd=funding,
            settled_ms=90_000,
            source="test",
        )
    )
    assert books.apply_fill(fill(side.opposite, first, partial_ticks, fees[1], ExitReason.PARTIAL)) is None
    trade = books.apply_fill(fill(side.opposite, lots - first, exit_ticks, fees[2], ExitReason.STOP))
    assert isinstance(trade, Trade)
    assert books.cash_microusd == books.equity_microusd == 10**10 + trade.net_microusd
    assert trade.fees_microusd == sum(fees)
    assert trade.funding_microusd == funding
    assert books.position_lots("SOL-PERP") == 0
    assert trade.mae_bps >= 0.0
    assert trade.mfe_bps >= 0.0


def test_a_fill_nobody_ordered_is_a_disagreement() -> None:
    books = Books(instruments={"SOL-PERP": SOL}, cash_microusd=0)
    with pytest.raises(BooksDisagree, match="do not expect"):
        books.apply_fill(fill(Side.BUY, 1, 1000, 0))


def test_a_reduction_of_more_than_is_held_or_on_the_wrong_side_is_a_disagreement() -> None:
    books = Books(instruments={"SOL-PERP": SOL}, cash_microusd=0)
    books.expect(entry(Side.BUY, 5, 1000))
    books.apply_fill(fill(Side.BUY, 5, 1000, 0))
    with pytest.raises(BooksDisagree, match="do not hold"):
        books.apply_fill(fill(Side.SELL, 6, 1000, 0, ExitReason.STOP))
    with pytest.raises(BooksDisagree, match="do not hold"):
        books.apply_fill(fill(Side.BUY, 1, 1000, 0, ExitReason.STOP))


def test_funding_on_another_size_than_ours_is_a_disagreement() -> None:
    books = Books(instruments={"SOL-PERP": SOL}, cash_microusd=0)
    payment = FundingPayment(
        symbol="SOL-PERP", position_lots=3, rate_quote_per_base_1e9=1, amount_microusd=1, settled_ms=1, source="test"
    )
    with pytest.raises(BooksDisagree, match="funding on 3 lots"):
        books.apply_funding(payment)
