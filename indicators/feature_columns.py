"""The features of a whole tape at once: the arithmetic of `indicators/features.py`, one figure after another.

A bar at a time, every indicator fetches its memory and puts it back. Over a tape each keeps it in registers, and what
depends on no earlier bar runs several bars at once. The bits are the desk's; the tests hold both against each other.

Only figures are worked out. What stood beside a bar stays where the tape has it, and `features_at` puts both together.
"""

import math
from enum import IntEnum
from typing import Final

import numpy as np

from domain.compiled import inner_kernel, kernel, tape_kernel
from domain.features import N_FEATURES, Feature, FloatArray
from indicators.atr import ATR_STATE, smoothed_range, true_range, update_atr
from indicators.ema import EMA_STATE, smoothed, update_ema
from indicators.realised_vol import BPS
from indicators.regime import classify_regime
from indicators.rolling_max import fill_max
from indicators.rolling_moments import fill_std, fill_zscore
from indicators.series import IntArray

ATR, VOLUME, VOL, VOL_LONG, EMA_FAST, EMA_SLOW, DRAWDOWN = range(7)
OPEN, HIGH, LOW, CLOSE, BASE = range(5)


class Figure(IntEnum):
    """The place of each feature that is worked out of bars, among the figures of a tape.

    The last three tell the regime. Where nobody asks for it they are left out, and the figures have N_DECIDING columns.
    """

    BODY_OVER_ATR = 0
    VOLUME_Z = 1
    REALISED_VOL_BPS = 2
    ATR_PRICE = 3
    TREND_STRENGTH = 4
    DRAWDOWN_BPS = 5
    REGIME = 6


N_FIGURES: Final = len(Figure)
N_DECIDING: Final = 4
FIGURES: Final = tuple(int(Feature[figure.name]) for figure in Figure)
# What a tape holds already: five readings, and the return from the bar before.
BESIDE: Final = (
    int(Feature.BOOK_IMBALANCE),
    int(Feature.PREMIUM_BPS),
    int(Feature.FUNDING_RATE_HOURLY_FRAC),
    int(Feature.OPEN_INTEREST_USD),
    int(Feature.SPREAD_BPS),
    int(Feature.RETURN_BPS),
)
RETURN: Final = 5

BODY_OVER_ATR: Final = int(Figure.BODY_OVER_ATR)
VOLUME_Z: Final = int(Figure.VOLUME_Z)
REALISED_VOL_BPS: Final = int(Figure.REALISED_VOL_BPS)
ATR_PRICE: Final = int(Figure.ATR_PRICE)
TREND_STRENGTH: Final = int(Figure.TREND_STRENGTH)
DRAWDOWN_BPS: Final = int(Figure.DRAWDOWN_BPS)
REGIME: Final = int(Figure.REGIME)

# After days without a trade the ATR has decayed to less than the rounding error of a price, and ratios to it are noise.
LEAST_ATR_FRAC: Final = 1e-12

# Two averages that began apart differ by the last bit after some 20 to 40 windows, and by nothing soon after.
N_WINDOWS_TO_FORGET: Final = 64

POSSIBLE: Final = -1

# The windows, and the values, of ATR, fast and slow average.
Spans = tuple[int, int, int]
Averages = tuple[float, float, float]


@kernel
def first_impossible(bars: FloatArray) -> int:
    """Return the place of the first bar that no market can print, or POSSIBLE. bars: shape (5, n)."""
    opens, highs, lows, closes, volumes = bars[OPEN], bars[HIGH], bars[LOW], bars[CLOSE], bars[BASE]
    for bar in range(bars.shape[1]):
        low, high = lows[bar], highs[bar]
        is_inside = 0.0 < low <= opens[bar] <= high and low <= closes[bar] <= high
        if not (is_inside and high < math.inf and 0.0 <= volumes[bar] < math.inf):
            return bar
    return POSSIBLE


