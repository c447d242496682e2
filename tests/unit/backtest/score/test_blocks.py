import numpy as np
import pytest

from backtest.score.blocks import draw_days, interval_of, mean_deltas


def same_days(n_days, n_a_day):
    return np.repeat(np.arange(n_days), n_a_day)


@pytest.mark.parametrize(("n_days", "day_sd", "gate_sd"), [(20, 0.0, 0.0), (20, 30.0, 1.0), (60, 30.0, 1.0)])
def test_the_interval_holds_the_truth_as_often_as_it_says_also_where_days_share_their_luck(
    n_days: int, day_sd: float, gate_sd: float
) -> None:
    """400 markets in which results and denials cluster by day; the true difference is zero."""
    day, everything, n_held = same_days(n_days, 10), np.ones(n_days * 10, dtype=bool), 0
    for seed in range(400):
        draws = np.random.default_rng(seed)
        net = draws.normal(0.0, day_sd, n_days)[day] + draws.normal(0.0, 40.0, len(day))
        taken = draws.normal(0.0, gate_sd, n_days)[day] + draws.normal(0.0, 1.0, len(day)) > 0.0
        drawn = mean_deltas(net, taken, draw_days(day, 1_000, seed), everything)
        found = interval_of(drawn, n_days, 0.95)
        assert found is not None
        n_held += found.low_bps <= 0.0 <= found.high_bps
    assert 0.92 <= n_held / 400 <= 0.98


def test_independent_triggers_give_the_width_of_the_textbook() -> None:
    draws = np.random.default_rng(1)
    day = same_days(1_000, 2)
    net, taken = draws.normal(0.0, 40.0, 2_000), np.arange(2_000) % 2 == 0
    everything = np.ones(2_000, dtype=bool)
    found = interval_of(mean_deltas(net, taken, draw_days(day, 4_000, 1), everything), 1_000, 0.95)
    assert found is not None
    assert found.high_bps - found.low_bps == pytest.approx(2 * 1.96 * 40.0 * np.sqrt(2 / 1_000), rel=0.08)


def test_few_days_are_widened_as_student_would_have_it() -> None:
    """Ten equal numbers a day: the days' means are the sample; 12 degrees of freedom, t = 2.179 (a table)."""
    drawn = np.random.default_rng(1).normal(0.0, 1.0, 400_000)
    found = interval_of(drawn, 13, 0.95)
    assert found is not None
    assert found.high_bps == pytest.approx(2.179 * np.sqrt(13 / 12), rel=0.01)


def test_a_side_that_is_often_empty_or_too_few_days_have_no_interval() -> None:
    drawn = np.full(1_000, 1.0)
    assert interval_of(drawn, 2, 0.95) is None
    drawn[:60] = np.nan
    assert interval_of(drawn, 30, 0.95) is None
    drawn[:60], drawn[:40] = 1.0, np.nan
    assert interval_of(drawn, 30, 0.95) is not None
    with pytest.raises(ValueError, match="confidence"):
        interval_of(drawn, 30, 1.0)


@pytest.mark.parametrize(("n_draws", "is_shown"), [(20_000, False), (40_000, True)])
def test_a_quantile_that_no_draw_lies_beyond_is_not_taken_for_the_outermost_draw(n_draws: int, is_shown: bool) -> None:
    """Twenty days at 99.9 %: Student's quantile leaves 3.5 in 100,000 draws on each side."""
    drawn = np.random.default_rng(1).normal(0.0, 1.0, n_draws)
    assert (interval_of(drawn, 20, 0.999) is not None) is is_shown


def test_the_seed_decides_and_each_mixture_has_as_many_days() -> None:
    day = same_days(30, 4)
    one = draw_days(day, 500, 3)
    assert (one.times.sum(axis=1) == 30).all()
    assert (one.times == draw_days(day, 500, 3).times).all()
    assert (one.times != draw_days(day, 500, 4).times).any()
    assert draw_days(np.zeros(0, dtype=np.int64), 500, 3).n_days == 0
    with pytest.raises(ValueError, match="draws"):
        draw_days(day, 0, 1)


def test_a_draw_of_every_day_once_is_the_ledger_itself() -> None:
    day = same_days(3, 2)
    net = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    taken = np.array([True, False, True, False, True, False])
    draws = draw_days(day, 200, 1)
    once = (draws.times == 1).all(axis=1)
    deltas = mean_deltas(net, taken, draws, np.ones(6, dtype=bool))
    assert once.any()
    assert deltas[once] == pytest.approx(-1.0)
