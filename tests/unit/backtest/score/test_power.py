import numpy as np
import pytest
from scipy import stats

from backtest.score.blocks import draw_days, mean_deltas
from backtest.score.power import power_of, triggers_needed


@pytest.mark.parametrize(("delta_bps", "n"), [(10.0, 503), (5.0, 2_010), (2.0, 12_559), (1.0, 50_233)])
def test_the_numbers_of_triggers_are_the_known_ones(delta_bps: float, n: int) -> None:
    """Deviation 40 bps, half approved, alpha 5 %, power 80 %."""
    assert triggers_needed(delta_bps, 40.0, 0.5) == n
    assert triggers_needed(-delta_bps, 40.0, 0.5) == n


def test_twice_the_deviation_takes_four_times_as_many_and_an_uneven_split_more() -> None:
    assert triggers_needed(1.0, 80.0, 0.5) == pytest.approx(4 * 50_233, rel=1e-4)
    assert triggers_needed(5.0, 40.0, 0.9) > triggers_needed(5.0, 40.0, 0.5)
    assert triggers_needed(5.0, 40.0, 0.5, alpha_frac=0.005) > triggers_needed(5.0, 40.0, 0.5)


def test_so_many_triggers_do_show_it_in_four_of_five_cases() -> None:
    """By simulation with a t-test, 2,000 times."""
    draws = np.random.default_rng(1)
    one, other = draws.normal(10.0, 40.0, (2_000, 252)), draws.normal(0.0, 40.0, (2_000, 251))
    p_values = stats.ttest_ind(one, other, axis=1).pvalue
    assert (p_values < 0.05).mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("wrong", [(0.0, 40.0, 0.5), (1.0, -1.0, 0.5), (1.0, 40.0, 0.0), (1.0, 40.0, 1.0)])
def test_nothing_to_compare_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        triggers_needed(*wrong)


def told(net, approved, day, seed=1):
    drawn = mean_deltas(net, approved, draw_days(day, 2_000, seed), np.ones_like(approved))
    return power_of(net, approved, drawn, int(day[-1]) + 1, 0.05)


def test_triggers_that_share_their_day_are_worth_fewer() -> None:
    """Results and denials both by day, 20 a day: all but the days themselves is repetition, so about 20 times fewer."""
    draws = np.random.default_rng(2)
    day = np.repeat(np.arange(200), 20)
    by_day = (draws.random(200) < 0.5)[day]
    same = told(draws.normal(0.0, 40.0, 200)[day] + draws.normal(0.0, 1.0, 4_000), by_day, day)
    alone = told(draws.normal(0.0, 40.0, 4_000), draws.random(4_000) < 0.5, day)
    assert same.design_effect == pytest.approx(20.0, rel=0.2)
    assert same.n_effective == pytest.approx(200, rel=0.2)
    assert alone.design_effect == pytest.approx(1.0, abs=0.15)
    assert same.knowable_bps > 4 * alone.knowable_bps
    needed = {one.delta_bps: one.n_triggers for one in same.needed}
    assert needed[10.0] == pytest.approx(
        triggers_needed(10.0, same.sd_bps, same.approve_frac) * same.design_effect, abs=1.0
    )


def test_what_is_still_needed_is_told_in_triggers_and_days_at_the_pace_so_far() -> None:
    draws = np.random.default_rng(3)
    net, approved, day = draws.normal(0.0, 40.0, 600), np.arange(600) % 2 == 0, np.repeat(np.arange(30), 20)
    for one in told(net, approved, day).needed:
        assert one.n_more == max(one.n_triggers - 600, 0)
        assert one.n_more_days == pytest.approx(one.n_more / 20)


def test_one_side_alone_or_no_variance_tells_nothing() -> None:
    day = np.repeat(np.arange(10), 2)
    assert told(np.arange(20.0), np.arange(20) < 1, day) is None
    assert told(np.ones(20), np.arange(20) % 2 == 0, day) is None
