import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.features import REGIME_BY_CODE, Regime
from indicators.regime import RegimeThresholds, classify_regime

THRESHOLDS = RegimeThresholds(trend_strength_atr=2.0, high_vol_ratio=3.0, crash_drawdown_bps=300.0)


def regime(drawdown_bps: float, vol_bps: float, long_vol_bps: float, trend_strength: float) -> Regime:
    code = classify_regime(THRESHOLDS.vector(), drawdown_bps, vol_bps, long_vol_bps, trend_strength)
    return REGIME_BY_CODE[int(code)]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((300.0, 90.0, 10.0, 5.0), Regime.CRASH),
        ((299.9, 30.0, 10.0, 5.0), Regime.HIGH_VOLATILITY),
        ((299.9, 29.9, 10.0, 2.0), Regime.BULL_TREND),
        ((299.9, 29.9, 10.0, -2.0), Regime.BEAR_TREND),
        ((299.9, 29.9, 10.0, 1.9), Regime.CHOP),
        ((299.9, 29.9, 10.0, -1.9), Regime.CHOP),
    ],
)
def test_a_border_belongs_to_the_wilder_side_and_the_wildest_regime_wins(figures, expected):
    assert regime(*figures) is expected


def test_a_dead_flat_market_is_chop_and_not_volatile():
    assert regime(0.0, 0.0, 0.0, 0.0) is Regime.CHOP


@settings(deadline=None)
@given(
    drawdown_bps=st.floats(0.0, 1e4),
    vol_bps=st.floats(0.0, 1e3),
    long_vol_bps=st.floats(0.0, 1e3),
    trend_strength=st.floats(-1e3, 1e3),
)
def test_turning_the_trend_round_turns_bull_into_bear_and_nothing_else(
    drawdown_bps, vol_bps, long_vol_bps, trend_strength
):
    mirrored = {Regime.BULL_TREND: Regime.BEAR_TREND, Regime.BEAR_TREND: Regime.BULL_TREND}
    ahead = regime(drawdown_bps, vol_bps, long_vol_bps, trend_strength)
    assert regime(drawdown_bps, vol_bps, long_vol_bps, -trend_strength) is mirrored.get(ahead, ahead)


@pytest.mark.parametrize("field", ["trend_strength_atr", "high_vol_ratio", "crash_drawdown_bps"])
@pytest.mark.parametrize("border", [0.0, -1.0, math.nan, math.inf])
def test_a_border_that_is_no_border_is_refused_by_name(field, border):
    with pytest.raises(ValueError, match=field):
        RegimeThresholds(**{field: border})
