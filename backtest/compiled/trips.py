"""Round trips: where a trade begins and ends hangs on tape and exits, never on the account, so it is worked out once.

An entry's size changes what a trade earns, not when its stop, its target or its time comes. Every run with the same
exits looks the way from an order to its exit up in one table. Two things would break that, a liquidator and a partial
exit: `leap` leaves such trades to the minutes.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.compiled.columns import (
    AS_OF_MS,
    CLOSE_PRICE,
    MARK_PRICE,
    ORACLE_PRICE,
    SPREAD_BPS,
    Columns,
)
from backtest.compiled.landmarks import HIGHEST as SPAN_HIGHEST
from backtest.compiled.landmarks import HIGHEST_WORST, Landmarks, landmarks_of
from backtest.compiled.signals import Signals
from backtest.outcome import FloatArray, IntArray
from domain.compiled import tape_kernel
from indicators.feature_columns import Figure

# A trip: what is known of it; the minutes it begins and ends in, their fills in ticks, the ticks it was to end at, and
# why; how many bars it lasts before the last, how far they reach for and against it, the extremes of its marks and of
# where the liquidator looks; when it opens, when it closes, and the close of the minute in which it does, all three in
# milliseconds after the close of the signal's minute.
(
    KNOWN, ENTERED, LEFT, BOUGHT, SOLD, MEANT, WHY, N_HELD, REACHED, FELL, LOWEST, HIGHEST, FARTHEST, OPENED, CLOSED,
    LEFT_MS, N_WORDS,
) = range(17)  # fmt: skip
UNKNOWN, WHOLE, FUNDED, ENDLESS = range(4)
"""FUNDED: whole, with funding settled on it. ENDLESS: the tape ends before it does."""

# What the desk looks at on the minute of a signal.
(SEEN_MS, SEEN_CLOSE, SEEN_MARK, SEEN_ORACLE, SEEN_SPREAD, SEEN_ATR, SEEN_VOLATILITY, N_SEEN) = range(8)

EXITS: Final = (
    "half_spread_bps", "slippage_bps", "latency_bars", "stop_frac", "stop_atr", "target_frac", "trail_frac",
    "trail_arm_frac", "max_hold_ms",
)  # fmt: skip
"""The terms a trip hangs on; others are the same in every run on an instrument, or a matter of money."""


WordArray = NDArray[np.int32] | IntArray
_NARROW: Final = 2**30


class Trips(NamedTuple):
    """The round trips of one set of exits.

    rows: the row of each signal, shape (n_signals,). seen: what the desk sees then, shape (n_rows, N_SEEN). table: the
    trips, shape (n_rows, N_WORDS), all zero at first. landmarks: of the tape.
    """

    rows: IntArray
    seen: FloatArray
    table: WordArray
    landmarks: Landmarks


def fresh_trips(columns: Columns, features: FloatArray, signals: Signals, landmarks: Landmarks | None = None) -> Trips:
    """Return room for the trips of one run, none of them worked out. landmarks: the tape's, where they are known."""
    n_signals = len(signals.places)
    rows, seen = np.arange(n_signals), np.empty((n_signals, N_SEEN))
    see(seen, rows, 0, columns, features, signals)
    landmarks = landmarks or landmarks_of(columns)
    return Trips(rows=rows, seen=seen, table=empty_table(landmarks, n_signals), landmarks=landmarks)


def empty_table(landmarks: Landmarks, *shape: int) -> WordArray:
    """Return room for trips, shape (*shape, N_WORDS), in words of 32 bits where the tape's prices in ticks allow it.

    Memory that nobody writes to is not there: a table is as large as the rows that were worked out.
    """
    room = (*shape, N_WORDS)
    is_narrow = landmarks.spans[:, (SPAN_HIGHEST, HIGHEST_WORST)].max() < _NARROW
    return np.zeros(room, dtype=np.int32) if is_narrow else np.zeros(room, dtype=np.int64)


@tape_kernel
def see(
    seen: FloatArray, rows: IntArray, n_before: int, columns: Columns, features: FloatArray, signals: Signals
) -> None:
    """Write what the desk sees on the minutes of the signals whose row is `n_before` or later."""
    for number in range(len(rows)):
        if rows[number] < n_before:
            continue
        place, row = signals.places[number], seen[rows[number]]
        minute = columns.floats[place]
        row[SEEN_MS] = columns.ints[place, AS_OF_MS]
        row[SEEN_CLOSE], row[SEEN_MARK], row[SEEN_ORACLE] = (
            minute[CLOSE_PRICE],
            minute[MARK_PRICE],
            minute[ORACLE_PRICE],
        )
        row[SEEN_SPREAD] = minute[SPREAD_BPS]
        row[SEEN_ATR] = features[place, Figure.ATR_PRICE]
        row[SEEN_VOLATILITY] = features[place, Figure.REALISED_VOL_BPS]
