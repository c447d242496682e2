"""A trigger weighs what is its own: the mean over its life of one over how many were alive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.metalabel.uniqueness import average_uniqueness


def uniqueness(*lives):
    began, ended, markets = (np.array(part) for part in zip(*lives, strict=True))
    return average_uniqueness(began, ended, markets).tolist()


def test_triggers_that_never_meet_count_in_full():
    assert uniqueness((0, 10, 0), (10, 20, 0), (50, 60, 0)) == [1.0, 1.0, 1.0]


def test_two_that_share_half_of_their_lives_count_three_quarters():
    assert uniqueness((0, 10, 0), (5, 15, 0)) == [0.75, 0.75]


def test_three_of_one_minute_count_a_third_each():
    assert uniqueness((0, 10, 0), (0, 10, 0), (0, 10, 0)) == pytest.approx([1 / 3] * 3)


def test_a_short_one_inside_a_long_one_counts_half_and_costs_the_long_one_its_part():
    assert uniqueness((0, 100, 0), (40, 50, 0)) == pytest.approx([0.95, 0.5])


def test_another_market_is_another_matter():
    assert uniqueness((0, 10, 0), (0, 10, 1)) == [1.0, 1.0]


LIFE = st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(0, 2)).map(lambda t: (t[0], t[0] + t[1], t[2]))


@given(st.lists(LIFE, min_size=1, max_size=25))
def test_minute_by_minute_counting_says_the_same(lives):
    """The definition itself, instant by instant; the sum over the lives alive in a minute is that minute."""
    slow = []
    for began, ended, market in lives:
        alive = [sum(b <= t < e for b, e, m in lives if m == market) for t in range(began, ended)]
        slow.append(sum(1 / n for n in alive) / len(alive))
    assert uniqueness(*lives) == pytest.approx(slow)
    assert all(0.0 < share <= 1.0 + 1e-12 for share in uniqueness(*lives))
