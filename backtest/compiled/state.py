"""The memory of one compiled run, as named places in two arrays; what the desk keeps in books, venue and counters.

`state` holds whole numbers (lots, ticks, micro-dollars, milliseconds, counts), `gauges` holds floats. A closed trade is
one row of each `trades` array, in the order of `TradeInt` and `TradeFloat`.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.decisions import ExitReason

# fmt: off
(
    CASH, LOTS, INITIAL_LOTS, ENTRY, STOP, TARGET, PARTIAL, PARTIAL_LOTS, IS_TRAILING, OPENED_MS, BEST, WORST, N_MARKS,
    GROSS, FEES, FUNDING, SLIPPAGE, EXIT_VALUE, RISK, STRATEGY, DECIDED, MARK,
    PENDING, WAIT_BARS, SENT_SIDE, SENT_LOTS, SENT_REFERENCE, SENT_REASON, SENT_MS,
    EQUITY, PEAK, TROUGH, DAY_START, DAY_END, STREAK_DAY, STREAK, WORST_STREAK, LAST_TRADE_MS, LAST_LOSS_MS,
    N_RECORDED, N_WINS, N_LOSSES, N_TRADES, N_TOLD, TOLD_EQUITY, N_STATE,
) = range(46)
(WORST_DRAWDOWN, WIN_SUM_R, LOSS_SUM_R, PLAN_STOP_FRAC, CONVICTION, N_GAUGES) = range(6)
# fmt: on

NOBODY, AN_ENTRY, AN_EXIT = range(3)
NEVER: Final = -(2**62)

REASONS: Final = tuple(ExitReason)
BY_STOP, BY_TRAIL, BY_TARGET, BY_PARTIAL, BY_TIME, BY_STRATEGY, BY_LIQUIDATION = range(7)


class TradeInt(IntEnum):
    """The whole numbers of a closed trade, in the units of `domain.account.Trade`.

    DECIDED_PLACE: the minute it was decided on. SIZE_LOTS: signed. STRATEGY: its place among the desk's.
    REASON: place in `REASONS`.
    """

    DECIDED_PLACE = 0
    STRATEGY = 1
    SIZE_LOTS = 2
    ENTRY_TICKS = 3
    EXIT_TICKS = 4
    GROSS = 5
    FEES = 6
    FUNDING = 7
    SLIPPAGE = 8
    REASON = 9
    RISK = 10
    OPENED_MS = 11
    CLOSED_MS = 12
    N_BARS = 13


class TradeFloat(IntEnum):
    """The estimates of a closed trade."""

    MAE_BPS = 0
    MFE_BPS = 1
    CONVICTION = 2


def fresh_state(starting_cash_microusd: int) -> tuple[IntArray, FloatArray]:
    """Return the memory of a desk that has seen nothing: flat, at its peak, with the starting cash."""
    state, gauges = np.zeros(N_STATE, dtype=np.int64), np.zeros(N_GAUGES)
    start_over(state, gauges, starting_cash_microusd)
    return state, gauges


@kernel
def start_over(state: IntArray, gauges: FloatArray, starting_cash_microusd: int) -> None:
    """Forget everything and begin with the starting cash."""
    state[:] = 0
    gauges[:] = 0.0
    state[CASH] = state[EQUITY] = state[PEAK] = state[TROUGH] = state[TOLD_EQUITY] = starting_cash_microusd
    state[LAST_TRADE_MS] = state[LAST_LOSS_MS] = NEVER
