import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.luck.odds import probabilistic_sharpe_frac
from backtest.luck.returns import ReturnShape
from backtest.luck.trials import (
    Trials,
    deflated_sharpe_frac,
    expected_maximum,
    lucky_sharpe,
    mean_correlation,
    min_backtest_days,
    n_independent_of,
    null_variance,
    trials_of,
)

COUNTS = st.floats(min_value=1, max_value=1e18)


@pytest.mark.parametrize(("n_trials", "true"), [(10, 1.53875), (100, 2.50759), (1_000, 3.24144)])
def test_the_expected_maximum_is_near_the_tables_of_order_statistics(n_trials: int, true: float) -> None:
    assert expected_maximum(n_trials) == pytest.approx(true, rel=0.025)


@given(COUNTS, COUNTS)
def test_more_trials_find_more_luck(one: float, other: float) -> None:
    few, many = sorted((one, other))
    assert 0.0 <= expected_maximum(few) <= expected_maximum(many)


def test_a_single_trial_has_no_luck_of_choice() -> None:
    assert expected_maximum(1) == 0.0


@pytest.mark.parametrize(
    ("n_trials", "skew", "kurtosis", "deflated"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_the_published_example_of_the_deflated_sharpe_ratio_is_met(
    n_trials: int, skew: float, kurtosis: float, deflated: float
) -> None:
    """Bailey & Lopez de Prado 2014, numerical example: a yearly Sharpe ratio of 2.5 over 1,250 days, 250 a year.

    The trials' yearly Sharpe ratios have a variance of 1/2. With 100 trials luck gives 0.1132 a day.
    """
    shape = ReturnShape(n_days=1_250, sharpe=2.5 / math.sqrt(250), skew=skew, kurtosis=kurtosis)
    assert deflated_sharpe_frac(shape, n_trials, 0.5 / 250) == pytest.approx(deflated, abs=6e-4)
    assert lucky_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)


@given(st.floats(min_value=-1, max_value=1), COUNTS, COUNTS, st.floats(min_value=0, max_value=1))
def test_deflation_never_raises_the_odds_and_grows_with_the_trials(
    sharpe: float, one: float, other: float, variance: float
) -> None:
    shape = ReturnShape(n_days=365, sharpe=sharpe)
    few, many = sorted((one, other))
    by_few, by_many = (deflated_sharpe_frac(shape, count, variance) for count in (few, many))
    assert by_many <= by_few <= probabilistic_sharpe_frac(shape)
    assert deflated_sharpe_frac(shape, 1, variance) == probabilistic_sharpe_frac(shape)


def test_five_years_bear_no_more_than_forty_five_trials() -> None:
    """Bailey, Borwein, Lopez de Prado & Zhu 2014: beyond 45 trials, five years show a Sharpe ratio of 1 by luck."""
    at_45, at_50 = min_backtest_days(45, 1.0), min_backtest_days(50, 1.0)
    assert at_45 is not None
    assert at_50 is not None
    assert at_45 < 5 * 365 < at_50


@given(st.integers(2, 10**9), st.floats(min_value=0.1, max_value=10))
def test_the_needed_backtest_is_below_the_papers_bound(n_trials: int, annual_sharpe: float) -> None:
    days = min_backtest_days(n_trials, annual_sharpe)
    assert days is not None
    assert days < 365 * 2 * math.log(n_trials) / annual_sharpe**2
    # By its definition luck alone then shows exactly this Sharpe ratio.
    assert lucky_sharpe(n_trials, 365 / days) == pytest.approx(annual_sharpe)


def test_no_length_is_enough_for_a_loss() -> None:
    assert min_backtest_days(10, 0.0) is None
    assert min_backtest_days(10, -1.0) is None


def test_the_spread_of_sharpes_without_edge_is_that_of_the_formula() -> None:
    returns = np.random.default_rng(5).normal(size=(100, 20_000))
    sharpes = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    assert sharpes.var() == pytest.approx(null_variance(100), rel=0.05)


def test_the_mean_correlation_is_that_of_the_whole_matrix() -> None:
    rng = np.random.default_rng(2)
    returns = rng.normal(size=(50, 1)) + rng.normal(size=(50, 7))
    pairs = np.corrcoef(returns.T)[np.triu_indices(7, 1)]
    assert mean_correlation(returns) == pytest.approx(pairs.mean())
    idle = np.zeros((50, 2))
    assert mean_correlation(np.hstack([returns, idle])) == pytest.approx(pairs.mean())
    assert mean_correlation(idle) is None


def test_copies_are_one_trial_and_strangers_are_all_of_them() -> None:
    assert (n_independent_of(100, 1.0), n_independent_of(100, 0.0), n_independent_of(100, -0.5)) == (1.0, 100.0, 100.0)
    assert n_independent_of(101, 0.5) == 51.0


def test_a_search_is_summed_up_with_its_idle_trials_counted() -> None:
    same = np.tile(np.random.default_rng(1).normal(size=(40, 1)), 5)
    trials = trials_of(np.array([0.1, 0.3, math.nan, 0.2]), same)
    assert (trials.n_trials, trials.sharpe_variance) == (4, pytest.approx(0.01))
    assert trials.n_independent == pytest.approx(1.0)
    assert trials_of(np.array([0.1])) == Trials(n_trials=1)


def test_impossible_trials_are_refused() -> None:
    for wrong in ({"n_trials": 0}, {"n_trials": 2, "n_independent": 3.0}, {"n_trials": 2, "sharpe_variance": -1.0}):
        with pytest.raises(ValueError, match="trials|variance"):
            Trials(**wrong)
    with pytest.raises(ValueError, match="largest"):
        expected_maximum(0.5)
