"""The shelf of round trips: what one run worked out of a tape's orders, the next one with the same exits looks up."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.compiled.columns import Columns
from backtest.compiled.landmarks import Landmarks
from backtest.compiled.signals import Signals
from backtest.compiled.terms import TermsArray
from backtest.compiled.trips import EXITS, N_SEEN, N_WORDS, Trips, WordArray, empty_table, see
from backtest.outcome import FloatArray, IntArray
from domain.compiled import tape_kernel
from strategy.rules import SideArray

MOST_BYTES: Final = 32_000_000
_MOST_SETS: Final = 64
_FEWEST_ROWS: Final = 8_192


class Batch(NamedTuple):
    """Runs that are walked in one go. runs: their places in the block. sets: the table of each, in the same order."""

    runs: IntArray
    sets: IntArray


class Shelf:
    """Round trips of one tape, a table for each set of exits, a row for each order; bounded, and emptied when full."""

    __slots__ = ("_features", "_n_rows", "_row_of", "_seen", "_sets", "_tables", "_wanted_out")

    def __init__(self) -> None:
        """Begin empty."""
        self._features: FloatArray | None = None
        self._wanted_out = False
        self._sets: dict[bytes, int] = {}
        self._n_rows = 0
        self._seen = np.empty((0, N_SEEN))
        self._row_of = np.zeros((0, 2), dtype=np.int32)
        self._tables: WordArray = np.zeros((0, 0, N_WORDS), dtype=np.int32)

    def trips_of(self, columns: Columns, landmarks: Landmarks, features: FloatArray, signals: Signals) -> Trips:
        """Return the trips of these signals' orders. `table` has a first axis more than in `Trips`, for sets of exits.

        What was worked out with other features is forgotten. Trips of a strategy that may want out are nobody else's.
        """
        n_signals = len(signals.places)
        is_full = self._n_rows + n_signals > len(self._seen)
        may_want_out = bool(signals.leaves.any())
        if self._features is not features or is_full or may_want_out or self._wanted_out:
            self._features = features
            self._empty(landmarks, n_signals)
        self._wanted_out = may_want_out
        rows, n_before = np.empty(n_signals, dtype=np.int64), self._n_rows
        self._n_rows = _number_rows(rows, self._row_of, n_before, signals.places, signals.sides)
        see(self._seen, rows, n_before, columns, features, signals)
        return Trips(rows=rows, seen=self._seen, table=self._tables, landmarks=landmarks)

    def batches(self, terms: TermsArray) -> Iterator[Batch]:
        """Yield the runs of a block, so many at a time as there are tables for their sets of exits."""
        runs: list[int] = []
        sets: list[int] = []
        packed = np.column_stack([terms[name].view(np.int64) for name in EXITS])
        for run, exits in enumerate(map(bytes, packed)):
            if exits not in self._sets:
                if len(self._sets) == len(self._tables):
                    yield Batch(np.array(runs, dtype=np.int64), np.array(sets, dtype=np.int64))
                    runs, sets, self._sets = [], [], {}
                    self._tables[:, : self._n_rows] = 0
                self._sets[exits] = len(self._sets)
            runs.append(run)
            sets.append(self._sets[exits])
        yield Batch(np.array(runs, dtype=np.int64), np.array(sets, dtype=np.int64))

    def _empty(self, landmarks: Landmarks, n_signals: int) -> None:
        n_rows = max(2 * n_signals, _FEWEST_ROWS)
        n_sets = min(_MOST_SETS, max(1, MOST_BYTES // (n_rows * N_WORDS * 4)))
        self._tables = empty_table(landmarks, n_sets, n_rows)
        self._seen = np.empty((n_rows, N_SEEN))
        self._row_of = np.zeros((len(landmarks.marks), 2), dtype=np.int32)
        self._n_rows, self._sets = 0, {}


@tape_kernel
def _number_rows(rows: IntArray, row_of: NDArray[np.int32], n_rows: int, places: IntArray, sides: SideArray) -> int:
    """Give each order, its minute and side, a row of its own; return how many there are."""
    for number in range(len(places)):
        side = 0 if sides[number] > 0 else 1
        if row_of[places[number], side] == 0:
            n_rows += 1
            row_of[places[number], side] = n_rows
        rows[number] = row_of[places[number], side] - 1
    return n_rows
