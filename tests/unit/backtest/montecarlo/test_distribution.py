"""Quantiles and odds with their standard errors, against formulas of their own."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.montecarlo.distribution import distribution, odds


def test_quantile_errors_are_the_asymptotic_ones_for_a_normal_sample() -> None:
    """The standard error of a quantile tends to sqrt(p (1 - p) / n) / density; the density of a normal is known."""
    n_paths, normal = 100_000, NormalDist()
    found = distribution("return_frac", np.random.default_rng(3).standard_normal(n_paths), 0.0)
    for quantile in found.quantiles:
        level, exact = quantile.level_frac, normal.inv_cdf(quantile.level_frac)
        error = math.sqrt(level * (1 - level) / n_paths) / normal.pdf(exact)
        assert quantile.standard_error == pytest.approx(error, rel=0.25)
        assert abs(quantile.value - exact) < 4 * error
    assert found.mean_standard_error == pytest.approx(1 / math.sqrt(n_paths), rel=0.02)
    assert found.rank_frac == pytest.approx(0.5, abs=0.01)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), actual=st.floats(-1e6, 1e6))
def test_quantiles_are_ordered_errors_are_not_negative_and_a_rank_is_a_share(
    values: list[float], actual: float
) -> None:
    found = distribution("return_frac", np.array(values), actual)
    told = [quantile.value for quantile in found.quantiles]
    assert told == sorted(told)
    assert min(values) <= told[0] <= told[-1] <= max(values)
    assert all(quantile.standard_error >= 0.0 for quantile in found.quantiles)
    assert 0.0 <= found.rank_frac <= 1.0


def test_ties_with_the_run_count_half() -> None:
    assert distribution("return_frac", np.array([1.0, 2.0, 2.0, 3.0]), 2.0).rank_frac == 0.5


def test_an_event_that_never_happened_is_bounded_and_not_called_impossible() -> None:
    """Wilson's interval for 0 of n ends at z² / (n + z²), here 4 / 104."""
    found = odds("ruined", np.zeros(100, dtype=bool), has_happened=False)
    assert (found.frac, found.standard_error) == (0.0, 0.0)
    assert found.at_most_frac == pytest.approx(4 / 104)
    assert odds("ruined", np.ones(100, dtype=bool), has_happened=True).at_most_frac == pytest.approx(1.0)


def test_the_error_of_a_share_is_the_binomial_one() -> None:
    assert odds("loses", np.arange(400) < 100, has_happened=False).standard_error == pytest.approx(math.sqrt(3) / 80)
