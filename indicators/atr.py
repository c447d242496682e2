"""True range and its Wilder average (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978)."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.compiled import kernel
from domain.features import FloatArray
from indicators.series import Stream, checked_series, checked_window

ATR_STATE: Final = 3
_N_SEEN: Final = 0
_PREVIOUS_CLOSE: Final = 1
_VALUE: Final = 2


@kernel
def true_range(high_price: float, low_price: float, previous_close_price: float) -> float:
    """Return the bar's range with the gap from the previous close included, in price units."""
    return max(high_price - low_price, abs(high_price - previous_close_price), abs(low_price - previous_close_price))


@kernel
def smoothed_range(atr_price: float, span_price: float, n_bars: int) -> float:
    """Return the ATR after one more true range."""
    return (atr_price * (n_bars - 1.0) + span_price) / n_bars


@kernel
def update_atr(
    state: FloatArray, at: int, n_bars: int, high_price: float, low_price: float, close_price: float
) -> float:
    """Take one bar into the ATR kept in state[at : at + ATR_STATE]; NaN until `n_bars` + 1 bars.

    The first bar has no previous close, hence no true range. The first ATR is the mean of `n_bars` true ranges, then
    atr = (previous * (n_bars - 1) + true range) / n_bars. State: bars seen, previous close, sum (cold) or ATR.
    """
    n_before = state[at + _N_SEEN]
    previous_close = state[at + _PREVIOUS_CLOSE]
    state[at + _N_SEEN] = n_before + 1.0
    state[at + _PREVIOUS_CLOSE] = close_price
    if n_before == 0.0:
        return math.nan
    span = true_range(high_price, low_price, previous_close)
    if n_before < n_bars:
        state[at + _VALUE] += span
        return math.nan
    if n_before == n_bars:
        state[at + _VALUE] = (state[at + _VALUE] + span) / n_bars
    else:
        state[at + _VALUE] = smoothed_range(state[at + _VALUE], span, n_bars)
    return float(state[at + _VALUE])


@kernel
def _atr_loop(high: FloatArray, low: FloatArray, close: FloatArray, n_bars: int) -> FloatArray:
    state = np.zeros(ATR_STATE)
    out = np.empty(close.shape[0])
    for bar in range(close.shape[0]):
        out[bar] = update_atr(state, 0, n_bars, high[bar], low[bar], close[bar])
    return out


@kernel
def _true_range_loop(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    out = np.full(close.shape[0], math.nan)
    for bar in range(1, close.shape[0]):
        out[bar] = true_range(high[bar], low[bar], close[bar - 1])
    return out


Prices = Sequence[float] | FloatArray


def _checked_columns(high: Prices, low: Prices, close: Prices) -> tuple[FloatArray, FloatArray, FloatArray]:
    columns = (checked_series(high), checked_series(low), checked_series(close))
    if len({column.size for column in columns}) != 1:
        raise ValueError(f"high, low and close differ in length: {[column.size for column in columns]}")
    return columns


def atr_batch(high: Prices, low: Prices, close: Prices, n_bars: int) -> FloatArray:
    """Return the ATR after every bar in price units, shape (n,), NaN before bar `n_bars` + 1.

    Raises ValueError for columns of different length, and as `checked_series`.
    """
    return _atr_loop(*_checked_columns(high, low, close), checked_window(n_bars))


def true_range_batch(high: Prices, low: Prices, close: Prices) -> FloatArray:
    """Return the true range of every bar in price units, shape (n,), NaN for the first. Raises as `atr_batch`."""
    return _true_range_loop(*_checked_columns(high, low, close))


def atr_stream(n_bars: int) -> Stream:
    """Return a cold ATR to be updated with (high, low, close) of each bar."""
    return Stream(update_atr, n_bars, n_state=ATR_STATE, warmup_bars=n_bars + 1)
