"""What a figure was at the end of a minute."""

from hypothesis import given
from hypothesis import strategies as st

from domain.market import MINUTE_MS
from market.live.trail import Trail

M = MINUTE_MS


def test_a_value_of_after_the_close_does_not_hide_the_one_before_it():
    trail = Trail()
    trail.add(5 * M - 100, 1.0)
    trail.add(5 * M, 2.0)
    trail.add(5 * M + 1, 3.0)
    assert trail.at(5 * M, M) == (5 * M, 2.0)
    assert trail.at(6 * M, M) == (5 * M + 1, 3.0)


def test_what_is_too_old_is_not_shown():
    trail = Trail()
    trail.add(5 * M, 2.0)
    assert trail.at(7 * M, 2 * M) == (5 * M, 2.0)
    assert trail.at(8 * M, 2 * M) is None


@given(st.lists(st.integers(1, 10 * M), max_size=40), st.integers(1, 10))
def test_nothing_of_the_future_is_ever_shown(known, minute):
    trail = Trail()
    for known_ms in sorted(known):
        trail.add(known_ms, float(known_ms))
        found = trail.at(minute * M, 10 * M)
        assert found is None or found[0] <= minute * M
    past = [known_ms for known_ms in known if known_ms <= minute * M]
    newest = max(known, default=0)
    if past and newest <= (minute + 3) * M:
        assert trail.at(minute * M, 10 * M) == (max(past), float(max(past)))
