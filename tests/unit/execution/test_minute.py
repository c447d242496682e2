"""One minute at the paper venue: funding, then the open, then the levels, then the liquidator."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Levels
from domain.decisions import ExitPlan, ExitReason, Side
from domain.market import Reading

Open = Callable[..., Any]
WIDE = ExitPlan(
    stop_frac=0.9,
    target_frac=0.9,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=9,
)


def test_a_position_can_be_stopped_in_the_bar_it_was_opened_in(stage: Any) -> None:
    order = stage.order(Side.BUY, 100)
    stage.submit(order)
    entry, stop = stage.bar(150.0, 150.5, 148.0, 150.2).fills
    assert (entry.exit_reason, entry.filled_ms) == (None, 0)
    assert (stop.client_order_id, stop.price_ticks) == (f"{order.client_order_id}-stop", 148_500)
    assert (stop.exit_reason, stop.slippage_microusd, stop.filled_ms) == (ExitReason.STOP, 0, 60_000)
    loss = 1_500 * 100 * 10
    assert stage.venue.cash_microusd == 10_000_000_000 - loss - entry.fee_microusd - stop.fee_microusd


def test_a_gapped_stop_is_slippage_against_its_level(stage: Any) -> None:
    stage.enter(Side.BUY, 100)
    (fill,) = stage.bar(147.0, 150.0, 147.0).fills
    assert (fill.price_ticks, fill.slippage_microusd) == (147_000, 1_500 * 100 * 10)


def test_a_target_gapped_over_is_negative_slippage(stage: Any) -> None:
    stage.enter(Side.SELL, 100)
    (fill,) = stage.bar(146.0).fills
    assert (fill.exit_reason, fill.price_ticks, fill.slippage_microusd) == (ExitReason.TARGET, 146_000, -1_000_000)


def test_a_measured_spread_replaces_the_assumed_one(open_stage: Open) -> None:
    def fill_ticks(source: str, value: float) -> int:
        stage = open_stage(half_spread_bps=1.0)
        stage.submit(stage.order(Side.BUY, 10))
        return int(stage.bar(150.0, spread_bps=Reading(value=value, source=source, as_of_ms=0)).fills[0].price_ticks)

    assert fill_ticks("assumed", 10.0) == 150_015
    assert fill_ticks("book", 10.0) == 150_075
    assert fill_ticks("sim", 10.0) == 150_075
    assert fill_ticks("book", -10.0) == 150_015


def test_funding_is_paid_on_what_was_held_at_the_open(stage: Any) -> None:
    """A long of one SOL pays 0.012345678 USD an hour at that rate; the minute that opens it pays nothing."""
    stage.submit(stage.order(Side.BUY, 100))
    assert stage.bar(150.0, rate_1e9=12_345_678).funding == ()
    cash = stage.venue.cash_microusd
    (payment,) = stage.bar(150.0, rate_1e9=12_345_678).funding
    assert (payment.amount_microusd, payment.position_lots) == (-12_345, 100)
    assert payment.settled_ms == 61_000
    assert stage.venue.cash_microusd == cash - 12_345

    stage.submit(stage.order(Side.SELL, 100, reason=ExitReason.TIME))
    report = stage.bar(150.0, rate_1e9=-12_345_678)
    assert (report.funding[0].amount_microusd, len(report.fills)) == (12_345, 1)
    assert stage.bar(150.0, rate_1e9=12_345_678) is None


def test_funding_settles_even_without_a_bar(stage: Any) -> None:
    stage.enter(Side.SELL, 100)
    report = stage.bar(150.0, has_bar=False, rate_1e9=12_345_678)
    assert (report.funding[0].amount_microusd, report.fills) == (12_345, ())


def leveraged(open_stage: Open, side: Side = Side.BUY, cash_usd: float = 1_000.0) -> Any:
    """Hold 100 SOL at 150 on so much cash: at 1,000 dollars a long is liquidated below 144.37 dollars or so."""
    stage = open_stage(starting_cash_usd=cash_usd)
    stage.enter(side, 10_000, plan=WIDE)
    return stage


def test_funding_paid_in_the_minute_counts_for_its_liquidation(open_stage: Open) -> None:
    assert leveraged(open_stage).bar(150.0, 150.0, 146.0) is None
    report = leveraged(open_stage).bar(150.0, 150.0, 146.0, rate_1e9=3 * 10**9)
    assert [payment.amount_microusd for payment in report.funding] == [-300_000_000]
    assert [fill.exit_reason for fill in report.fills] == [ExitReason.LIQUIDATION]


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_liquidation_begins_at_the_closed_form_and_not_before(open_stage: Open, side: Side) -> None:
    price = leveraged(open_stage, side).venue.liquidation_price("SOL-PERP")
    for offset, n_fills in ((0.005, 0), (-0.005, 1)):
        stage = leveraged(open_stage, side)
        edge = price + side * offset
        report = stage.bar(150.0, max(150.0, edge), min(150.0, edge), 150.0)
        assert (0 if report is None else len(report.fills)) == n_fills


def test_the_liquidator_takes_a_part_at_its_fee_and_leaves_a_healthy_account(open_stage: Open) -> None:
    stage = leveraged(open_stage)
    (fill,) = stage.bar(150.0, 150.0, 144.0, 144.0).fills
    assert fill.client_order_id.endswith("-liq-1")
    assert (fill.exit_reason, fill.side, fill.fee_microusd) == (ExitReason.LIQUIDATION, Side.SELL, 0)
    assert fill.price_ticks == 142_920
    assert fill.slippage_microusd == 1_080 * fill.size_lots * 10
    left = stage.venue.position_lots("SOL-PERP")
    assert 0 < left == 10_000 - fill.size_lots
    assert stage.venue.equity_microusd >= left * 144_000 * 10 * 0.05
    assert stage.bar(144.0) is None
    assert stage.bar(140.0).fills[0].client_order_id.endswith("-liq-2")


def test_when_a_part_cannot_help_the_whole_position_is_taken(open_stage: Open) -> None:
    stage = leveraged(open_stage)
    (fill,) = stage.bar(120.0).fills
    assert fill.size_lots == 10_000
    assert asyncio.run(stage.venue.account()).positions == ()
    assert stage.venue.cash_microusd < 0


def test_the_oracle_of_the_minute_decides_about_liquidation(open_stage: Open) -> None:
    def oracle(value: float, source: str = "sim", as_of_ms: int = 120_000) -> Reading:
        return Reading(value=value, source=source, as_of_ms=as_of_ms)

    assert leveraged(open_stage).bar(150.0, 150.0, 144.0, oracle=oracle(156.0)) is None
    (fill,) = leveraged(open_stage).bar(150.0, oracle=oracle(144.0)).fills
    assert fill.price_ticks == 142_920
    assert leveraged(open_stage).bar(150.0, oracle=oracle(144.0, as_of_ms=60_000)) is None
    assert leveraged(open_stage).bar(150.0, oracle=oracle(144.0, "drift_funding")) is None


def test_a_stop_beyond_the_liquidation_price_is_never_reached(open_stage: Open) -> None:
    stage = leveraged(open_stage)
    asyncio.run(stage.venue.protect("SOL-PERP", Levels(stop_ticks=143_000, target_ticks=200_000)))
    assert [fill.exit_reason for fill in stage.bar(150.0, 150.0, 142.0).fills] == [ExitReason.LIQUIDATION]
    stage = leveraged(open_stage)
    asyncio.run(stage.venue.protect("SOL-PERP", Levels(stop_ticks=145_000, target_ticks=200_000)))
    assert [fill.exit_reason for fill in stage.bar(150.0, 150.0, 142.0).fills] == [ExitReason.STOP]


def test_losses_elsewhere_count_for_liquidation(open_stage: Open) -> None:
    stage = leveraged(open_stage, cash_usd=2_000.0)
    stage.enter(Side.BUY, 2_000, 3_400.0, symbol="ETH-PERP", plan=WIDE)
    before = stage.venue.liquidation_price("SOL-PERP")
    stage.bar(3_000.0, symbol="ETH-PERP")
    after = stage.venue.liquidation_price("SOL-PERP")
    assert after == pytest.approx(before + (800.0 - 0.03 * 800.0) / 100.0 / 0.97, rel=1e-6)
    (fill,) = stage.bar(150.0, 150.0, after - 0.01, 150.0).fills
    assert (fill.symbol, fill.exit_reason) == ("SOL-PERP", ExitReason.LIQUIDATION)


MOVES = st.tuples(
    st.sampled_from(["SOL-PERP", "ETH-PERP"]),
    st.floats(min_value=0.97, max_value=1.03),
    st.floats(min_value=0.0, max_value=0.02),
    st.sampled_from([None, None, None, 10**8, -(10**8)]),
    st.sampled_from([None, None, 0.99, 1.01]),
)


@given(
    st.lists(MOVES, min_size=1, max_size=25),
    st.sampled_from([Side.BUY, Side.SELL]),
    st.sampled_from([Side.BUY, Side.SELL]),
    st.booleans(),
)
def test_the_shortcut_for_quiet_minutes_changes_no_answer(
    open_stage: Open, moves: list[Any], sol: Side, eth: Side, holds_both: bool
) -> None:
    """Two venues live the same minutes; in one of them every shortcut is switched off before each minute."""
    outcomes = []
    for is_shortcut_off in (False, True):
        stage = open_stage(starting_cash_usd=1_500.0, half_spread_bps=1.0)
        stage.enter(sol, 10_000, plan=WIDE)
        if holds_both:
            stage.enter(eth, 1_000, 3_400.0, symbol="ETH-PERP", plan=WIDE)
        price, reports = {"SOL-PERP": 150.0, "ETH-PERP": 3_400.0}, []
        for symbol, move, reach, rate_1e9, oracle_gap in moves:
            if is_shortcut_off:
                for held in stage.venue._account.holdings.values():
                    held.quiet_low, held.quiet_high = math.inf, -math.inf
                    held.safe_low, held.safe_high = math.inf, -math.inf
            opened, price[symbol] = price[symbol], price[symbol] * move
            low, high = sorted((opened, price[symbol]))
            readings = {}
            if oracle_gap is not None:
                value = price[symbol] * oracle_gap
                readings["oracle"] = Reading(value=value, source="sim", as_of_ms=(stage.minute + 1) * 60_000)
            reports.append(
                stage.bar(
                    opened,
                    high * (1 + reach),
                    low * (1 - reach),
                    price[symbol],
                    symbol=symbol,
                    rate_1e9=rate_1e9,
                    **readings,
                )
            )
        outcomes.append((reports, asyncio.run(stage.venue.account()), stage.venue.equity_microusd))
    assert outcomes[0] == outcomes[1]
