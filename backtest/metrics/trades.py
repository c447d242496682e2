"""What closed trades came to: wins and losses, R, streaks, and how much of the time a position was open.

Trades are rows of whole numbers, so that a sweep can write them from a compiled loop and a report from its records.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final

import numpy as np

from backtest.outcome import IntArray
from domain.account import Trade
from domain.compiled import kernel
from domain.instrument import Instrument


class Column(IntEnum):
    """The place of each figure in a trade's row of whole numbers. Money in micro-dollars.

    NET: after fees and funding. RISK: what was at risk at the entry, 0 where unknown. NOTIONAL: entry plus exit.
    """

    NET = 0
    FEES = 1
    FUNDING = 2
    SLIPPAGE = 3
    RISK = 4
    NOTIONAL = 5
    OPENED_MS = 6
    CLOSED_MS = 7


N_COLUMNS: Final = len(Column)


@kernel
def nearest_share(total: int, n_parts: int) -> int:
    """Return a total over a count, to the nearest whole number, halves up. n_parts > 0."""
    return (2 * total + n_parts) // (2 * n_parts)


@kernel
def wins_and_losses(trades: IntArray) -> tuple[int, int, int, int, int]:
    """Return n_won, n_lost, what was won and what was lost in micro-dollars (both >= 0), and the longest losing streak.

    trades: shape (n_trades, N_COLUMNS), in the order they closed. A trade is won above a net of zero and lost below
    it; one of exactly zero is neither, and ends a streak.
    """
    n_won, n_lost, won, lost, streak, longest = 0, 0, 0, 0, 0, 0
    for trade in range(trades.shape[0]):
        net = trades[trade, Column.NET]
        if net < 0:
            n_lost += 1
            lost -= net
            streak += 1
            longest = max(longest, streak)
            continue
        streak = 0
        if net > 0:
            n_won += 1
            won += net
    return n_won, n_lost, won, lost, longest


@kernel
def expectancy_r(trades: IntArray) -> float:
    """Return the mean net result in units of what was at risk, over the trades whose risk is known; NaN without one."""
    total, n_measured = 0.0, 0
    for trade in range(trades.shape[0]):
        if trades[trade, Column.RISK] > 0:
            total += trades[trade, Column.NET] / trades[trade, Column.RISK]
            n_measured += 1
    return total / n_measured if n_measured > 0 else math.nan


@kernel
def column_sum(trades: IntArray, column: int) -> int:
    """Add up one column of trades."""
    total = 0
    for trade in range(trades.shape[0]):
        total += trades[trade, column]
    return total


@kernel
def exposed_ms(trades: IntArray, begin_ms: int, end_ms: int) -> int:
    """Return how long at least one trade was open between two instants. Overlapping trades count once."""
    opened = trades[:, Column.OPENED_MS].copy()
    order = np.argsort(opened, kind="mergesort")
    total, reached = 0, begin_ms
    for trade in order:
        began = max(opened[trade], reached)
        closed = min(trades[trade, Column.CLOSED_MS], end_ms)
        if closed > began:
            total += closed - began
            reached = closed
    return total


def trade_rows(trades: Sequence[Trade], instruments: Mapping[str, Instrument]) -> IntArray:
    """Return trades as rows of whole numbers, shape (n_trades, N_COLUMNS).

    Raises ValueError when a trade's instrument is not among `instruments`.
    """
    rows = np.empty((len(trades), N_COLUMNS), dtype=np.int64)
    for place, trade in enumerate(trades):
        if trade.symbol not in instruments:
            raise ValueError(f"the notional of a trade in {trade.symbol} needs its instrument")
        rows[place] = (
            trade.net_microusd,
            trade.fees_microusd,
            trade.funding_microusd,
            trade.slippage_microusd,
            trade.risk_microusd,
            notional_microusd(trade, instruments[trade.symbol]),
            trade.opened_ms,
            trade.closed_ms,
        )
    return rows


def notional_microusd(trade: Trade, instrument: Instrument) -> int:
    """Return what a trade bought plus what it sold, exactly.

    The exit's value is the entry's and what was gained on it: the mean exit price of a trade is rounded to the tick
    and would not give it.
    """
    return 2 * instrument.notional_microusd(trade.size_lots, trade.entry_ticks) + trade.side * trade.gross_microusd


def net_r_of(trades: Iterable[Trade]) -> tuple[float | None, ...]:
    """Return each trade's net result in units of what was at risk at its entry, None where that is unknown."""
    return tuple(trade.net_microusd / trade.risk_microusd if trade.risk_microusd > 0 else None for trade in trades)
