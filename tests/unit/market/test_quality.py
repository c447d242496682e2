import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import Reading, Snapshot
from market.quality import QualityLimits, missing_before, reach_frac, snapshot_defects

LIMITS = QualityLimits()


def snapshot(**beside) -> Snapshot:
    return Snapshot(symbol="SOL-PERP", as_of_ms=60_000, bar=None, defects=("no bar",), **beside)


def reading(value: float, as_of_ms: int = 60_000) -> Reading:
    return Reading(value=value, source="test", as_of_ms=as_of_ms)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_gap_bars": -1},
        {"max_bar_move_frac": 0.0},
        {"max_premium_bps": float("nan")},
        {"max_spread_bps": float("inf")},
        {"max_mark_age_ms": 0},
    ],
)
def test_limits_that_nothing_or_everything_would_pass_are_refused(limits):
    with pytest.raises(ValueError, match="must be"):
        QualityLimits(**limits)


def test_a_sound_book_and_near_readings_have_no_defect():
    sound = snapshot(bid_price=99.0, ask_price=101.0, spread_bps=reading(200.0), premium_bps=reading(-12.0))
    assert snapshot_defects(sound, LIMITS) == ()
    assert snapshot_defects(snapshot(), LIMITS) == ()


@given(bid=st.floats(), ask=st.floats())
def test_a_book_is_fit_only_when_both_prices_are_positive_and_bid_is_below_ask(bid, ask):
    defects = snapshot_defects(snapshot(bid_price=bid, ask_price=ask), LIMITS)
    assert (defects == ()) == (0.0 < bid < ask < 1e15)


def test_a_book_with_one_side_is_unfit():
    assert snapshot_defects(snapshot(bid_price=1.0), LIMITS) == ("book has only one side",)


@pytest.mark.parametrize("field", ["mark", "oracle", "premium_bps", "funding_rate_hourly_frac", "open_interest_usd"])
def test_a_reading_from_the_future_is_unfit(field):
    (defect,) = snapshot_defects(snapshot(**{field: reading(0.5, as_of_ms=60_001)}), LIMITS)
    assert "1 ms into the future" in defect


def test_an_unbelievable_premium_or_spread_is_unfit():
    assert len(snapshot_defects(snapshot(premium_bps=reading(-500.1)), LIMITS)) == 1
    assert len(snapshot_defects(snapshot(spread_bps=reading(-0.1)), LIMITS)) == 1


def test_missing_minutes_are_counted_before_the_bar_that_follows():
    opens = np.array([0, 60_000, 240_000, 300_000], dtype=np.int64)
    assert missing_before(opens).tolist() == [0, 0, 2, 0]


def test_reach_is_measured_from_the_last_sound_close():
    high = np.array([10.0, np.nan, 13.0, 10.5])
    low = np.array([9.0, 1.0, 10.0, 5.0])
    close = np.array([10.0, 5.0, 10.0, 10.0])
    is_sound = np.array([True, False, True, True])
    assert reach_frac(high, low, close, is_sound).tolist() == pytest.approx([0.0, 0.0, 0.3, 0.5])
