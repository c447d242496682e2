"""The last hour in ratios: known answers, gaps that stay gaps, and nothing said where too little is known."""

import math

import msgspec
import numpy as np
import pytest

from domain.market import MINUTE_MS, Reading
from domain.situation import RECENT_MINUTES
from gate.recent import N_TOLD, grid_of, interest_change_frac, range_frac, returns_bps, slope_bps, volumes_z
from tests.unit.gate.situations import NOW_MS, hour, minute

FLAT = [100.0] * RECENT_MINUTES
STEADY = hour([3.0] * RECENT_MINUTES, FLAT)


def without(minutes, *ages):
    gone = {NOW_MS - age * MINUTE_MS for age in ages}
    return [one for one in minutes if one.as_of_ms not in gone]


def with_interest(minutes, age, value, true_ms):
    reading = Reading(value=value, source="tape", as_of_ms=true_ms)
    at_ms = NOW_MS - age * MINUTE_MS
    return [
        msgspec.structs.replace(one, open_interest_usd=reading) if one.as_of_ms == at_ms else one for one in minutes
    ]


def test_a_steady_climb_has_one_return_one_slope_and_stands_high_in_its_range():
    grid = grid_of(STEADY, NOW_MS)
    assert returns_bps(grid) == pytest.approx([3.0] * N_TOLD)
    assert [slope_bps(grid, span) for span in (5, 15, 60)] == pytest.approx([3.0] * 3)
    assert 0.9 < range_frac(grid) < 1.0


def test_the_slope_is_that_of_least_squares():
    returns = [float((7 * place) % 13 - 6) for place in range(RECENT_MINUTES)]
    grid = grid_of(hour(returns, FLAT), NOW_MS)
    for span in (5, 15, 60):
        climbed = np.cumsum(returns)[-span - 1 :]
        assert slope_bps(grid, span) == pytest.approx(np.polyfit(np.arange(span + 1), climbed, 1)[0])


def test_the_close_at_the_low_of_the_hour_stands_at_nought():
    grid = grid_of([minute(age, 100.0 + age, reach=0.0) for age in range(63, -1, -1)], NOW_MS)
    assert range_frac(grid) == 0.0


def test_volumes_are_measured_among_all_that_are_remembered():
    volumes = [90.0, 110.0] * (RECENT_MINUTES // 2)
    assert volumes_z(grid_of(hour([0.0] * RECENT_MINUTES, volumes), NOW_MS)) == pytest.approx([-1.0, 1.0] * 10)


def test_equal_volumes_have_no_z_score():
    assert np.isnan(volumes_z(grid_of(hour([0.0] * RECENT_MINUTES, [0.1] * RECENT_MINUTES), NOW_MS))).all()
    assert np.isnan(volumes_z(grid_of(hour([0.0] * RECENT_MINUTES, [0.0] * RECENT_MINUTES), NOW_MS))).all()


def test_a_lost_minute_takes_two_returns_with_it_and_leaves_the_slope():
    grid = grid_of(without(STEADY, 4), NOW_MS)
    assert np.flatnonzero(np.isnan(returns_bps(grid))).tolist() == [15, 16]
    assert slope_bps(grid, 5) == pytest.approx(3.0)


def test_less_than_half_an_hour_says_nothing_of_the_hour():
    few = STEADY[-29:]
    grid = grid_of(few, NOW_MS)
    assert math.isnan(range_frac(grid))
    assert math.isnan(slope_bps(grid, 60))
    assert slope_bps(grid, 15) == pytest.approx(3.0)
    assert np.isnan(volumes_z(grid_of(STEADY[-N_TOLD + 1 :], NOW_MS))).all()


def test_nothing_remembered_is_nothing_known():
    grid = grid_of((), NOW_MS)
    assert np.isnan(returns_bps(grid)).all()
    assert all(math.isnan(one) for one in (slope_bps(grid, 5), range_frac(grid), interest_change_frac(grid)))


def test_an_hour_in_which_nothing_moved_has_no_range():
    assert math.isnan(range_frac(grid_of([minute(age, 100.0, reach=0.0) for age in range(63, -1, -1)], NOW_MS)))


def test_minutes_after_the_question_are_not_seen():
    later = minute(-1, 500.0)
    assert np.array_equal(grid_of([*STEADY, later], NOW_MS), grid_of(STEADY, NOW_MS), equal_nan=True)


def test_open_interest_is_told_as_its_change_over_the_hour():
    minutes = with_interest(STEADY, 60, 4e8, NOW_MS - 60 * MINUTE_MS)
    grown = with_interest(minutes, 0, 5e8, NOW_MS)
    assert interest_change_frac(grid_of(grown, NOW_MS)) == pytest.approx(0.25)
    assert math.isnan(interest_change_frac(grid_of(minutes, NOW_MS)))


def test_an_old_reading_that_still_stands_is_no_change_of_nought():
    minutes = with_interest(STEADY, 60, 4e8, NOW_MS - 60 * MINUTE_MS)
    stale = with_interest(minutes, 0, 4e8, NOW_MS - 60 * MINUTE_MS)
    assert math.isnan(interest_change_frac(grid_of(stale, NOW_MS)))
