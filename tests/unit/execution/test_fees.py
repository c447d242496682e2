"""Fees are the venue's schedule to the micro-dollar, rounded against the one who pays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.fees import N_FEE_TIERS, fee, maker_rebate_microusd, taker_fee_microusd

AMOUNTS = st.integers(min_value=0, max_value=10**15)


def test_ten_thousand_dollars_at_each_tier_cost_what_the_schedule_says() -> None:
    bps = [taker_fee_microusd(10_000_000_000, tier) / 1_000_000 for tier in range(N_FEE_TIERS)]
    assert bps == [3.5, 3.0, 2.75, 2.5, 2.25, 2.0]
    assert maker_rebate_microusd(10_000_000_000) == 250_000


def test_the_smallest_trade_still_pays_and_earns_nothing() -> None:
    assert taker_fee_microusd(1, 0) == 1
    assert maker_rebate_microusd(1) == 0
    assert maker_rebate_microusd(39_999) == 0
    assert maker_rebate_microusd(40_000) == 1


@given(AMOUNTS, st.integers(min_value=1, max_value=1_000), st.integers(min_value=1, max_value=200_000))
def test_a_fee_is_the_exact_quotient_rounded_up(quote: int, numerator: int, denominator: int) -> None:
    paid = fee(quote, numerator, denominator)
    assert (paid - 1) * denominator < quote * numerator <= paid * denominator


@pytest.mark.parametrize("tier", [-1, N_FEE_TIERS])
def test_a_tier_that_does_not_exist_is_refused(tier: int) -> None:
    with pytest.raises(ValueError, match="tiers are 0 to 5"):
        taker_fee_microusd(1_000_000, tier)
