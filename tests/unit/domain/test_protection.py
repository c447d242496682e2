"""Stops and targets keep their promises on any grid."""

from hypothesis import given
from hypothesis import strategies as st

from domain.account import Levels
from domain.protection import initial_levels, partial_size_lots, quiet_bounds, trailed_stop

SIDES = st.sampled_from([1, -1])
ENTRIES = st.integers(min_value=2, max_value=10**9)
FRACS = st.floats(min_value=1e-6, max_value=0.9)


def test_a_long_at_150_with_one_and_two_percent_stands_where_the_plan_says() -> None:
    assert initial_levels(1, 150_000, 0.01, 0.02, 1.0) == (148_500, 153_000, 151_500)


def test_a_short_is_the_mirror_of_a_long() -> None:
    assert initial_levels(-1, 150_000, 0.01, 0.02, 1.0) == (151_500, 147_000, 148_500)


def test_without_a_partial_or_with_one_beyond_the_target_there_is_none() -> None:
    assert initial_levels(1, 150_000, 0.01, 0.02, 0.0)[2] == 0
    assert initial_levels(1, 150_000, 0.01, 0.02, 2.0)[2] == 0
    assert initial_levels(-1, 150_000, 0.01, 0.02, 500.0)[2] == 0


@given(SIDES, ENTRIES, FRACS, FRACS, st.floats(min_value=0.0, max_value=5.0))
def test_the_stop_is_on_the_losing_side_and_the_target_on_the_winning_one(
    side: int, entry: int, stop_frac: float, target_frac: float, partial_at_r: float
) -> None:
    stop, target, partial = initial_levels(side, entry, stop_frac, target_frac, partial_at_r)
    assert min(stop, target) >= 1
    assert side * (entry - stop) >= 1
    assert side * (target - entry) >= 1
    assert partial == 0 or side * entry < side * partial < side * target


@given(SIDES, ENTRIES, FRACS, FRACS)
def test_rounding_never_tightens_the_stop_nor_brings_the_target_nearer(
    side: int, entry: int, stop_frac: float, target_frac: float
) -> None:
    stop, target, _ = initial_levels(side, entry, stop_frac, target_frac, 0.0)
    assert abs(entry - stop) >= min(entry * stop_frac, entry - 1) - 1e-5
    assert abs(target - entry) >= min(entry * target_frac, entry - 1) - 1e-5
    assert abs(entry - stop) <= entry * stop_frac + 1.0
    assert abs(target - entry) <= entry * target_frac + 1.0


def test_the_trail_waits_until_it_is_armed() -> None:
    assert trailed_stop(1, 148_500, 150_000, 150_749, 0.005, 0.005) == (148_500, False)
    assert trailed_stop(1, 148_500, 150_000, 150_750, 0.005, 0.005) == (149_996, True)
    assert trailed_stop(-1, 151_500, 150_000, 149_250, 0.005, 0.005) == (149_997, True)


def test_a_trail_of_zero_is_no_trail() -> None:
    assert trailed_stop(1, 148_500, 150_000, 200_000, 0.0, 0.005) == (148_500, False)


def test_a_stop_that_the_trail_has_set_still_counts_as_trailing_when_the_market_stands_still() -> None:
    stop, _ = trailed_stop(1, 148_500, 150_000, 155_000, 0.005, 0.005)
    assert trailed_stop(1, stop, 150_000, 155_000, 0.005, 0.005) == (stop, True)


@given(SIDES, ENTRIES, st.lists(ENTRIES, min_size=1, max_size=20), FRACS, FRACS)
def test_the_stop_only_ever_tightens(
    side: int, entry: int, reached: list[int], trail_frac: float, trail_arm_frac: float
) -> None:
    stop = initial_levels(side, entry, 0.1, 0.1, 0.0)[0]
    for best in reached:
        moved, is_trailing = trailed_stop(side, stop, entry, best, trail_frac, trail_arm_frac)
        assert side * moved >= side * stop
        assert is_trailing or moved == stop
        stop = moved


@given(st.integers(min_value=1, max_value=10**9), st.floats(min_value=0.0, max_value=0.999))
def test_a_partial_exit_is_never_more_than_its_share(size: int, frac: float) -> None:
    lots = partial_size_lots(size, frac)
    assert 0 <= lots <= size
    assert lots <= size * frac + 1e-5
    assert lots > size * frac - 1.0


@given(SIDES, ENTRIES, FRACS, FRACS, st.floats(min_value=0.0, max_value=5.0), st.floats(0.0, 1.0))
def test_a_price_between_the_quiet_bounds_touches_no_level(
    side: int, entry: int, stop_frac: float, target_frac: float, partial_at_r: float, place: float
) -> None:
    stop, target, partial = initial_levels(side, entry, stop_frac, target_frac, partial_at_r)
    levels = Levels(stop_ticks=stop, target_ticks=target, partial_ticks=partial, partial_lots=int(partial > 0))
    low, high = quiet_bounds(side, levels, 0.001)
    price = low + place * (high - low)
    if low < price < high:
        nearest = partial or target
        assert side * stop < side * price / 0.001 < side * nearest


def test_the_quiet_bounds_of_a_long_and_a_short_stand_a_tick_inside_their_levels() -> None:
    levels = Levels(stop_ticks=148_500, target_ticks=153_000, partial_ticks=151_500, partial_lots=3)
    assert quiet_bounds(1, levels, 1.0) == (148_501, 151_499)
    mirrored = Levels(stop_ticks=151_500, target_ticks=147_000)
    assert quiet_bounds(-1, mirrored, 1.0) == (147_001, 151_499)
