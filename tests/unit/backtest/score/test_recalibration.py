import numpy as np
import pytest

from backtest.score.calibration import brier
from backtest.score.recalibration import FEWEST_KNOWN, log_odds, platt_fit, recalibrated

N = 2_000
TRIGGERED_MS = np.arange(N) * 60_000
RESOLVED_MS = TRIGGERED_MS + 30 * 60_000


def overconfident(seed=1):
    """Return chances clumped on high figures, of which 45 of 100 win whatever they say."""
    draws = np.random.default_rng(seed)
    return draws.choice([0.7, 0.75, 0.8, 0.85], N), draws.random(N) < 0.45


def test_putting_right_takes_the_harm_away_and_makes_no_skill() -> None:
    p, won = overconfident()
    right = recalibrated(p, won, TRIGGERED_MS, RESOLVED_MS)
    known = np.isfinite(right)
    base = won[known].mean()
    assert 1 - brier(p[known], won[known]) / (base * (1 - base)) < -0.3
    assert abs(1 - brier(right[known], won[known]) / (base * (1 - base))) < 0.03


def test_a_chance_rests_on_ends_alone_that_were_known_when_it_was_stated() -> None:
    """Whatever becomes of a trigger, no chance stated before its end moves."""
    p, won = overconfident()
    right = recalibrated(p, won, TRIGGERED_MS, RESOLVED_MS)
    for place in (40, 500, 1_500):
        other = won.copy()
        other[place:] = ~other[place:]
        moved = recalibrated(p, other, TRIGGERED_MS, RESOLVED_MS)
        unknown = RESOLVED_MS[place] > TRIGGERED_MS
        assert np.array_equal(moved[unknown], right[unknown], equal_nan=True)
    assert not np.array_equal(moved, right, equal_nan=True)


def test_before_enough_is_known_nothing_is_put_right() -> None:
    p, won = overconfident()
    right = recalibrated(p, won, TRIGGERED_MS, RESOLVED_MS)
    n_known = np.searchsorted(RESOLVED_MS, TRIGGERED_MS, side="right")
    assert (np.isnan(right) == (n_known < FEWEST_KNOWN)).all()
    assert np.isnan(recalibrated(p, np.ones(N, dtype=bool), TRIGGERED_MS, RESOLVED_MS)).all()


def test_the_logistic_that_made_the_outcomes_is_found_again() -> None:
    draws = np.random.default_rng(2)
    odds = draws.normal(0.0, 1.5, 200_000)
    won = draws.random(200_000) < 1 / (1 + np.exp(-(0.5 * odds - 0.4)))
    assert platt_fit(odds, won) == pytest.approx((0.5, -0.4), abs=0.02)


def test_one_chance_alone_becomes_its_share_smoothed_as_platt_has_it() -> None:
    odds, won = log_odds(np.full(100, 0.9)), np.arange(100) < 30
    slope, offset = platt_fit(odds, won)
    target = (30 * 31 / 32 + 70 * 1 / 72) / 100
    assert 1 / (1 + np.exp(-(offset + slope * odds[0]))) == pytest.approx(target, abs=1e-3)


def test_nothing_stated_is_nothing_put_right() -> None:
    nothing = np.array([], dtype=np.int64)
    assert len(recalibrated(nothing.astype(float), nothing.astype(bool), nothing, nothing)) == 0
