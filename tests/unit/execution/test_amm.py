"""The curve's price: dearer the more is asked, and refusing what it does not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.amm import Curve, curve_quote_microusd

CURVE = Curve(sqrt_k=500_000 * 10**9, quote_reserve=500_000 * 10**9, peg=100_000_000, long_spread=250, short_spread=250)
BASE = st.integers(min_value=10**7, max_value=10**13)


def test_one_unit_costs_the_peg_and_the_side_s_spread() -> None:
    """Half of it moves the reserve, and the price is the square of the reserve: 250 millionths on each side."""
    assert curve_quote_microusd(CURVE, 1, 10**9) == pytest.approx(100_025_200, abs=10)
    assert curve_quote_microusd(CURVE, -1, 10**9) == pytest.approx(99_974_800, abs=10)


def test_without_a_spread_the_curve_takes_no_more_than_its_roundings() -> None:
    flat = Curve(sqrt_k=10**18, quote_reserve=10**18, peg=100_000_000, long_spread=0, short_spread=0)
    paid, received = curve_quote_microusd(flat, 1, 10**6), curve_quote_microusd(flat, -1, 10**6)
    assert 0 < paid - received <= 3


@given(BASE, BASE)
def test_the_more_is_asked_the_dearer_each_unit(first: int, second: int) -> None:
    small, large = sorted((first, second))
    assert curve_quote_microusd(CURVE, 1, small) <= curve_quote_microusd(CURVE, 1, large)
    assert curve_quote_microusd(CURVE, 1, small) * large <= (curve_quote_microusd(CURVE, 1, large) + 2) * small * 1.001
    assert curve_quote_microusd(CURVE, -1, small) < curve_quote_microusd(CURVE, 1, small)


def test_more_than_the_curve_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="more base than the curve holds"):
        curve_quote_microusd(CURVE, 1, 500_000 * 10**9)


def test_an_empty_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty"):
        Curve(sqrt_k=0, quote_reserve=1, peg=1, long_spread=0, short_spread=0)
