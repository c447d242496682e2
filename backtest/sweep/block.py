"""The unit of a sweep's work: one set of signals, walked with many sets of exits, caps and sizes in one call."""

from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

import numpy as np

from backtest.compiled.columns import AS_OF_MS, Columns
from backtest.compiled.engine import walk
from backtest.compiled.landmarks import Landmarks, landmarks_of
from backtest.compiled.ledger import (
    CLOSED_OF,
    ENTRY_TICKS,
    FEES_OF,
    FUNDING_OF,
    GROSS_OF,
    OPENED_OF,
    RISK_OF,
    SIZE_LOTS,
    SLIPPAGE_OF,
    Memory,
)
from backtest.compiled.signals import Signals, asks_regimes, features_of, fitting, signals_of
from backtest.compiled.state import N_TRADES, WORST_DRAWDOWN, TradeFloat, TradeInt, fresh_state, start_over
from backtest.compiled.terms import Terms, TermsArray
from backtest.compiled.told import Told
from backtest.compiled.trips import Trips
from backtest.metrics.compiled import N_METRICS, write_metrics
from backtest.metrics.trades import N_COLUMNS, Column
from backtest.outcome import FloatArray, IntArray
from backtest.segment import Segment, columns_in, features_in
from backtest.sweep.shelf import Batch, Shelf
from domain.compiled import kernel, lent, tape_kernel
from domain.market import MINUTE_MS
from domain.record import Record
from indicators.features import FeatureWindows
from indicators.regime import RegimeThresholds
from risk.switching import RegimeSwitch
from strategy.registry import build_strategies


class Block(Record, frozen=True, kw_only=True, eq=False):
    """One set of signals and the terms to walk it with.

    numbers: the combinations, shape (n,). terms: their figures packed in the same order, shape (n,).
    switch: which of the signals the desk would let pass.
    segment: the minutes to walk, with a fresh account and warm features; None for the whole tape.
    """

    numbers: IntArray
    windows: FeatureWindows
    regimes: RegimeThresholds
    strategies: tuple[str, ...]
    thresholds: Mapping[str, Record]
    terms: TermsArray
    switch: RegimeSwitch
    segment: Segment | None = None


class Measured(NamedTuple):
    """What a block came to.

    figures: shape (n, N_METRICS). days_microusd: the starting equity and that at each day's end, (n, 1 + n_days).
    """

    numbers: IntArray
    figures: FloatArray
    days_microusd: IntArray


class Sight:
    """What all walkers of a tape may share: its landmarks, and the features of the last windows one asked for."""

    __slots__ = ("_features", "_key", "_lock", "columns", "landmarks")

    def __init__(self, columns: Columns) -> None:
        """Take the tape."""
        self.columns, self.landmarks = columns, landmarks_of(columns)
        self._key: tuple[FeatureWindows, RegimeThresholds, bool] | None = None
        self._features: FloatArray = np.empty((0, 0))
        self._lock = Lock()

    def features_of(self, windows: FeatureWindows, regimes: RegimeThresholds, *, has_regimes: bool) -> FloatArray:
        """Return the figures after every minute, as `signals.features_of` does."""
        key = windows, regimes, has_regimes
        with self._lock:
            if self._key != key:
                self._features = features_of(self.columns, windows, regimes, has_regimes=has_regimes)
                self._key = key
            return self._features


class Walker:
    """Walks blocks over one tape, in one thread; it keeps the round trips it worked out for later blocks."""

    __slots__ = ("_piece", "_piece_key", "_shelf", "_sight")

    def __init__(self, columns: Columns, sight: Sight | None = None) -> None:
        """Take the tape. sight: of the same tape, where another walker has one."""
        self._sight = sight or Sight(columns)
        self._piece_key: tuple[FeatureWindows, RegimeThresholds, Segment, bool] | None = None
        self._piece = (columns, self._sight.landmarks, np.empty((0, 0)))
        self._shelf = Shelf()

    def measure(self, block: Block) -> Measured:
        """Walk every combination of a block. Raises BadInput for a strategy without a kernel."""
        n_runs = len(block.numbers)
        strategies = build_strategies(block.strategies, block.thresholds)
        columns, landmarks, features = self._piece_of(block, has_regimes=asks_regimes(strategies, block.switch))
        signals = fitting(signals_of(columns, features, strategies), features, strategies, block.switch)
        figures, days = np.empty((n_runs, N_METRICS)), np.empty((n_runs, 1 + columns.n_days), dtype=np.int64)
        memory, trips = _room(len(signals.places)), self._shelf.trips_of(columns, landmarks, features, signals)
        for batch in self._shelf.batches(block.terms):
            _walk_all(columns, signals, block.terms, memory, figures, days, trips, batch)
        return Measured(numbers=block.numbers, figures=figures, days_microusd=days)

    def _piece_of(self, block: Block, *, has_regimes: bool) -> tuple[Columns, Landmarks, FloatArray]:
        sight = self._sight
        features = sight.features_of(block.windows, block.regimes, has_regimes=has_regimes)
        if block.segment is None:
            return sight.columns, sight.landmarks, features
        key = block.windows, block.regimes, block.segment, has_regimes
        if self._piece_key != key:
            columns = columns_in(sight.columns, block.segment)
            self._piece = columns, landmarks_of(columns), features_in(features, block.segment)
            self._piece_key = key
        return self._piece


