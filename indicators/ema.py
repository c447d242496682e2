"""Exponential moving average, begun with the simple mean of its first window (as TA-Lib's EMA is)."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.compiled import kernel
from domain.features import FloatArray
from indicators.series import Stream, checked_series, checked_window

EMA_STATE: Final = 2
_N_SEEN: Final = 0
_VALUE: Final = 1


@kernel
def smoothed(average: float, value: float, n_bars: int) -> float:
    """Return the EMA after one more value."""
    return average + (value - average) * (2.0 / (n_bars + 1.0))


@kernel
def update_ema(state: FloatArray, at: int, n_bars: int, value: float) -> float:
    """Take one value into the EMA kept in state[at : at + EMA_STATE]; NaN before `n_bars` values.

    ema = previous + 2 / (n_bars + 1) * (value - previous). State: values seen, then their sum (cold) or the EMA.
    """
    n_seen = state[at + _N_SEEN] + 1.0
    state[at + _N_SEEN] = n_seen
    if n_seen < n_bars:
        state[at + _VALUE] += value
        return math.nan
    if n_seen == n_bars:
        state[at + _VALUE] = (state[at + _VALUE] + value) / n_bars
    else:
        state[at + _VALUE] = smoothed(state[at + _VALUE], value, n_bars)
    return float(state[at + _VALUE])


@kernel
def _ema_loop(values: FloatArray, n_bars: int) -> FloatArray:
    state = np.zeros(EMA_STATE)
    out = np.empty(values.shape[0])
    for bar in range(values.shape[0]):
        out[bar] = update_ema(state, 0, n_bars, values[bar])
    return out


def ema_batch(values: Sequence[float] | FloatArray, n_bars: int) -> FloatArray:
    """Return the EMA after every value, shape (n,), NaN before `n_bars` values. Raises ValueError."""
    return _ema_loop(checked_series(values), checked_window(n_bars))


def ema_stream(n_bars: int) -> Stream:
    """Return a cold EMA to be updated with one value a bar."""
    return Stream(update_ema, n_bars, n_state=EMA_STATE, warmup_bars=n_bars)
