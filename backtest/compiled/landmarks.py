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

    spans: SPAN_MINUTES at a time, the last with what is left and never whole, shape (n_minutes / 8 upwards, N_SPAN).
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
    marks, spans = _survey(ints)
    return Landmarks(
        marks=marks,
        spans=spans,
        closings=np.searchsorted(ints[:, DAY], np.arange(columns.n_days), side="right") - 1,
        openings=np.searchsorted(ints[:, AS_OF_MS], midnights),
    )


@tape_kernel
def _survey(ints: IntArray) -> tuple[IntArray, IntArray]:
    """Return marks and spans, in one pass: a tape's minutes do not fit the caches."""
    n_minutes = ints.shape[0]
    marks = np.empty(n_minutes, dtype=np.int64)
    spans = np.empty((-(-n_minutes // SPAN_MINUTES), N_SPAN), dtype=np.int64)
    mark = 0
    for number in range(len(spans)):
        first, until = number * SPAN_MINUTES, min((number + 1) * SPAN_MINUTES, n_minutes)
        start = ints[first]
        top, bottom, highest, lowest = start[INNER_HIGH], start[INNER_LOW], start[HIGH], start[LOW]
        highest_close = lowest_close = start[CLOSE]
        lowest_worst, highest_worst = start[LONG_WORST], start[SHORT_WORST]
        together, either = HAS_BAR, 0
        for place in range(first, until):
            minute = ints[place]
            if minute[FLAGS] & HAS_BAR:
                mark = minute[CLOSE]
            marks[place] = mark
            top, bottom = max(top, minute[INNER_HIGH]), min(bottom, minute[INNER_LOW])
            highest, lowest = max(highest, minute[HIGH]), min(lowest, minute[LOW])
            highest_close, lowest_close = max(highest_close, minute[CLOSE]), min(lowest_close, minute[CLOSE])
            lowest_worst = min(lowest_worst, minute[LONG_WORST])
            highest_worst = max(highest_worst, minute[SHORT_WORST])
            together, either = together & minute[FLAGS], either | minute[FLAGS]
        span = spans[number]
        span[TOP], span[BOTTOM], span[HIGHEST], span[LOWEST] = top, bottom, highest, lowest
        span[HIGHEST_CLOSE], span[LOWEST_CLOSE] = highest_close, lowest_close
        span[LOWEST_WORST], span[HIGHEST_WORST] = lowest_worst, highest_worst
        span[IS_WHOLE], span[IS_SETTLING] = together if until - first == SPAN_MINUTES else 0, either & SETTLES
    return marks, spans
