"""The feature vectors of a whole tape at once: the arithmetic of `indicators/features.py`, one figure after another.

A bar at a time, every indicator fetches its memory and puts it back. Over a tape each keeps it in registers, and what
depends on no earlier bar runs several bars at once. The bits are the desk's; the tests hold both against each other.
"""

import math
from typing import Final

import numpy as np

from domain.compiled import kernel, tape_kernel
from domain.features import N_FEATURES, Feature, FloatArray
from indicators.atr import ATR_STATE, smoothed_range, true_range, update_atr
from indicators.ema import EMA_STATE, smoothed, update_ema
from indicators.realised_vol import BPS, log_return_bps
from indicators.regime import classify_regime
from indicators.rolling_max import fill_max
from indicators.rolling_moments import fill_std, fill_zscore
from indicators.series import IntArray

ATR, VOLUME, VOL, VOL_LONG, EMA_FAST, EMA_SLOW, DRAWDOWN = range(7)
OPEN, HIGH, LOW, CLOSE, BASE = range(5)

# After days without a trade the ATR has decayed to less than the rounding error of a price, and ratios to it are noise.
LEAST_ATR_FRAC: Final = 1e-12

BODY_OVER_ATR: Final = int(Feature.BODY_OVER_ATR)
VOLUME_Z: Final = int(Feature.VOLUME_Z)
BOOK_IMBALANCE: Final = int(Feature.BOOK_IMBALANCE)
PREMIUM_BPS: Final = int(Feature.PREMIUM_BPS)
FUNDING_RATE_HOURLY_FRAC: Final = int(Feature.FUNDING_RATE_HOURLY_FRAC)
OPEN_INTEREST_USD: Final = int(Feature.OPEN_INTEREST_USD)
REALISED_VOL_BPS: Final = int(Feature.REALISED_VOL_BPS)
SPREAD_BPS: Final = int(Feature.SPREAD_BPS)
ATR_PRICE: Final = int(Feature.ATR_PRICE)
RETURN_BPS: Final = int(Feature.RETURN_BPS)
TREND_STRENGTH: Final = int(Feature.TREND_STRENGTH)
DRAWDOWN_BPS: Final = int(Feature.DRAWDOWN_BPS)
REGIME: Final = int(Feature.REGIME)

POSSIBLE: Final = -1


def empty_columns(n_bars: int) -> FloatArray:
    """Return room for the features of a tape, shape (N_FEATURES, n_bars): each figure in one piece."""
    return np.empty((N_FEATURES, n_bars))


@tape_kernel
def fill_columns(
    out: FloatArray, ohlcv: FloatArray, beside: FloatArray, windows: IntArray, thresholds: FloatArray, n_cold: int
) -> int:
    """Write the features after every bar into `out`, shape (N_FEATURES, n); NaN in the first `n_cold`.

    ohlcv, beside: shape (n, 5) each. Returns POSSIBLE, or the row of the first bar that no market can print.
    """
    n_bars = ohlcv.shape[0]
    closes, volumes = np.empty(n_bars), np.empty(n_bars)
    impossible = _fill_smoothed(out, closes, volumes, ohlcv, windows)
    if impossible != POSSIBLE:
        return impossible
    for bar in range(n_bars):
        out[BOOK_IMBALANCE, bar] = beside[bar, 0]
        out[PREMIUM_BPS, bar] = beside[bar, 1]
        out[FUNDING_RATE_HOURLY_FRAC, bar] = beside[bar, 2]
        out[OPEN_INTEREST_USD, bar] = beside[bar, 3]
        out[SPREAD_BPS, bar] = beside[bar, 4]
    fill_zscore(out[VOLUME_Z], volumes, windows[VOLUME])
    if n_bars > 1:
        _fill_volatility(out, closes, windows, thresholds)
    out[:, :n_cold] = math.nan
    return POSSIBLE


@kernel
def _fill_smoothed(
    out: FloatArray, closes: FloatArray, volumes: FloatArray, ohlcv: FloatArray, windows: IntArray
) -> int:
    """Write ATR, body and trend, and closes and volumes as columns; return what `fill_columns` does."""
    atr_bars, fast_bars, slow_bars = windows[ATR], windows[EMA_FAST], windows[EMA_SLOW]
    atr_state, fast_state, slow_state = np.zeros(ATR_STATE), np.zeros(EMA_STATE), np.zeros(EMA_STATE)
    n_slow = max(atr_bars + 1, fast_bars, slow_bars)
    atr = fast = slow = previous_close = math.nan
    for bar in range(ohlcv.shape[0]):
        open_price, high, low, close = ohlcv[bar, OPEN], ohlcv[bar, HIGH], ohlcv[bar, LOW], ohlcv[bar, CLOSE]
        if not _is_possible(open_price, high, low, close, ohlcv[bar, BASE]):
            return bar
        if bar < n_slow:
            atr = update_atr(atr_state, 0, atr_bars, high, low, close)
            fast = update_ema(fast_state, 0, fast_bars, close)
            slow = update_ema(slow_state, 0, slow_bars, close)
        else:
            atr = smoothed_range(atr, true_range(high, low, previous_close), atr_bars)
            fast, slow = smoothed(fast, close, fast_bars), smoothed(slow, close, slow_bars)
        previous_close = close
        has_range = atr > LEAST_ATR_FRAC * max(close, fast, slow)
        out[ATR_PRICE, bar] = atr
        out[BODY_OVER_ATR, bar] = (close - open_price) / atr if has_range else 0.0
        out[TREND_STRENGTH, bar] = (fast - slow) / atr if has_range else 0.0
        closes[bar], volumes[bar] = close, ohlcv[bar, BASE]
    return POSSIBLE


@kernel
def _is_possible(open_price: float, high: float, low: float, close: float, volume_base: float) -> bool:
    is_inside = 0.0 < low <= open_price <= high and low <= close <= high
    return is_inside and high < math.inf and 0.0 <= volume_base < math.inf


@kernel
def _fill_volatility(out: FloatArray, closes: FloatArray, windows: IntArray, thresholds: FloatArray) -> None:
    """Write return, volatility, drawdown and regime of every bar but the first; the trend is already in `out`."""
    n_bars = closes.shape[0]
    returns, long_vols = out[RETURN_BPS, 1:], np.empty(n_bars - 1)
    vols, drawdowns, regimes, trends = (
        out[REALISED_VOL_BPS, 1:],
        out[DRAWDOWN_BPS],
        out[REGIME, 1:],
        out[TREND_STRENGTH],
    )
    for bar in range(1, n_bars):
        returns[bar - 1] = log_return_bps(closes[bar - 1], closes[bar])
    fill_std(vols, returns, windows[VOL])
    fill_std(long_vols, returns, windows[VOL_LONG])
    fill_max(drawdowns, closes, windows[DRAWDOWN])
    for bar in range(n_bars):
        drawdowns[bar] = (drawdowns[bar] - closes[bar]) / drawdowns[bar] * BPS
    for bar in range(n_bars - 1):
        regimes[bar] = classify_regime(thresholds, drawdowns[bar + 1], vols[bar], long_vols[bar], trends[bar + 1])
