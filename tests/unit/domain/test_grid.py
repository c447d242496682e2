"""Every rounding of the house: exact on the grid, never more than a step off it, always the way it says."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain import grid

STEPS = st.sampled_from([0.001, 0.01, 0.1, 0.0001, 1.0])
WHOLE = st.integers(1, 10**8)


@given(steps=WHOLE, step=STEPS)
def test_an_amount_that_lies_on_the_grid_stays_where_it_is_however_it_is_rounded(steps: int, step: float) -> None:
    amount = steps * step
    assert grid.steps_nearest(amount, step) == steps
    assert grid.steps_down(amount, step) == steps
    assert grid.steps_up(amount, step) == steps
    assert grid.steps_worse(amount, step, 1) == grid.steps_worse(amount, step, -1) == steps


@given(amount=st.floats(0.01, 1e6), step=STEPS)
def test_down_nearest_and_up_stand_in_that_order_and_within_one_step(amount: float, step: float) -> None:
    down, nearest, up = grid.steps_down(amount, step), grid.steps_nearest(amount, step), grid.steps_up(amount, step)
    assert down <= nearest <= up <= down + 1
    assert abs(nearest - amount / step) <= 0.5 + 1e-6


@given(amount=st.floats(0.01, 1e6), step=STEPS)
def test_a_price_is_rounded_against_the_one_who_trades(amount: float, step: float) -> None:
    assert grid.steps_worse(amount, step, 1) == grid.steps_up(amount, step)
    assert grid.steps_worse(amount, step, -1) == grid.steps_down(amount, step)


@given(high=st.floats(100, 200), low=st.floats(50, 100), close=st.floats(50, 200), step=STEPS)
def test_a_bar_is_rounded_as_its_prices_one_by_one(high: float, low: float, close: float, step: float) -> None:
    one_by_one = tuple(grid.steps_nearest(price, step) for price in (high, low, close))
    assert grid.bar_steps(high, low, close, step) == one_by_one


@given(numerator=st.integers(-(10**15), 10**15), denominator=st.integers(1, 10**9))
def test_integer_division_goes_the_way_its_name_says(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert grid.divide_towards_zero(numerator, denominator) == math.trunc(exact)
    if numerator >= 0:
        assert grid.divide_up(numerator, denominator) == math.ceil(exact)
