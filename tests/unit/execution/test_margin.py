"""Margin figures: the closed form, its meaning, and a liquidation that restores the account."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.margin import (
    free_collateral_microusd,
    liquidation_lots,
    liquidation_price,
    margin_requirement_microusd,
    margin_usage_frac,
)

LOTS = st.integers(min_value=1, max_value=1_000_000)
TICKS = st.integers(min_value=1_000, max_value=1_000_000)
UNIT = 10


def test_five_percent_of_a_position_rounds_up() -> None:
    assert margin_requirement_microusd(1_000_000, 500) == 50_000
    assert margin_requirement_microusd(-1_000_001, 500) == 50_001


def test_free_collateral_is_never_negative_and_usage_of_nothing_is_zero() -> None:
    assert free_collateral_microusd(100, 30) == 70
    assert free_collateral_microusd(100, 300) == 0
    assert margin_usage_frac(100, 50) == 0.5
    assert margin_usage_frac(-1, 0) == 0.0
    assert math.isinf(margin_usage_frac(0, 50))


def test_the_recorded_liquidation_of_a_hundred_base_units_is_met_exactly() -> None:
    """The program refused half a cent above 92.9145 and liquidated half a cent below; C + Q is solved back from it."""
    maintenance_frac, base = 0.03, 100.0
    collateral_and_quote = 92.9145 * base * (maintenance_frac - 1.0)
    price = liquidation_price(1_000.0, collateral_and_quote - 1_000.0, base, maintenance_frac)
    assert price == pytest.approx(92.9145, abs=1e-9)

    def is_below_maintenance(oracle: float) -> bool:
        return collateral_and_quote + base * oracle < maintenance_frac * base * oracle

    assert not is_below_maintenance(price + 0.005)
    assert is_below_maintenance(price - 0.005)


def test_a_short_is_liquidated_above_its_entry() -> None:
    price = liquidation_price(500.0, 10_000.0, -100.0, 0.03)
    assert price == pytest.approx(10_500.0 / 103.0)
    assert price > 100.0


def test_a_long_paid_in_full_is_never_liquidated() -> None:
    assert liquidation_price(20_000.0, -10_000.0, 100.0, 0.03) == 0.0


@given(LOTS, TICKS, st.sampled_from([1, -1]), st.floats(min_value=0.01, max_value=0.9))
def test_equity_equals_the_requirement_at_the_liquidation_price(
    lots: int, entry: int, side: int, collateral_frac: float
) -> None:
    base = float(side * lots * UNIT)
    collateral, quote = collateral_frac * lots * UNIT * entry, -base * entry
    price = liquidation_price(collateral, quote, base, 0.03)
    assert price > 0.0
    assert collateral + quote + base * price == pytest.approx(0.03 * abs(base) * price, rel=1e-6, abs=1e-3)


@given(LOTS, TICKS, st.integers(min_value=-300, max_value=299), st.integers(min_value=0, max_value=200))
def test_what_the_liquidator_takes_is_enough_and_one_lot_less_is_not(
    lots: int, price: int, equity_bps: int, fee_bps: int
) -> None:
    margin_bps = 300
    fill = max(1, price - math.ceil(price * fee_bps / 10_000))
    equity = lots * price * UNIT * equity_bps // 10_000
    shortage = margin_requirement_microusd(lots * price * UNIT, margin_bps) - equity
    if shortage <= 0:
        return
    taken = liquidation_lots(shortage, lots, price, fill, margin_bps, UNIT)
    assert 1 <= taken <= lots

    def shortage_after(n: int) -> int:
        requirement = margin_requirement_microusd((lots - n) * price * UNIT, margin_bps)
        return requirement - (equity - n * (price - fill) * UNIT)

    if taken < lots:
        assert shortage_after(taken) <= 0
    if taken > 1:
        assert shortage_after(taken - 1) > -1


def test_a_fee_larger_than_the_margin_takes_everything() -> None:
    assert liquidation_lots(1, 1_000, 100_000, 90_000, 300, UNIT) == 1_000