def _room(n_trades: int) -> Memory:
    state, gauges = fresh_state(0)
    return Memory(
        state=state,
        gauges=gauges,
        trades=np.empty((n_trades, len(TradeInt)), dtype=np.int64),
        estimates=np.empty((n_trades, len(TradeFloat))),
    )


@tape_kernel
def _walk_all(
    columns: Columns,
    signals: Signals,
    many: TermsArray,
    memory: Memory,
    figures: FloatArray,
    days: IntArray,
    trips: Trips,
    batch: Batch,
) -> None:
    nobody, rows = np.empty(0, dtype=np.int64), np.empty((len(signals.places), N_COLUMNS), dtype=np.int64)
    tape, calls, own, days_of = _lent_columns(columns), _lent_signals(signals), _lent_memory(memory), lent(days)
    landmarks, table = _lent_landmarks(trips.landmarks), lent(trips.table)
    for place in range(len(batch.runs)):
        number = batch.runs[place]
        terms, told = many[number], Told(lent(nobody), days_of[number, 1:])
        start_over(memory.state, memory.gauges, terms.starting_cash_microusd)
        days[number, 0] = terms.starting_cash_microusd
        known = Trips(lent(trips.rows), lent(trips.seen), table[batch.sets[place]], landmarks)
        walk(own, tape, calls, terms, told, known)
        n_trades = fill_rows(rows, memory, terms)
        write_metrics(
            figures[number],
            terms.starting_cash_microusd,
            days[number, 1:],
            memory.gauges[WORST_DRAWDOWN],
            columns.ints[0, AS_OF_MS] - MINUTE_MS,
            columns.ints[-1, AS_OF_MS],
            rows[:n_trades],
        )


@kernel
def _lent_columns(columns: Columns) -> Columns:
    return Columns(lent(columns.ints), lent(columns.floats))


@kernel
def _lent_signals(signals: Signals) -> Signals:
    return Signals(
        lent(signals.places),
        lent(signals.sides),
        lent(signals.convictions),
        lent(signals.strategies),
        lent(signals.leaves),
    )


@kernel
def _lent_memory(memory: Memory) -> Memory:
    return Memory(lent(memory.state), lent(memory.gauges), lent(memory.trades), lent(memory.estimates))


@kernel
def _lent_landmarks(landmarks: Landmarks) -> Landmarks:
    return Landmarks(lent(landmarks.marks), lent(landmarks.spans), lent(landmarks.closings), lent(landmarks.openings))


@kernel
def fill_rows(rows: IntArray, memory: Memory, terms: Terms) -> int:
    """Write the closed trades of a walk as the metrics read them; return how many there are."""
    n_trades, trades = memory.state[N_TRADES], memory.trades
    for trade in range(n_trades):
        row, done = rows[trade], trades[trade]
        row[Column.NET] = done[GROSS_OF] - done[FEES_OF] + done[FUNDING_OF]
        row[Column.FEES], row[Column.FUNDING], row[Column.SLIPPAGE] = done[FEES_OF], done[FUNDING_OF], done[SLIPPAGE_OF]
        row[Column.RISK] = done[RISK_OF]
        # What an exit in parts was worth is known exactly by what it earned; its mean price is rounded.
        earned = done[GROSS_OF] if done[SIZE_LOTS] > 0 else -done[GROSS_OF]
        row[Column.NOTIONAL] = 2 * abs(done[SIZE_LOTS]) * done[ENTRY_TICKS] * terms.unit + earned
        row[Column.OPENED_MS], row[Column.CLOSED_MS] = done[OPENED_OF], done[CLOSED_OF]
    return int(n_trades)
