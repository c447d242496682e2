import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.funding import MAX_FUNDING_BASE_1E9, funding_payment_microusd, hourly_funding_rate_1e9

QUICK = settings(deadline=None, max_examples=300)
PRICE_1E6 = st.integers(1, 4 * 10**15)
WIDE = st.integers(-MAX_FUNDING_BASE_1E9, MAX_FUNDING_BASE_1E9)


def towards_zero(numerator: int, denominator: int) -> int:
    return abs(numerator) // denominator * (1 if numerator >= 0 else -1)


@QUICK
@given(mark=PRICE_1E6, oracle=PRICE_1E6, offset=st.sampled_from((3_333, 5_000)), clamp=st.sampled_from((33, 20, 10)))
def test_the_rate_is_the_formula_in_unbounded_integers(mark: int, oracle: int, offset: int, clamp: int) -> None:
    limit = oracle // clamp
    gap = min(limit, max(-limit, mark - oracle + oracle // offset))
    assert hourly_funding_rate_1e9(mark, oracle, offset, clamp) == towards_zero(gap * 1_000, 24)


@QUICK
@given(rate=WIDE, lots=st.integers(-(10**9), 10**9), lot_size=st.sampled_from((100_000, 1_000_000, 10_000_000, 10**9)))
def test_a_payment_is_the_formula_in_unbounded_integers(rate: int, lots: int, lot_size: int) -> None:
    exact = towards_zero(-rate * lots * lot_size, 10**12)
    if abs(exact) < 2**63:
        assert funding_payment_microusd(rate, lots, lot_size) == exact


@QUICK
@given(rate=WIDE, base=WIDE)
def test_a_payment_is_exact_up_to_the_largest_base(rate: int, base: int) -> None:
    rate = rate // 10**10
    assert funding_payment_microusd(rate, base, 1) == towards_zero(-rate * base, 10**12)


@QUICK
@given(rate=st.integers(-(10**12), 10**12), lots=st.integers(-(10**7), 10**7))
def test_what_a_long_pays_a_short_of_the_same_size_receives(rate: int, lots: int) -> None:
    assert funding_payment_microusd(rate, lots, 10**7) == -funding_payment_microusd(rate, -lots, 10**7)


def test_a_long_pays_when_the_rate_is_positive() -> None:
    assert funding_payment_microusd(2_500_000, 150, 10**7) == -3_750


@pytest.mark.parametrize(("mark", "expected"), [(180_000_000, 1_500_000), (400_000_000, 227_272_708)])
def test_a_perpetual_at_its_oracle_costs_the_offset_and_a_runaway_one_the_clamp(mark: int, expected: int) -> None:
    assert hourly_funding_rate_1e9(mark, 180_000_000, 5_000, 33) == expected


def test_a_negative_rate_is_cut_towards_zero_not_down() -> None:
    assert hourly_funding_rate_1e9(99_979_999, 100_000_000, 5_000, 33) == -41
