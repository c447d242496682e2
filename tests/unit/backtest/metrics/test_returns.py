import math

import empyrical
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.metrics.returns import (
    YEAR_MS,
    annual_growth_frac,
    annual_sharpe,
    annual_sortino,
    annual_volatility_frac,
    daily_closes,
    daily_returns,
)
from backtest.outcome import EquityCurve
from domain.market import DAY_MS, MINUTE_MS

SERIES = st.lists(st.floats(min_value=-0.2, max_value=0.2).map(lambda x: round(x, 6)), min_size=2, max_size=60)


def test_a_day_ends_with_the_minute_that_closes_at_midnight() -> None:
    close_ms = np.array([DAY_MS - MINUTE_MS, DAY_MS, DAY_MS + MINUTE_MS, 2 * DAY_MS])
    assert daily_closes(close_ms, np.array([1, 2, 3, 4])).tolist() == [2, 4]


def test_a_day_without_a_minute_repeats_the_day_before() -> None:
    close_ms = np.array([MINUTE_MS, 3 * DAY_MS + MINUTE_MS])
    assert daily_closes(close_ms, np.array([7, 9])).tolist() == [7, 7, 7, 9]


@given(st.lists(st.integers(min_value=1, max_value=3_000), min_size=1, max_size=200))
def test_where_no_day_is_missing_the_closes_are_those_of_the_curve(steps: list[int]) -> None:
    close_ms = np.cumsum(np.array(steps)) * MINUTE_MS
    curve = EquityCurve(close_ms=close_ms, equity_microusd=np.arange(len(steps)), starting_microusd=1)
    days, closes = curve.daily()
    filled = daily_closes(curve.close_ms, curve.equity_microusd)
    assert len(filled) == days[-1] - days[0] + 1
    assert filled[days - days[0]].tolist() == closes.tolist()
    assert set(filled.tolist()) <= set(closes.tolist())


def test_the_first_return_is_against_the_starting_equity() -> None:
    assert daily_returns(100, np.array([110, 99])).tolist() == [0.1, -0.1]


def test_returns_of_two_days_give_the_figures_worked_out_by_hand() -> None:
    """Returns 3 % and -1 %: mean 1 %, deviations ±2 %, so sd (ddof 1) = sqrt(2 * 0.0004 / 1) = 0.0282843.

    Sharpe = 0.01 / 0.0282843 * sqrt(365) = 0.3535534 * 19.1049732 = 6.7546280.
    Downside deviation = sqrt(0.0001 / 2) = 0.0070711; Sortino = 0.01 / 0.0070711 * 19.1049732 = 27.0185122.
    """
    returns = np.array([0.03, -0.01])
    assert annual_volatility_frac(returns) == pytest.approx(0.0282842712 * 19.1049731745)
    assert annual_sharpe(returns) == pytest.approx(6.7546280, abs=1e-6)
    assert annual_sortino(returns) == pytest.approx(27.0185122, abs=1e-6)


def test_ten_percent_in_a_tenth_of_a_year_is_ten_times_compounded() -> None:
    assert annual_growth_frac(100, 110, YEAR_MS // 10) == pytest.approx(1.1**10 - 1)
    assert annual_growth_frac(100, 50, 2 * YEAR_MS) == pytest.approx(math.sqrt(0.5) - 1)
    assert annual_growth_frac(100, 0, YEAR_MS) == -1.0


def test_growth_without_meaning_or_beyond_any_number_is_undefined() -> None:
    for start, final, span_ms in ((0, 5, YEAR_MS), (5, -1, YEAR_MS), (5, 5, 0), (1, 1_000, MINUTE_MS)):
        assert math.isnan(annual_growth_frac(start, final, span_ms))


@pytest.mark.parametrize("returns", [[], [0.01], [0.0, 0.0, 0.0], [0.1, 0.1, 0.1]])
def test_without_two_days_or_without_variance_there_is_no_sharpe(returns: list[float]) -> None:
    assert math.isnan(annual_sharpe(np.array(returns)))


def test_without_a_losing_day_there_is_no_sortino() -> None:
    assert math.isnan(annual_sortino(np.array([0.0, 0.1, 0.2])))


def test_one_return_without_meaning_leaves_no_figure() -> None:
    returns = daily_returns(100, np.array([50, 0, 10]))
    for figure in (annual_sharpe, annual_sortino, annual_volatility_frac):
        assert math.isnan(figure(returns))


@given(SERIES)
def test_the_figures_are_those_of_empyrical_on_the_same_series(series: list[float]) -> None:
    """Same conventions on both sides: 365 days, ddof 1, no rate without risk, downside over all days."""
    returns = np.array(series)
    reference = {"annualization": 365}
    assert annual_volatility_frac(returns) == pytest.approx(empyrical.annual_volatility(returns, **reference))
    if np.std(returns) > 1e-9:
        assert annual_sharpe(returns) == pytest.approx(empyrical.sharpe_ratio(returns, **reference))
    if (returns < 0).any():
        assert annual_sortino(returns) == pytest.approx(empyrical.sortino_ratio(returns, **reference))
    final = float(np.prod(1 + returns))
    ours = annual_growth_frac(10**12, round(final * 10**12), len(returns) * DAY_MS)
    if not math.isnan(ours):
        assert 1 + ours == pytest.approx(1 + empyrical.annual_return(returns, **reference), rel=1e-6)


@given(SERIES, st.floats(min_value=0.01, max_value=10))
def test_ratios_do_not_change_with_the_size_of_the_bet(series: list[float], leverage: float) -> None:
    returns = np.array(series)
    for figure in (annual_sharpe, annual_sortino):
        assert figure(returns * leverage) == pytest.approx(figure(returns), rel=1e-6, nan_ok=True)
    assert annual_volatility_frac(returns * leverage) == pytest.approx(annual_volatility_frac(returns) * leverage)
