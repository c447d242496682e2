"""A recorded run with everything its report tells beside the outcome: the market, the deeds and their reasons."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backtest.outcome import FloatArray, IntArray, RunOutcome
from db.deeds import RefusalCount
from db.reading import RecordedRun
from domain.account import Fill, FundingPayment, Trade
from domain.instrument import Instrument
from domain.record import Record

ByteArray = NDArray[np.int8]


class SymbolTape(Record, frozen=True, kw_only=True, eq=False):
    """What one market did and what was held in it, minute by minute; arrays of shape (n_minutes,), oldest first.

    close_ms: UTC milliseconds of the minutes' closes. prices: shape (n_minutes, 4): open, high, low, close, NaN where
    the minute had no bar. regime: place in REGIME_BY_CODE, -1 before the indicators were warm.
    position_lots: signed size held after the minute.
    """

    symbol: str
    close_ms: IntArray
    prices: FloatArray
    regime: ByteArray
    position_lots: IntArray

    def __post_init__(self) -> None:
        """Refuse columns of different length."""
        lengths = {len(self.close_ms), len(self.prices), len(self.regime), len(self.position_lots)}
        if len(lengths) != 1 or self.prices.ndim != 2 or self.prices.shape[1] != 4:
            raise ValueError(f"{self.symbol}: columns of {sorted(lengths)} minutes are no tape")


class Deed(Record, frozen=True, kw_only=True):
    """One execution and why it was made, in words. tick_no: the tick that decided it; None where the venue did."""

    fill: Fill
    why: str
    tick_no: int | None


class ToldTrade(Record, frozen=True, kw_only=True):
    """A closed round trip with why it was entered and why it was left, and the tick that decided the entry."""

    trade: Trade
    entry_why: str
    exit_why: str
    tick_no: int | None


class RunStory(Record, frozen=True, kw_only=True, eq=False):
    """One run as recorded.

    instruments: the grids it traded on. tapes: one for each symbol, in the run's order. deeds, funding: in the order
    learnt. trades: those of the outcome, in its order. outcomes: how many ticks ended how.
    failed_tests: what kept the strategies from trading, with the number of ticks, the most frequent first.
    """

    run: RecordedRun
    outcome: RunOutcome
    instruments: Mapping[str, Instrument]
    tapes: tuple[SymbolTape, ...]
    deeds: tuple[Deed, ...]
    trades: tuple[ToldTrade, ...]
    funding: tuple[FundingPayment, ...]
    refusals: tuple[RefusalCount, ...]
    outcomes: Mapping[str, int]
    failed_tests: tuple[tuple[str, int], ...]