@tape_kernel
def fill_figures(
    out: FloatArray,
    bars: FloatArray,
    returns_bps: FloatArray,
    windows: IntArray,
    thresholds: FloatArray,
    n_cold: int,
) -> None:
    """Write the figures after every bar into `out`, shape (N_FIGURES or N_DECIDING, n); NaN in the first `n_cold`.

    bars: shape (5, n), every row in one piece; possible bars. returns_bps: shape (n,), see `fill_returns`.
    """
    _fill_smoothed(out, bars, windows)
    fill_zscore(out[VOLUME_Z], bars[BASE], windows[VOLUME])
    fill_std(out[REALISED_VOL_BPS, 1:], returns_bps[1:], windows[VOL])
    if out.shape[0] == N_FIGURES:
        _fill_regimes(out, bars[CLOSE], returns_bps, windows, thresholds)
    out[:, :n_cold] = math.nan


@kernel
def _fill_smoothed(out: FloatArray, bars: FloatArray, windows: IntArray) -> None:
    """Write ATR and body, and, where the trend is wanted, what it is before it is told in ATRs.

    Every bar waits for the division of the bar before, so the two halves of a tape are done side by side. The second
    begins at a guess made some windows earlier: averages forget where they began, to the last bit. Where the first half
    does not end at that guess, as in a dead market, the second is done again.
    """
    n_bars, spans = bars.shape[1], (windows[ATR], windows[EMA_FAST], windows[EMA_SLOW])
    first, averages = _fill_beginning(out, bars, spans)
    half, lead = (first + n_bars) // 2, N_WINDOWS_TO_FORGET * max(spans)
    if half - lead > first:
        guess = _guessed(bars, half - lead, half, spans)
        averages, ahead = _fill_halves(out, bars, first, half, averages, guess, spans)
        first, averages = (2 * half - first, ahead) if averages == guess else (half, averages)
    _fill_on(out, bars, first, averages, spans)


@kernel
def _fill_beginning(out: FloatArray, bars: FloatArray, spans: Spans) -> tuple[int, Averages]:
    """Write the bars until all averages have begun; return the bar after them, and the averages."""
    n_bars = min(max(spans[0] + 1, spans[1], spans[2]), bars.shape[1])
    atr_state, fast_state, slow_state = np.zeros(ATR_STATE), np.zeros(EMA_STATE), np.zeros(EMA_STATE)
    atrs, bodies, gaps, has_trend = _rows(out)
    averages = (math.nan, math.nan, math.nan)
    for bar in range(n_bars):
        close = bars[CLOSE, bar]
        atr = update_atr(atr_state, 0, spans[0], bars[HIGH, bar], bars[LOW, bar], close)
        averages = atr, update_ema(fast_state, 0, spans[1], close), update_ema(slow_state, 0, spans[2], close)
        atrs[bar], bodies[bar], gap = _told(averages, bars[OPEN, bar], close)
        if has_trend:
            gaps[bar] = gap
    return n_bars, averages


@kernel
def _guessed(bars: FloatArray, first: int, until: int, spans: Spans) -> Averages:
    """Return what the averages before bar `until` would be, had they begun at bar `first`."""
    highs, lows, closes = bars[HIGH], bars[LOW], bars[CLOSE]
    averages = (highs[first] - lows[first], closes[first], closes[first])
    for bar in range(first + 1, until):
        averages = _smoothed(averages, highs[bar], lows[bar], closes[bar - 1], closes[bar], spans)
    return averages


@kernel
def _fill_halves(
    out: FloatArray, bars: FloatArray, first: int, half: int, averages: Averages, ahead: Averages, spans: Spans
) -> tuple[Averages, Averages]:
    """Write the bars from `first` to `half`, and as many from there on; return the averages after either."""
    opens, highs, lows, closes = bars[OPEN], bars[HIGH], bars[LOW], bars[CLOSE]
    atrs, bodies, gaps, has_trend = _rows(out)
    for bar in range(first, half):
        averages = _smoothed(averages, highs[bar], lows[bar], closes[bar - 1], closes[bar], spans)
        atrs[bar], bodies[bar], gap = _told(averages, opens[bar], closes[bar])
        there = bar + half - first
        ahead = _smoothed(ahead, highs[there], lows[there], closes[there - 1], closes[there], spans)
        atrs[there], bodies[there], gap_there = _told(ahead, opens[there], closes[there])
        if has_trend:
            gaps[bar], gaps[there] = gap, gap_there
    return averages, ahead


