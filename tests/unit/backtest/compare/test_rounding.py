from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.compare.rounding import MICROUSD_PER_CENT, cents_of, cents_that_add_up

MONEY = st.integers(-(10**13), 10**13)


@given(microusd=MONEY)
def test_cents_are_rounded_as_decimal_rounds_halves_to_even(microusd: int) -> None:
    assert cents_of(microusd) == int((Decimal(microusd) / MICROUSD_PER_CENT).quantize(Decimal(1), ROUND_HALF_EVEN))


@given(column=st.lists(MONEY, min_size=1, max_size=12))
def test_a_column_adds_up_as_printed_and_no_row_is_off_by_a_cent(column: list[int]) -> None:
    total_cents = cents_of(sum(column))
    cents = cents_that_add_up(column, total_cents)
    assert sum(cents) == total_cents
    assert all(
        abs(cent * MICROUSD_PER_CENT - exact) < MICROUSD_PER_CENT for cent, exact in zip(cents, column, strict=True)
    )


def test_three_thirds_of_a_dollar_print_as_a_dollar() -> None:
    """33.3333 cents each: one cent is left over, and the first of the equal remainders takes it."""
    assert cents_that_add_up([333_333, 333_333, 333_334], 100) == (33, 33, 34)


@given(column=st.lists(MONEY, min_size=1, max_size=5), off=st.integers(-9, 9))
def test_a_total_that_rounded_otherwise_is_carried_too(column: list[int], off: int) -> None:
    total_cents = cents_of(sum(column)) + off
    assert sum(cents_that_add_up(column, total_cents)) == total_cents


def test_a_total_of_nothing_is_refused() -> None:
    assert cents_that_add_up([], 0) == ()
    with pytest.raises(ValueError, match="no amount can carry 1 cents"):
        cents_that_add_up([], 1)
