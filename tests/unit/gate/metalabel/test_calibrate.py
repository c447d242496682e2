"""A calibrated chance keeps its word, few scores leave it at the base rate, and a score that misled is not believed."""

import math

import numpy as np
import pytest

from gate.metalabel.calibrate import LEAST_OF_EACH, calibration_of


def scored(n, believed=1.0, base=0.0, seed=3):
    """Return scores, wins, and the chances they were drawn with: log-odds base + believed * score."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=n)
    chance = 1 / (1 + np.exp(-(base + believed * scores)))
    return scores, (random.random(n) < chance).astype(float), chance


@pytest.mark.parametrize(("believed", "base"), [(1.0, 0.0), (0.3, -0.5), (2.5, 0.4)])
def test_many_scores_show_how_far_they_are_to_be_believed(believed, base):
    scores, wins, _ = scored(20_000, believed, base)
    found = calibration_of(scores, wins, np.ones(20_000), 0.5)
    assert found.slope == pytest.approx(believed, rel=0.08)
    assert found.intercept == pytest.approx(base, abs=0.06)
    assert found.n_scored == 20_000


def test_too_few_of_a_kind_leave_the_base_rate():
    wins = np.array([1.0] * (LEAST_OF_EACH - 1) + [0.0] * 500)
    found = calibration_of(np.linspace(5, -5, len(wins)), wins, np.ones(len(wins)), 0.42)
    assert found.n_scored == 0
    assert {found.chance_frac(score) for score in (-9.0, 0.0, 9.0)} == {0.42}


def test_no_scores_at_all_leave_the_base_rate():
    none = np.array([])
    assert calibration_of(none, none, none, 0.42).chance_frac(3.0) == 0.42


def test_the_fewer_the_scores_the_nearer_to_the_base_rate():
    weak = [calibration_of(*scored(n)[:2], np.ones(n), 0.5).slope for n in (60, 4_000)]
    free = 1.0
    assert abs(weak[1] - free) < 0.15
    scores, wins, _ = scored(60)
    assert weak[0] < calibration_of(np.tile(scores, 100), np.tile(wins, 100), np.ones(6_000), 0.5).slope


def test_a_score_that_misled_is_not_turned_round():
    scores, wins, _ = scored(2_000, believed=-1.0, base=0.3)
    found = calibration_of(scores, wins, np.ones(2_000), 0.5)
    assert found.slope == 0.0
    assert found.chance_frac(4.0) == found.chance_frac(-4.0) == pytest.approx(wins.mean(), abs=1e-6)


@pytest.mark.parametrize("score", [-1e6, 1e6, 0.0])
def test_the_chance_stays_a_chance_at_any_score(score):
    scores, wins, _ = scored(500)
    assert 0.0 <= calibration_of(scores, wins, np.ones(500), 0.5).chance_frac(score) <= 1.0
    assert math.isfinite(calibration_of(scores, wins, np.ones(500), 0.5).chance_frac(score))
