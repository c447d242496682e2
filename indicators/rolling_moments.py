"""Rolling standard deviation and z-score, with nothing ever subtracted from a running sum.

Time is cut into blocks of one window. Kept are sums over the current block so far, and, for every place of the block
before, sums from there to its end. Any window is the tail of one plus the head of the other, so a value that has
left the window has left no trace, nothing drifts, and a bar costs the same in a window of any length (van Herk
1992 does this for maxima). The sums are of distances from a value inside the window, so the variance is never the
small difference of two large squares: its relative error stays within a few n_bars times 1e-16.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.compiled import inner_kernel, kernel
from domain.features import FloatArray
from indicators.series import Stream, checked_series, checked_window

_PLACE: Final = 0
_IS_FULL: Final = 1
_HEAD_ORIGIN: Final = 2
_HEAD_SUM: Final = 3
_HEAD_SQUARES: Final = 4
_TAIL_ORIGIN: Final = 5
_TAILS: Final = 6

# Doubles in the widest register of today's machines.
_LANES: Final = 8


@kernel
def moments_state(n_bars: int) -> int:
    """Return the length of the state of a window of `n_bars`: six words, then two sums for every place."""
    return 2 * n_bars + _TAILS


@kernel
def update_moments(state: FloatArray, at: int, n_bars: int, value: float) -> tuple[float, float]:
    """Take one value into the window kept in state[at : at + moments_state(n_bars)].

    Returns (mean, variance with ddof 0) of the last `n_bars` values including this one; two NaN before that many.
    """
    place = int(state[at + _PLACE])
    if place == 0:
        origin, total, squares = value, 0.0, 0.0
        state[at + _HEAD_ORIGIN] = value
    else:
        origin, total, squares = state[at + _HEAD_ORIGIN], state[at + _HEAD_SUM], state[at + _HEAD_SQUARES]
    distance = value - origin
    total += distance
    squares += distance * distance
    state[at + _HEAD_SUM] = total
    state[at + _HEAD_SQUARES] = squares
    state[at + _TAILS + place] = value
    place += 1
    state[at + _PLACE] = place
    if place == n_bars:
        # The block is whole: its raw values become sums from each place to the end, and the next block begins.
        tail_sum, tail_squares = 0.0, 0.0
        for earlier in range(at + _TAILS + n_bars - 1, at + _TAILS - 1, -1):
            tail_distance = state[earlier] - value
            tail_sum += tail_distance
            tail_squares += tail_distance * tail_distance
            state[earlier] = tail_sum
            state[earlier + n_bars] = tail_squares
        state[at + _PLACE] = 0.0
        state[at + _IS_FULL] = 1.0
        state[at + _TAIL_ORIGIN] = value
    elif state[at + _IS_FULL] == 0.0:
        return math.nan, math.nan
    else:
        tail = at + _TAILS + place
        shift = state[at + _TAIL_ORIGIN] - origin
        tail_sum = state[tail]
        shift_sum = shift * (n_bars - place)
        total += tail_sum + shift_sum
        squares += state[tail + n_bars] + shift * (2.0 * tail_sum + shift_sum)
    return origin + total / n_bars, variance_of(total, squares, n_bars)


@inner_kernel
def variance_of(total: float, squares: float, n_bars: int) -> float:
    """Return the variance (ddof 0) of `n_bars` values from the sums of their distances and of the squares of these."""
    return max(0.0, (squares - total * (total / n_bars)) / n_bars)


@inner_kernel
def zscore_of(value: float, mean: float, variance: float) -> float:
    """Return the distance from the mean in standard deviations; 0 where all values are equal."""
    return 0.0 if variance == 0.0 else (value - mean) / math.sqrt(variance)


@kernel
def update_std(state: FloatArray, at: int, n_bars: int, value: float) -> float:
    """Take one value; return the standard deviation (ddof 0) of the last `n_bars`, in the value's unit, NaN if cold."""
    return math.sqrt(update_moments(state, at, n_bars, value)[1])


@kernel
def update_zscore(state: FloatArray, at: int, n_bars: int, value: float) -> float:
    """Take one value; return its distance from the mean of the last `n_bars` in their standard deviations (ddof 0).

    The value is part of its own window, so |z| <= sqrt(n_bars - 1). 0 where all are equal; NaN if cold.
    """
    mean, variance = update_moments(state, at, n_bars, value)
    return zscore_of(value, mean, variance)


