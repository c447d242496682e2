"""All figures of one run as one vector, from plain arrays: what a sweep computes for each combination.

`backtest/metrics/summary.py` reads the very same vector, so a report and a sweep agree to the last bit.
"""

import math
from enum import IntEnum
from typing import Final

import numpy as np

from backtest.metrics.returns import (
    annual_growth_frac,
    annual_sharpe,
    annual_sortino,
    annual_volatility_frac,
    daily_returns,
)
from backtest.metrics.trades import Column, column_sum, expectancy_r, exposed_ms, nearest_share, wins_and_losses
from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.market import MINUTE_MS


class Metric(IntEnum):
    """The place of each figure in a run's vector; its meaning is that of the field of `Metrics` with the same name.

    NaN in a place means undefined. Money is in whole micro-dollars, exact up to nine billion dollars.
    """

    NET_MICROUSD = 0
    TOTAL_RETURN_FRAC = 1
    CAGR_FRAC = 2
    VOLATILITY_FRAC = 3
    SHARPE = 4
    SORTINO = 5
    CALMAR = 6
    MAX_DRAWDOWN_FRAC = 7
    N_DAYS = 8
    N_TRADES = 9
    N_WON = 10
    N_LOST = 11
    WIN_RATE_FRAC = 12
    PROFIT_FACTOR = 13
    EXPECTANCY_R = 14
    EXPECTANCY_MICROUSD = 15
    MEAN_WIN_MICROUSD = 16
    MEAN_LOSS_MICROUSD = 17
    PAYOFF_RATIO = 18
    LONGEST_LOSING_STREAK = 19
    TURNOVER = 20
    EXPOSURE_FRAC = 21
    MEAN_HOLD_MINUTES = 22
    FEES_MICROUSD = 23
    FUNDING_MICROUSD = 24
    SLIPPAGE_MICROUSD = 25


N_METRICS: Final = len(Metric)
FEWEST_DAYS: Final = 2
"""A figure a year needs at least two daily returns."""


@kernel
def write_metrics(
    out: FloatArray,
    starting_microusd: int,
    closes_microusd: IntArray,
    max_drawdown_frac: float,
    begin_ms: int,
    end_ms: int,
    trades: IntArray,
) -> None:
    """Write the figures of one run into `out`, shape (N_METRICS,), NaN where undefined.

    closes_microusd: equity at the end of every UTC day, shape (n_days,), n_days >= 1, as `daily_closes` gives it.
    max_drawdown_frac: over the minutes, as `deepest_drawdown` gives it. begin_ms, end_ms: open of the first minute
    and close of the last. trades: shape (n_trades, N_COLUMNS), in the order they closed.
    """
    out[:] = math.nan
    _write_account(out, starting_microusd, closes_microusd, max_drawdown_frac, end_ms - begin_ms)
    _write_trades(out, trades)
    held_ms = column_sum(trades, Column.CLOSED_MS) - column_sum(trades, Column.OPENED_MS)
    if trades.shape[0] > 0:
        out[Metric.MEAN_HOLD_MINUTES] = held_ms / (trades.shape[0] * MINUTE_MS)
    if end_ms > begin_ms:
        out[Metric.EXPOSURE_FRAC] = exposed_ms(trades, begin_ms, end_ms) / (end_ms - begin_ms)
    mean_microusd = np.sum(closes_microusd) / closes_microusd.shape[0]
    if mean_microusd > 0.0:
        out[Metric.TURNOVER] = column_sum(trades, Column.NOTIONAL) / mean_microusd


@kernel
def _write_account(
    out: FloatArray, starting_microusd: int, closes_microusd: IntArray, max_drawdown_frac: float, span_ms: int
) -> None:
    n_days = closes_microusd.shape[0]
    final_microusd = closes_microusd[n_days - 1]
    out[Metric.N_DAYS] = n_days
    out[Metric.NET_MICROUSD] = final_microusd - starting_microusd
    out[Metric.MAX_DRAWDOWN_FRAC] = max_drawdown_frac
    if starting_microusd > 0:
        out[Metric.TOTAL_RETURN_FRAC] = (final_microusd - starting_microusd) / starting_microusd
    if n_days < FEWEST_DAYS:
        return
    returns = daily_returns(starting_microusd, closes_microusd)
    out[Metric.VOLATILITY_FRAC] = annual_volatility_frac(returns)
    out[Metric.SHARPE] = annual_sharpe(returns)
    out[Metric.SORTINO] = annual_sortino(returns)
    out[Metric.CAGR_FRAC] = annual_growth_frac(starting_microusd, final_microusd, span_ms)
    if max_drawdown_frac > 0.0:
        calmar = out[Metric.CAGR_FRAC] / max_drawdown_frac
        out[Metric.CALMAR] = calmar if abs(calmar) < math.inf else math.nan


@kernel
def _write_trades(out: FloatArray, trades: IntArray) -> None:
    n_trades = trades.shape[0]
    n_won, n_lost, won, lost, longest = wins_and_losses(trades)
    out[Metric.N_TRADES], out[Metric.N_WON], out[Metric.N_LOST] = n_trades, n_won, n_lost
    out[Metric.LONGEST_LOSING_STREAK] = longest
    out[Metric.FEES_MICROUSD] = column_sum(trades, Column.FEES)
    out[Metric.FUNDING_MICROUSD] = column_sum(trades, Column.FUNDING)
    out[Metric.SLIPPAGE_MICROUSD] = column_sum(trades, Column.SLIPPAGE)
    out[Metric.EXPECTANCY_R] = expectancy_r(trades)
    if n_trades > 0:
        out[Metric.WIN_RATE_FRAC] = n_won / n_trades
        out[Metric.EXPECTANCY_MICROUSD] = nearest_share(won - lost, n_trades)
    if n_won > 0:
        out[Metric.MEAN_WIN_MICROUSD] = nearest_share(won, n_won)
    if n_lost > 0:
        out[Metric.PROFIT_FACTOR] = won / lost
        out[Metric.MEAN_LOSS_MICROUSD] = nearest_share(lost, n_lost)
    if n_won > 0 and n_lost > 0:
        out[Metric.PAYOFF_RATIO] = (won / n_won) / (lost / n_lost)
