import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backtest.score.calibration import auroc, brier, calibration_of, wilson


def drawn(n, seed, shift=0.0):
    """Return chances and outcomes; shift: how much less than stated really wins."""
    draws = np.random.default_rng(seed)
    p = draws.random(n)
    return p, draws.random(n) < np.clip(p - shift, 0.0, 1.0)


def test_four_triggers_worked_out_by_hand() -> None:
    p, won = np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])
    found = calibration_of(p, won, seed=1)
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found.brier_skill == pytest.approx(1 - 0.185 / 0.25)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.9]).mean())
    assert found.auroc == 0.75
    assert found.ece_frac == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)
    assert (found.base_frac, found.mean_p_frac, found.n_distinct, len(found.bins)) == (0.5, 0.5, 4, 4)


@pytest.mark.parametrize(
    ("n", "mean", "p95"), [(50, 0.138, 0.209), (100, 0.099, 0.148), (300, 0.058, 0.085), (1_000, 0.032, 0.047)]
)
def test_the_error_a_perfectly_calibrated_reader_shows_is_the_known_one(n: int, mean: float, p95: float) -> None:
    """Chances spread evenly over [0, 1], as the known figures have it."""
    found = calibration_of(*drawn(n, 1), seed=3)
    assert found.ece_null_mean_frac == pytest.approx(mean, rel=0.08)
    assert found.ece_null_p95_frac == pytest.approx(p95, rel=0.08)


def test_a_perfectly_calibrated_reader_is_inside_its_band_at_the_rate_that_was_agreed() -> None:
    """300 readers: 95 of 100 are inside."""
    inside = [calibration_of(*drawn(300, seed), seed=seed).is_inside_null_band for seed in range(300)]
    assert 0.92 <= np.mean(inside) <= 0.98


def test_an_overconfident_reader_is_outside_its_band() -> None:
    assert not any(calibration_of(*drawn(300, seed, shift=0.15), seed=seed).is_inside_null_band for seed in range(20))


def test_clumped_chances_stay_in_one_bin_and_are_judged_by_their_own_band() -> None:
    draws = np.random.default_rng(1)
    p = draws.choice([0.7, 0.75, 0.8, 0.85], 400)
    found = calibration_of(p, draws.random(400) < 0.45, seed=1)
    assert found.n_distinct == 4
    assert [round(one.mean_p_frac, 2) for one in found.bins] == [0.7, 0.75, 0.8, 0.85]
    assert sum(one.n for one in found.bins) == 400
    assert found.brier_skill < -0.2
    assert not found.is_inside_null_band


def test_always_saying_the_average_has_no_skill_and_tells_winners_from_losers_like_a_coin() -> None:
    won = np.arange(100) < 40
    found = calibration_of(np.full(100, 0.4), won, seed=1)
    assert found.brier_skill == pytest.approx(0.0)
    assert found.auroc == 0.5
    assert found.ece_frac == pytest.approx(0.0)
    assert len(found.bins) == 1


def test_certainty_that_fails_costs_much_but_not_everything() -> None:
    found = calibration_of(np.array([1.0, 0.0]), np.array([False, True]), seed=1)
    assert found.log_loss == pytest.approx(-np.log(0.005))
    assert found.brier == 1.0


@pytest.mark.parametrize("won", [True, False])
def test_where_all_end_alike_there_is_no_skill_to_tell(won: bool) -> None:
    found = calibration_of(np.array([0.2, 0.8, 0.5]), np.full(3, won), seed=1)
    assert (found.brier_skill, found.auroc) == (None, None)
    assert calibration_of(np.array([]), np.array([], dtype=bool), seed=1) is None


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=2))
def test_the_area_is_the_rank_sum_of_mann_and_whitney(rows) -> None:
    p, won = np.array([row[0] for row in rows]) / 10.0, np.array([row[1] for row in rows])
    found = auroc(p, won)
    if won.all() or not won.any():
        assert found is None
    else:
        expected = stats.mannwhitneyu(p[won], p[~won]).statistic / (won.sum() * (~won).sum())
        assert found == pytest.approx(expected)


@given(st.integers(1, 500), st.data())
def test_the_bars_are_wilsons(n: int, data) -> None:
    n_won = data.draw(st.integers(0, n))
    expected = stats.binomtest(n_won, n).proportion_ci(0.95, method="wilson")
    assert wilson(n_won, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_brier_is_the_mean_squared_distance() -> None:
    assert brier(np.array([0.5, 1.0]), np.array([True, True])) == 0.125