@inner_kernel
def _fill_block(heads: FloatArray, tails: FloatArray, block: FloatArray) -> None:
    """Write a block's sums of distances and of their squares: from its first value on, and to its last.

    heads: shape (2, >= n), distances are from the block's first value. tails: the same shape, from its last.
    """
    n_here = block.shape[0]
    origin, end = block[0], block[n_here - 1]
    total = squares = tail_total = tail_squares = 0.0
    for place in range(n_here):
        earlier = n_here - 1 - place
        distance, tail_distance = block[place] - origin, block[earlier] - end
        total += distance
        squares += distance * distance
        tail_total += tail_distance
        tail_squares += tail_distance * tail_distance
        heads[0, place], heads[1, place] = total, squares
        tails[0, earlier], tails[1, earlier] = tail_total, tail_squares


@kernel
def _room(n_bars: int) -> FloatArray:
    """Return room for a block's sums, shape (2, places), zero beyond the block; see `_n_together`."""
    return np.zeros((2, n_bars + 1 + _LANES))


@inner_kernel
def _n_together(n_here: int, n_left: int) -> int:
    """Return over how many values a block's figures are worked out, all at once.

    A multiple of what the machine does in one go: what is written too far is written again by the next block.
    """
    return min((n_here + _LANES - 1) // _LANES * _LANES, n_left)


@kernel
def fill_std(out: FloatArray, values: FloatArray, n_bars: int) -> None:
    """Write `update_std` of every value of a series into `out`, shape (n,), bit for bit; NaN while cold."""
    n_values, heads = values.shape[0], _room(n_bars)
    tails, next_tails, tail_origin = _room(n_bars), _room(n_bars), 0.0
    for first in range(0, n_values, n_bars):
        block = values[first : first + n_bars]
        _fill_block(heads, next_tails, block)
        shift = tail_origin - block[0]
        answers = out[first : first + _n_together(block.shape[0], n_values - first)]
        for place in range(answers.shape[0]):
            total, squares = _window_sums(heads, tails, place, shift, n_bars)
            answers[place] = math.sqrt(variance_of(total, squares, n_bars))
        tails, next_tails, tail_origin = next_tails, tails, block[block.shape[0] - 1]
    out[: n_bars - 1] = math.nan


@inner_kernel
def _window_sums(heads: FloatArray, tails: FloatArray, place: int, shift: float, n_bars: int) -> tuple[float, float]:
    """Return the two sums over the window that ends at a block's `place`, as `update_moments` adds them up."""
    tail, shift_sum = tails[0, place + 1], shift * (n_bars - place - 1)
    total = heads[0, place] + (tail + shift_sum)
    return total, heads[1, place] + (tails[1, place + 1] + shift * (2.0 * tail + shift_sum))


@kernel
def fill_zscore(out: FloatArray, values: FloatArray, n_bars: int) -> None:
    """Write `update_zscore` of every value of a series into `out`, shape (n,), bit for bit; NaN while cold."""
    n_values, heads = values.shape[0], _room(n_bars)
    tails, next_tails, tail_origin = _room(n_bars), _room(n_bars), 0.0
    for first in range(0, n_values, n_bars):
        block = values[first : first + n_bars]
        _fill_block(heads, next_tails, block)
        origin, last = block[0], first + _n_together(block.shape[0], n_values - first)
        shift, answers, asked = tail_origin - origin, out[first:last], values[first:last]
        for place in range(answers.shape[0]):
            total, squares = _window_sums(heads, tails, place, shift, n_bars)
            variance = variance_of(total, squares, n_bars)
            answers[place] = zscore_of(asked[place], origin + total / n_bars, variance)
        tails, next_tails, tail_origin = next_tails, tails, block[block.shape[0] - 1]
    out[: n_bars - 1] = math.nan


def rolling_std_batch(values: Sequence[float] | FloatArray, n_bars: int) -> FloatArray:
    """Return the rolling standard deviation (ddof 0), shape (n,), NaN before `n_bars` values. Raises ValueError."""
    series = checked_series(values)
    out = np.empty_like(series)
    fill_std(out, series, checked_window(n_bars))
    return out


def rolling_zscore_batch(values: Sequence[float] | FloatArray, n_bars: int) -> FloatArray:
    """Return each value's z-score in its window, shape (n,), NaN before `n_bars` values. Raises ValueError."""
    series = checked_series(values)
    out = np.empty_like(series)
    fill_zscore(out, series, checked_window(n_bars))
    return out


def rolling_std_stream(n_bars: int) -> Stream:
    """Return a cold rolling standard deviation to be updated with one value a bar."""
    return Stream(update_std, n_bars, n_state=moments_state(n_bars), warmup_bars=n_bars)


def rolling_zscore_stream(n_bars: int) -> Stream:
    """Return a cold rolling z-score to be updated with one value a bar."""
    return Stream(update_zscore, n_bars, n_state=moments_state(n_bars), warmup_bars=n_bars)
