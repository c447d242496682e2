"""The out-of-sample pieces: one desk after the other, each with its window's settings and the cash of the one before.

A piece's desk opens no trade after its step has ended; it looks after the one it has until that is closed, and the next
desk begins the minute after. So no position is closed for the sake of the calendar, and no two overlap.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from backtest.compiled.columns import AS_OF_MS, Columns
from backtest.compiled.engine import fresh_memory
from backtest.compiled.run import outcome_of
from backtest.compiled.signals import Signals, features_of, fitting, signals_of
from backtest.compiled.state import LOTS
from backtest.compiled.terms import terms_of
from backtest.outcome import EquityCurve, FloatArray, RunOutcome
from backtest.parts import Parts
from backtest.segment import Segment, columns_in, features_in
from domain.account import Trade
from domain.instrument import Instrument
from domain.record import Record
from indicators.features import FeatureWindows
from indicators.regime import RegimeThresholds


class Piece(Record, frozen=True, kw_only=True, eq=False):
    """What one desk did. segment: the minutes it was in charge, up to the one in which its last trade closed.

    is_open_at_end: whether the tape ended with a position, which then stands at its mark.
    """

    segment: Segment
    outcome: RunOutcome
    is_open_at_end: bool

    @property
    def ending_microusd(self) -> int:
        """Equity after its last minute."""
        return int(self.outcome.curve.equity_microusd[-1])


class Tape(NamedTuple):
    """One symbol's tape."""

    columns: Columns
    instrument: Instrument
    is_simulated: bool


class PieceRunner:
    """Runs pieces over one tape; it keeps the features of the last windows it was asked for."""

    def __init__(self, tape: Tape) -> None:
        """Take the tape."""
        self._tape = tape
        self._key: tuple[FeatureWindows, RegimeThresholds] | None = None
        self._features: FloatArray = np.empty((0, 0))

    def run(self, parts: Parts, segment: Segment, starting_microusd: int) -> Piece:
        """Run one desk: entries in the segment, exits until it is flat. Raises BadInput as `run_compiled` does."""
        columns, instrument, is_simulated = self._tape
        if self._key != (parts.windows, parts.regimes):
            self._key = (parts.windows, parts.regimes)
            self._features = features_of(columns, parts.windows, parts.regimes)
        rest = Segment(first=segment.first, until=len(columns.ints))
        ahead, features = columns_in(columns, rest), features_in(self._features, rest)
        strategies = parts.built()
        answers = signals_of(ahead, features, strategies)
        signals = _until(fitting(answers, features, strategies, parts.rules.portfolio.regimes), segment.n_minutes)
        terms = terms_of(parts.rules, instrument)._replace(starting_cash_microusd=starting_microusd)
        memory = fresh_memory(starting_microusd, len(signals.places))
        whole = outcome_of(
            ahead, features, signals, instrument, strategies, terms, is_simulated=is_simulated, memory=memory
        )
        is_open = bool(memory.state[LOTS] != 0)
        n_minutes = len(ahead.ints) if is_open else max(segment.n_minutes, _flat_after(ahead, whole.trades))
        return Piece(
            segment=Segment(first=segment.first, until=segment.first + n_minutes),
            outcome=_cut(whole, n_minutes),
            is_open_at_end=is_open,
        )

    def flat(self, segment: Segment, starting_microusd: int) -> Piece:
        """Return a piece in which nothing is done."""
        columns, instrument, is_simulated = self._tape
        curve = EquityCurve(
            close_ms=columns.close_ms[segment.first : segment.until],
            equity_microusd=np.full(segment.n_minutes, starting_microusd, dtype=np.int64),
            starting_microusd=starting_microusd,
        )
        outcome = RunOutcome(
            run_id="flat", symbols=(instrument.symbol,), is_simulated=is_simulated, curve=curve, trades=()
        )
        return Piece(segment=segment, outcome=outcome, is_open_at_end=False)


def stitched(pieces: Sequence[Piece], run_id: str) -> RunOutcome:
    """Return pieces that follow each other as one run. Raises ValueError when the account does not carry on."""
    curves = [piece.outcome.curve for piece in pieces]
    for before, after in pairwise(curves):
        if int(before.equity_microusd[-1]) != after.starting_microusd:
            raise ValueError(f"{before.equity_microusd[-1]} does not carry on as {after.starting_microusd}")
    first = pieces[0].outcome
    return RunOutcome(
        run_id=run_id,
        symbols=first.symbols,
        is_simulated=first.is_simulated,
        curve=EquityCurve(
            close_ms=np.concatenate([curve.close_ms for curve in curves]),
            equity_microusd=np.concatenate([curve.equity_microusd for curve in curves]),
            starting_microusd=first.curve.starting_microusd,
        ),
        trades=tuple(trade for piece in pieces for trade in piece.outcome.trades),
    )


def _until(signals: Signals, place: int) -> Signals:
    """Leave out what is proposed from a minute on."""
    n_kept = int(np.searchsorted(signals.places, place))
    return signals._replace(
        places=signals.places[:n_kept],
        sides=signals.sides[:n_kept],
        convictions=signals.convictions[:n_kept],
        strategies=signals.strategies[:n_kept],
    )


def _flat_after(columns: Columns, trades: Sequence[Trade]) -> int:
    """Return the first minute after the last trade's end; one later where it closed at the end of its minute."""
    if not trades:
        return 0
    after = int(np.searchsorted(columns.ints[:, AS_OF_MS], trades[-1].closed_ms, side="right"))
    return min(after + 1, len(columns.ints))


def _cut(outcome: RunOutcome, n_minutes: int) -> RunOutcome:
    curve = outcome.curve
    kept = EquityCurve(
        close_ms=curve.close_ms[:n_minutes],
        equity_microusd=curve.equity_microusd[:n_minutes],
        starting_microusd=curve.starting_microusd,
    )
    return replace(outcome, curve=kept)
