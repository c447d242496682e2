"""Rolling mean. The window is a finished block's tail plus the current block's head: see `rolling_moments`."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.compiled import kernel
from domain.features import FloatArray
from indicators.series import Stream, checked_series, checked_window

_PLACE: Final = 0
_IS_FULL: Final = 1
_HEAD_SUM: Final = 2
_TAILS: Final = 3


@kernel
def mean_state(n_bars: int) -> int:
    """Return the length of the state of a window of `n_bars`: three words, then one tail sum for every place."""
    return n_bars + _TAILS


@kernel
def update_mean(state: FloatArray, at: int, n_bars: int, value: float) -> float:
    """Take one value into the window kept in state[at : at + mean_state(n_bars)].

    Returns the mean of the last `n_bars` values including this one, in their unit; NaN before that many.
    """
    place = int(state[at + _PLACE])
    tail = at + _TAILS
    head_sum = value if place == 0 else state[at + _HEAD_SUM] + value
    state[at + _HEAD_SUM] = head_sum
    state[tail + place] = value
    place += 1
    if place == n_bars:
        for earlier in range(n_bars - 2, -1, -1):
            state[tail + earlier] += state[tail + earlier + 1]
        state[at + _PLACE] = 0.0
        state[at + _IS_FULL] = 1.0
        return head_sum / n_bars
    state[at + _PLACE] = place
    if state[at + _IS_FULL] == 0.0:
        return math.nan
    return float((state[tail + place] + head_sum) / n_bars)


@kernel
def _mean_loop(values: FloatArray, n_bars: int) -> FloatArray:
    state = np.zeros(mean_state(n_bars))
    out = np.empty(values.shape[0])
    for bar in range(values.shape[0]):
        out[bar] = update_mean(state, 0, n_bars, values[bar])
    return out


def rolling_mean_batch(values: Sequence[float] | FloatArray, n_bars: int) -> FloatArray:
    """Return the rolling mean, shape (n,), NaN before `n_bars` values. Raises ValueError as `checked_series`."""
    return _mean_loop(checked_series(values), checked_window(n_bars))


def rolling_mean_stream(n_bars: int) -> Stream:
    """Return a cold rolling mean to be updated with one value a bar."""
    return Stream(update_mean, n_bars, n_state=mean_state(n_bars), warmup_bars=n_bars)