@kernel
def _fill_on(out: FloatArray, bars: FloatArray, first: int, averages: Averages, spans: Spans) -> None:
    """Write the bars from `first` on."""
    opens, highs, lows, closes = bars[OPEN], bars[HIGH], bars[LOW], bars[CLOSE]
    atrs, bodies, gaps, has_trend = _rows(out)
    for bar in range(first, bars.shape[1]):
        averages = _smoothed(averages, highs[bar], lows[bar], closes[bar - 1], closes[bar], spans)
        atrs[bar], bodies[bar], gap = _told(averages, opens[bar], closes[bar])
        if has_trend:
            gaps[bar] = gap


@inner_kernel
def _rows(out: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, bool]:
    has_trend = out.shape[0] == N_FIGURES
    return out[ATR_PRICE], out[BODY_OVER_ATR], out[TREND_STRENGTH if has_trend else ATR_PRICE], has_trend


@inner_kernel
def _smoothed(
    averages: Averages, high: float, low: float, previous_close: float, close: float, spans: Spans
) -> Averages:
    """Return ATR, fast and slow average after one more bar."""
    atr, fast, slow = averages
    span = true_range(high, low, previous_close)
    return smoothed_range(atr, span, spans[0]), smoothed(fast, close, spans[1]), smoothed(slow, close, spans[2])


@inner_kernel
def _told(averages: Averages, open_price: float, close: float) -> tuple[float, float, float]:
    """Return ATR, body in ATRs, and the gap between the averages; both are 0 in a market without range."""
    atr, fast, slow = averages
    has_range = atr > LEAST_ATR_FRAC * max(close, fast, slow)
    return atr, (close - open_price) / atr if has_range else 0.0, fast - slow if has_range else 0.0


@kernel
def _fill_regimes(
    out: FloatArray, closes: FloatArray, returns_bps: FloatArray, windows: IntArray, thresholds: FloatArray
) -> None:
    """Write trend, drawdown and regime out of ATR, volatility and the gap between the averages."""
    atrs, trends, vols = out[ATR_PRICE], out[TREND_STRENGTH], out[REALISED_VOL_BPS]
    drawdowns, regimes = out[DRAWDOWN_BPS], out[REGIME]
    long_vols = np.empty_like(closes)
    fill_std(long_vols[1:], returns_bps[1:], windows[VOL_LONG])
    fill_max(drawdowns, closes, windows[DRAWDOWN])
    for bar in range(closes.shape[0]):
        trends[bar] = trends[bar] / atrs[bar] if trends[bar] != 0.0 else 0.0
        drawdowns[bar] = (drawdowns[bar] - closes[bar]) / drawdowns[bar] * BPS
    for bar in range(closes.shape[0]):
        regimes[bar] = classify_regime(thresholds, drawdowns[bar], vols[bar], long_vols[bar], trends[bar])


@kernel
def features_at(figures: FloatArray, beside: FloatArray, places: IntArray) -> FloatArray:
    """Return the features after some bars, shape (n_places, N_FEATURES); all NaN where the figures are.

    figures: shape (n, N_FIGURES or N_DECIDING). beside: shape (n, 6), in the order of `BESIDE`. Column after column,
    so that many bars are fetched from memory at once.
    """
    features = np.full((N_FEATURES, len(places)), math.nan)
    for figure in range(figures.shape[1]):
        column, found = figures[:, figure], features[FIGURES[figure]]
        for number in range(len(places)):
            found[number] = column[places[number]]
    volumes = features[FIGURES[VOLUME_Z]]
    for reading in range(beside.shape[1]):
        column, found = beside[:, reading], features[BESIDE[reading]]
        for number in range(len(places)):
            found[number] = math.nan if math.isnan(volumes[number]) else column[places[number]]
    return features.T
