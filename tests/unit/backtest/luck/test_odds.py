import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backtest.luck.odds import min_track_record_days, probabilistic_sharpe_frac
from backtest.luck.returns import ReturnShape

SHAPES = st.builds(
    lambda n_days, sharpe, skew, excess: ReturnShape(
        n_days=n_days, sharpe=sharpe, skew=skew, kurtosis=1 + skew * skew + excess
    ),
    st.integers(2, 5_000),
    st.floats(min_value=-1, max_value=1),
    st.floats(min_value=-3, max_value=3),
    st.floats(min_value=0.1, max_value=20),
)
BENCHMARKS = st.floats(min_value=-1, max_value=1)


def test_the_published_hedge_fund_is_less_certain_than_it_looks() -> None:
    """Bailey & Lopez de Prado 2012: a monthly Sharpe ratio of 0.458 over 24 months, skew -2.448, kurtosis 10.164.

    Normal: 0.458 * sqrt(23) / sqrt(1 + 0.5 * 0.458^2) = 2.0896, so 0.982. As it was: the root is of 1 + 1.1212 +
    0.4806 = 2.6017, so 2.1965 / 1.6130 = 1.3618 and 0.913.
    """
    plain = ReturnShape(n_days=24, sharpe=0.458)
    crooked = ReturnShape(n_days=24, sharpe=0.458, skew=-2.448, kurtosis=10.164)
    assert probabilistic_sharpe_frac(plain) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe_frac(crooked) == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(
    ("periods", "skew", "kurtosis", "years"),
    [(252, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_published_lengths_of_a_track_record_are_met(
    periods: int, skew: float, kurtosis: float, years: float
) -> None:
    """The same paper: how long a yearly Sharpe ratio of 2 must last to be above 1 with 95 %."""
    shape = ReturnShape(n_days=100, sharpe=2 / math.sqrt(periods), skew=skew, kurtosis=kurtosis)
    needed = min_track_record_days(shape, 1 / math.sqrt(periods), 0.95)
    assert needed is not None
    assert needed / periods == pytest.approx(years, abs=6e-3)


def test_a_sharpe_at_its_benchmark_is_a_coin() -> None:
    assert probabilistic_sharpe_frac(ReturnShape(n_days=100, sharpe=0.1), 0.1) == 0.5


@given(SHAPES, BENCHMARKS, BENCHMARKS)
def test_the_odds_fall_with_the_benchmark(shape: ReturnShape, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= probabilistic_sharpe_frac(shape, high) <= probabilistic_sharpe_frac(shape, low) <= 1.0


@given(SHAPES, BENCHMARKS)
def test_the_needed_length_is_where_the_odds_reach_the_confidence(shape: ReturnShape, benchmark: float) -> None:
    needed = min_track_record_days(shape, benchmark, 0.95)
    if shape.sharpe <= benchmark:
        assert needed is None
    elif needed is not None and 2 <= needed < 10**9:
        reached = probabilistic_sharpe_frac(replace(shape, n_days=math.ceil(needed) + 1), benchmark)
        missed = probabilistic_sharpe_frac(replace(shape, n_days=max(math.floor(needed) - 1, 2)), benchmark)
        assert reached >= 0.95
        assert missed < 0.95 or needed < 3


@pytest.mark.parametrize("confidence_frac", [0.49, 1.0, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence_frac: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        min_track_record_days(ReturnShape(n_days=10, sharpe=0.1), 0.0, confidence_frac)
