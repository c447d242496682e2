from collections.abc import Callable

import empyrical
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.metrics.drawdown import Drawdown, drawdown_of
from backtest.outcome import EquityCurve
from desk.tally import Tally
from domain.market import MINUTE_MS

Curves = Callable[..., EquityCurve]
EQUITIES = st.lists(st.integers(min_value=1, max_value=2_000), min_size=1, max_size=80)


def test_a_fall_is_measured_from_its_peak_to_its_recovery(curve: Curves, start_ms: int) -> None:
    """From 100 up to 120 and 120 again (the peak's last minute is 3), down to 90 at 5: 30 of 120. Back at 120 at 7."""
    fall = drawdown_of(curve([110, 120, 120, 100, 90, 119, 120, 115], 100))
    assert fall == Drawdown(
        frac=0.25,
        n_minutes=4,
        began_ms=start_ms + 3 * MINUTE_MS,
        bottomed_ms=start_ms + 5 * MINUTE_MS,
        ended_ms=start_ms + 7 * MINUTE_MS,
    )


def test_the_starting_equity_is_the_first_peak_and_an_open_fall_lasts_to_the_end(curve: Curves, start_ms: int) -> None:
    fall = drawdown_of(curve([90, 80, 85], 100))
    assert (fall.frac, fall.n_minutes, fall.began_ms) == (0.2, 3, start_ms)
    assert (fall.bottomed_ms, fall.ended_ms) == (start_ms + 2 * MINUTE_MS, None)


def test_a_later_deeper_fall_replaces_one_that_had_recovered(curve: Curves, start_ms: int) -> None:
    fall = drawdown_of(curve([90, 100, 200, 100, 150], 100))
    assert (fall.frac, fall.began_ms, fall.ended_ms) == (0.5, start_ms + 3 * MINUTE_MS, None)
    shallower_later = drawdown_of(curve([50, 100, 200, 190], 100))
    assert (shallower_later.frac, shallower_later.ended_ms) == (0.5, start_ms + 2 * MINUTE_MS)


def test_an_account_that_never_fell_has_a_drawdown_of_zero_and_one_of_nothing_has_none(curve: Curves) -> None:
    rising = drawdown_of(curve([100, 101], 100))
    assert (rising.frac, rising.n_minutes, rising.began_ms, rising.ended_ms) == (0.0, 0, None, None)
    assert drawdown_of(curve([0, 5], 0)).frac is None


def test_a_debt_is_a_fall_of_more_than_everything(curve: Curves) -> None:
    assert drawdown_of(curve([-50], 100)).frac == 1.5


@given(EQUITIES, st.integers(min_value=1, max_value=2_000))
def test_the_depth_is_that_of_empyrical_and_of_the_desks_own_tally(equities: list[int], starting: int) -> None:
    """In empyrical a series starts at its first return's base, which is our starting equity."""
    curve = EquityCurve(
        close_ms=MINUTE_MS * np.arange(1, len(equities) + 1),
        equity_microusd=np.array(equities),
        starting_microusd=starting,
    )
    fall = drawdown_of(curve)
    points = np.array([starting, *equities], dtype=float)
    assert fall.frac == pytest.approx(-empyrical.max_drawdown(points[1:] / points[:-1] - 1), abs=1e-9)
    tally = Tally(starting)
    for equity in equities:
        tally._mark(equity)
    assert fall.frac == tally.max_drawdown_frac


@given(EQUITIES, st.integers(min_value=1, max_value=2_000))
def test_no_pair_of_minutes_fell_further_and_the_times_are_those_of_the_fall(
    equities: list[int], starting: int
) -> None:
    curve = EquityCurve(
        close_ms=MINUTE_MS * np.arange(1, len(equities) + 1),
        equity_microusd=np.array(equities),
        starting_microusd=starting,
    )
    points = [starting, *equities]
    fall = drawdown_of(curve)
    pairs = [(high - low) / high for at, high in enumerate(points) for low in points[at:]]
    assert fall.frac == max(pairs)
    if fall.began_ms is None or fall.bottomed_ms is None:
        return
    began, bottomed = fall.began_ms // MINUTE_MS, fall.bottomed_ms // MINUTE_MS
    ended = len(points) if fall.ended_ms is None else fall.ended_ms // MINUTE_MS
    assert (points[began] - points[bottomed]) / points[began] == fall.frac
    assert max(points[: began + 1]) == points[began]
    assert all(point < points[began] for point in points[began + 1 : ended])
    assert ended == len(points) or points[ended] >= points[began]
