"""The fit finds what can be known in closed form, agrees with another optimiser, and says when it found nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from gate.metalabel.fit import chances, fit_logistic


def drawn(n=400, d=4, seed=1):
    random = np.random.default_rng(seed)
    columns = random.normal(size=(n, d))
    truth = random.normal(size=d)
    wins = (random.random(n) < 1 / (1 + np.exp(-(columns @ truth + 0.3)))).astype(float)
    return columns, wins, random.uniform(0.1, 1.0, size=n)


def test_one_mark_without_penalty_has_the_log_odds_of_its_two_groups():
    """A saturated model: 30 of 40 won with the mark, 20 of 60 without it."""
    mark = np.array([1.0] * 40 + [0.0] * 60)
    wins = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 20 + [0.0] * 40)
    found = fit_logistic(mark[:, np.newaxis], wins, np.ones(100), penalty=0.0)
    assert found.has_converged
    assert found.intercept == pytest.approx(math.log(20 / 40), abs=1e-12)
    assert found.slopes[0] == pytest.approx(math.log(30 / 10) - math.log(20 / 40), abs=1e-12)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 100.0])
def test_another_optimiser_finds_no_lower_loss_and_the_same_place(penalty):
    columns, wins, weights = drawn()

    def loss(beta):
        log_odds = beta[0] + columns @ beta[1:]
        misfit = weights @ (np.logaddexp(0.0, log_odds) - wins * log_odds)
        return misfit + penalty / 2 * beta[1:] @ beta[1:]

    other = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-7})
    found = fit_logistic(columns, wins, weights, penalty)
    assert found.has_converged
    assert [found.intercept, *found.slopes] == pytest.approx(list(other.x), abs=1e-5)
    assert loss(np.array([found.intercept, *found.slopes])) <= other.fun + 1e-9


@given(seed=st.integers(0, 10_000), penalty=st.floats(0.01, 1_000.0))
def test_the_intercept_keeps_the_weighted_share_of_wins_whatever_the_penalty(seed, penalty):
    columns, wins, weights = drawn(n=120, d=3, seed=seed)
    found = fit_logistic(columns, wins, weights, penalty)
    fitted = chances(found.intercept + columns @ np.array(found.slopes))
    assert found.has_converged
    assert np.average(fitted, weights=weights) == pytest.approx(np.average(wins, weights=weights), abs=1e-9)


def test_a_weight_of_two_is_two_of_the_same():
    columns, wins, _ = drawn(n=100)
    twice = fit_logistic(np.vstack([columns, columns[:50]]), np.concatenate([wins, wins[:50]]), np.ones(150), 1.0)
    weighted = fit_logistic(columns, wins, np.repeat([2.0, 1.0], 50), 1.0)
    assert weighted.slopes == pytest.approx(twice.slopes, abs=1e-9)


def test_classes_that_a_line_parts_have_no_answer_without_a_penalty_and_the_fit_says_so():
    column = np.linspace(-1.0, 1.0, 40)[:, np.newaxis]
    wins = (column[:, 0] > 0).astype(float)
    assert not fit_logistic(column, wins, np.ones(40), penalty=0.0).has_converged
    assert fit_logistic(column, wins, np.ones(40), penalty=1.0).has_converged


def test_two_equal_columns_have_no_answer_without_a_penalty_and_share_one_with_it():
    columns, wins, weights = drawn(d=1)
    double = np.hstack([columns, columns])
    assert not fit_logistic(double, wins, weights, penalty=0.0).has_converged
    found = fit_logistic(double, wins, weights, penalty=1.0)
    assert found.slopes[0] == pytest.approx(found.slopes[1])


def test_the_same_data_give_the_same_bits():
    assert fit_logistic(*drawn(), 1.0) == fit_logistic(*drawn(), 1.0)
