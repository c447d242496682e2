"""What one bar does to orders and positions, told as small market days."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.matching import NOTHING, STOP, TARGET, protective_fills, taker_fill_ticks

TICK = 0.001
Outcome = tuple[int, int, int, int, int]


def long_at_150(
    o: float, h: float, low: float, *, stop: int = 148_500, target: int = 153_000, partial: int = 0
) -> Outcome:
    """One bar against a long of 100 lots; half spread 2 bps, slippage 3 bps, half of it to be taken at `partial`."""
    partial_lots = 50 if partial else 0
    return protective_fills(1, 100, o, h, low, TICK, stop, target, partial, partial_lots, 2.0, 3.0)


def short_at_150(o: float, h: float, low: float, *, partial: int = 0) -> Outcome:
    """One bar against a short of 100 lots."""
    partial_lots = 50 if partial else 0
    return protective_fills(-1, 100, o, h, low, TICK, 151_500, 147_000, partial, partial_lots, 2.0, 3.0)


def test_a_taker_pays_the_spread_on_either_side_and_the_rounding_too() -> None:
    assert taker_fill_ticks(1, 150.0, 2.0, TICK) == 150_030
    assert taker_fill_ticks(-1, 150.0, 2.0, TICK) == 149_970
    assert taker_fill_ticks(1, 150.0004, 0.0, TICK) == 150_001
    assert taker_fill_ticks(-1, 150.0006, 0.0, TICK) == 150_000
    assert taker_fill_ticks(-1, 0.0004, 0.0, TICK) == 1


def test_a_bar_between_the_levels_does_nothing() -> None:
    assert long_at_150(150.0, 152.999, 148.501) == (0, 0, NOTHING, 0, 0)
    assert short_at_150(150.0, 151.499, 147.001) == (0, 0, NOTHING, 0, 0)


def test_a_touched_stop_fills_at_the_stop_less_half_spread_and_slippage() -> None:
    assert long_at_150(150.0, 151.0, 148.5) == (0, 0, STOP, 100, 148_425)
    assert short_at_150(150.0, 151.5, 149.0) == (0, 0, STOP, 100, 151_576)


def test_a_stop_gapped_through_fills_at_the_open() -> None:
    assert long_at_150(140.0, 155.0, 139.0) == (0, 0, STOP, 100, 139_930)
    assert short_at_150(160.0, 161.0, 140.0) == (0, 0, STOP, 100, 160_080)


def test_a_touched_target_pays_half_the_spread() -> None:
    assert long_at_150(150.0, 153.0, 149.0) == (0, 0, TARGET, 100, 152_969)
    assert short_at_150(150.0, 151.0, 147.0) == (0, 0, TARGET, 100, 147_030)


def test_a_target_gapped_over_fills_at_the_open() -> None:
    assert long_at_150(160.0, 161.0, 140.0) == (0, 0, TARGET, 100, 159_968)


def test_the_stop_comes_first_when_the_bar_holds_both() -> None:
    assert long_at_150(150.0, 154.0, 148.0)[2] == STOP
    assert short_at_150(150.0, 152.0, 146.0)[2] == STOP


def test_the_partial_is_taken_on_the_way_to_the_target() -> None:
    assert long_at_150(150.0, 151.6, 149.0, partial=151_500) == (50, 151_469, NOTHING, 0, 0)
    assert long_at_150(150.0, 153.1, 149.0, partial=151_500) == (50, 151_469, TARGET, 50, 152_969)
    assert short_at_150(150.0, 151.0, 148.4, partial=148_500) == (50, 148_530, NOTHING, 0, 0)


def test_a_bar_that_holds_stop_and_partial_is_stopped_whole() -> None:
    assert long_at_150(150.0, 151.6, 148.0, partial=151_500) == (0, 0, STOP, 100, 148_425)


def test_a_partial_gapped_over_is_taken_at_the_open_before_the_stop() -> None:
    assert long_at_150(152.0, 152.5, 148.0, partial=151_500) == (50, 151_969, STOP, 50, 148_425)


def test_a_price_one_rounding_error_off_the_level_still_touches_it() -> None:
    assert long_at_150(150.0, 151.0, 148.50000000000003)[2] == STOP


PRICES = st.floats(min_value=100.0, max_value=200.0)


@given(
    st.sampled_from([1, -1]),
    st.lists(PRICES, min_size=3, max_size=3),
    st.integers(min_value=1, max_value=500),
    st.integers(min_value=0, max_value=600),
    st.integers(min_value=100_000, max_value=200_000),
    st.lists(st.integers(min_value=1, max_value=40_000), min_size=2, max_size=2, unique=True),
    st.tuples(st.floats(min_value=0.0, max_value=50.0), st.floats(min_value=0.0, max_value=50.0)),
)
def test_no_more_than_the_position_is_ever_closed_and_never_outside_the_bar_plus_costs(
    side: int,
    prices: list[float],
    size: int,
    partial_lots: int,
    entry: int,
    gains: list[int],
    costs: tuple[float, float],
) -> None:
    low, opened, high = sorted(prices)
    partial, target = (entry + side * gain for gain in sorted(gains))
    taken, taken_ticks, code, exit_lots, exit_ticks = protective_fills(
        side, size, opened, high, low, TICK, entry - side * 1_000, target, partial, partial_lots, *costs
    )
    assert taken + exit_lots <= size
    assert (exit_lots > 0) == (code != NOTHING)
    if code != NOTHING:
        assert taken + exit_lots == size
    cost = sum(costs) * 1e-4
    for ticks in (taken_ticks, exit_ticks):
        assert ticks == 0 or low * (1 - cost) - 2 * TICK <= ticks * TICK <= high * (1 + cost) + 2 * TICK


@given(st.lists(PRICES, min_size=3, max_size=3), st.floats(min_value=0.0, max_value=50.0))
def test_a_wider_spread_never_improves_an_exit(prices: list[float], half_spread_bps: float) -> None:
    low, opened, high = sorted(prices)
    arguments = (1, 100, opened, high, low, TICK, 148_500, 153_000, 0, 0)
    free = protective_fills(*arguments, 0.0, 0.0)
    paid = protective_fills(*arguments, half_spread_bps, 0.0)
    assert paid[2] == free[2]
    assert paid[4] <= free[4]


@pytest.mark.parametrize("size", [1, 49, 50])
def test_a_partial_as_large_as_the_position_closes_it(size: int) -> None:
    outcome = protective_fills(1, size, 150.0, 151.6, 149.0, TICK, 148_500, 153_000, 151_500, 50, 0.0, 0.0)
    assert outcome == (size, 151_500, NOTHING, 0, 0)
