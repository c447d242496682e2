"""What a tape's minutes come to in sum, worked out once, so that a walk can pass many of them at a glance."""

from typing import Final, NamedTuple

import numpy as np

from backtest.compiled.columns import (
    AS_OF_MS,
    CLOSE,
    DAY,
    FLAGS,
    HAS_BAR,
    HIGH,
    INNER_HIGH,
    INNER_LOW,
    LONG_WORST,
    LOW,
    SETTLES,
    SHORT_WORST,
    Columns,
)
from backtest.outcome import IntArray
from domain.compiled import tape_kernel
from domain.market import DAY_MS

SPAN_MINUTES: Final = 8
# Of so many minutes in a row: the extremes of their ticks, whether each has a bar, whether one settles funding.
(
    TOP, BOTTOM, HIGHEST, LOWEST, HIGHEST_CLOSE, LOWEST_CLOSE, LOWEST_WORST, HIGHEST_WORST, IS_WHOLE, IS_SETTLING,
    N_SPAN,
) = range(11)  # fmt: skip


class Landmarks(NamedTuple):
    """Sums of a tape. marks: what a position is valued at after each minute, in ticks, shape (n_minutes,).

    spans: SPAN_MINUTES at a time, those left over at the end left out, shape (n_minutes // SPAN_MINUTES, N_SPAN).
    closings: the last minute of each of the tape's days, shape (n_days,); openings: the first minute that closes at or
    after the midnight on which each begins, and one more. A day without minutes has its neighbour's.
    """

    marks: IntArray
    spans: IntArray
    closings: IntArray
    openings: IntArray


def landmarks_of(columns: Columns) -> Landmarks:
    """Return the sums of a tape."""
    ints = columns.ints
    first_day = (int(ints[0, AS_OF_MS]) - 1) // DAY_MS
    midnights = (first_day + np.arange(columns.n_days + 1)) * DAY_MS
    return Landmarks(
        marks=_marks_of(ints),
        spans=_spans_of(ints),
        closings=np.searchsorted(ints[:, DAY], np.arange(columns.n_days), side="right") - 1,
        openings=np.searchsorted(ints[:, AS_OF_MS], midnights),
    )


@tape_kernel
def _marks_of(ints: IntArray) -> IntArray:
    """Return each minute's close in ticks; a minute without a bar keeps the one before."""
    marks = np.zeros(ints.shape[0], dtype=np.int64)
    for place in range(ints.shape[0]):
        if ints[place, FLAGS] & HAS_BAR:
            marks[place] = ints[place, CLOSE]
        elif place > 0:
            marks[place] = marks[place - 1]
    return marks


@tape_kernel
def _spans_of(ints: IntArray) -> IntArray:
    spans = np.empty((ints.shape[0] // SPAN_MINUTES, N_SPAN), dtype=np.int64)
    for number in range(len(spans)):
        span, first = spans[number], ints[number * SPAN_MINUTES]
        span[TOP], span[BOTTOM], span[HIGHEST], span[LOWEST] = (
            first[INNER_HIGH],
            first[INNER_LOW],
            first[HIGH],
            first[LOW],
        )
        span[HIGHEST_CLOSE] = span[LOWEST_CLOSE] = first[CLOSE]
        span[LOWEST_WORST], span[HIGHEST_WORST] = first[LONG_WORST], first[SHORT_WORST]
        span[IS_WHOLE], span[IS_SETTLING] = 1, 0
        for place in range(number * SPAN_MINUTES, (number + 1) * SPAN_MINUTES):
            minute = ints[place]
            span[TOP] = max(span[TOP], minute[INNER_HIGH])
            span[BOTTOM] = min(span[BOTTOM], minute[INNER_LOW])
            span[HIGHEST], span[LOWEST] = max(span[HIGHEST], minute[HIGH]), min(span[LOWEST], minute[LOW])
            span[HIGHEST_CLOSE] = max(span[HIGHEST_CLOSE], minute[CLOSE])
            span[LOWEST_CLOSE] = min(span[LOWEST_CLOSE], minute[CLOSE])
            span[LOWEST_WORST] = min(span[LOWEST_WORST], minute[LONG_WORST])
            span[HIGHEST_WORST] = max(span[HIGHEST_WORST], minute[SHORT_WORST])
            span[IS_WHOLE] &= minute[FLAGS] & HAS_BAR
            span[IS_SETTLING] |= minute[FLAGS] & SETTLES
    return spans
