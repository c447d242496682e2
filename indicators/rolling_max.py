"""Rolling maximum at a constant cost a bar (van Herk 1992): a finished block's tail and the current block's head."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.compiled import kernel
from domain.features import FloatArray
from indicators.series import Stream, checked_series, checked_window

_PLACE: Final = 0
_IS_FULL: Final = 1
_HEAD_MAX: Final = 2
_TAILS: Final = 3


@kernel
def max_state(n_bars: int) -> int:
    """Return the length of the state of a window of `n_bars`: three words, then one tail maximum for every place."""
    return n_bars + _TAILS


@kernel
def update_max(state: FloatArray, at: int, n_bars: int, value: float) -> float:
    """Take one value into the window kept in state[at : at + max_state(n_bars)].

    Returns the highest of the last `n_bars` values including this one; NaN before that many.
    """
    place = int(state[at + _PLACE])
    tail = at + _TAILS
    head_max = value if place == 0 else max(state[at + _HEAD_MAX], value)
    state[at + _HEAD_MAX] = head_max
    state[tail + place] = value
    place += 1
    if place == n_bars:
        for earlier in range(n_bars - 2, -1, -1):
            state[tail + earlier] = max(state[tail + earlier], state[tail + earlier + 1])
        state[at + _PLACE] = 0.0
        state[at + _IS_FULL] = 1.0
        return float(head_max)
    state[at + _PLACE] = place
    if state[at + _IS_FULL] == 0.0:
        return math.nan
    return float(max(state[tail + place], head_max))


@kernel
def fill_max(out: FloatArray, values: FloatArray, n_bars: int) -> None:
    """Write `update_max` of every value of a series into `out`, shape (n,); NaN while cold. A block at a time."""
    tails = np.full(n_bars + 1, -math.inf)
    for first in range(0, values.shape[0], n_bars):
        block = values[first : first + n_bars]
        n_here, head = block.shape[0], -math.inf
        for place in range(n_here):
            head = max(head, block[place])
            out[first + place] = max(tails[place + 1], head)
        tail = -math.inf
        for place in range(n_here - 1, -1, -1):
            tail = max(tail, block[place])
            tails[place] = tail
    out[: n_bars - 1] = math.nan


def rolling_max_batch(values: Sequence[float] | FloatArray, n_bars: int) -> FloatArray:
    """Return the rolling maximum, shape (n,), NaN before `n_bars` values. Raises ValueError as `checked_series`."""
    series = checked_series(values)
    out = np.empty_like(series)
    fill_max(out, series, checked_window(n_bars))
    return out


def rolling_max_stream(n_bars: int) -> Stream:
    """Return a cold rolling maximum to be updated with one value a bar."""
    return Stream(update_max, n_bars, n_state=max_state(n_bars), warmup_bars=n_bars)
