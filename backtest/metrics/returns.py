"""From equity at each day's end to return, volatility, Sharpe, Sortino and growth a year (docs/metrics.md).

Crypto trades every day of the year, so a year has 365 returns. The rate without risk is taken as zero. Every kernel
answers NaN where its figure is undefined; records turn that into None.
"""

import math
from typing import Final

import numpy as np

from backtest.outcome import EquityCurve, FloatArray, IntArray
from domain.compiled import kernel
from domain.market import DAY_MS

DAYS_PER_YEAR: Final = 365
YEAR_MS: Final = DAYS_PER_YEAR * DAY_MS
ROUNDING_FRAC: Final = 1e-12
"""A spread of returns below this part of their mean is rounding, not variance."""


@kernel
def daily_closes(close_ms: IntArray, equity_microusd: IntArray) -> IntArray:
    """Return the equity at the end of every UTC day from the first minute's to the last one's, shape (n_days,).

    close_ms, equity_microusd: an equity curve's columns, shape (n_minutes,). A minute that closes at 00:00 belongs to
    the day that ends there. On a day without a minute nothing was earned: it repeats the equity of the day before.
    """
    n_minutes = close_ms.shape[0]
    first_day = (close_ms[0] - 1) // DAY_MS
    closes = np.empty((close_ms[n_minutes - 1] - 1) // DAY_MS - first_day + 1, dtype=np.int64)
    place, day_end_ms = 0, (first_day + 1) * DAY_MS
    for minute in range(n_minutes):
        while close_ms[minute] > day_end_ms:
            closes[place] = equity_microusd[minute - 1]
            place += 1
            day_end_ms += DAY_MS
    closes[place] = equity_microusd[n_minutes - 1]
    return closes


@kernel
def daily_returns(starting_microusd: int, closes_microusd: IntArray) -> FloatArray:
    """Return simple daily returns, shape (n_days,); the first day's is against the starting equity.

    A return on equity of zero or less has no meaning and is NaN; every figure made of it is then NaN too.
    """
    returns = np.empty(closes_microusd.shape[0])
    before = starting_microusd
    for day in range(closes_microusd.shape[0]):
        returns[day] = (closes_microusd[day] - before) / before if before > 0 else math.nan
        before = closes_microusd[day]
    return returns


@kernel
def mean_of(returns: FloatArray) -> float:
    """Return the mean of returns added up in their order; NaN without any."""
    total = 0.0
    for one in returns:
        total += one
    return total / returns.shape[0] if returns.shape[0] > 0 else math.nan


@kernel
def deviation_of(returns: FloatArray) -> float:
    """Return the standard deviation of returns (ddof 1); NaN for fewer than two. Rounding alone counts as 0."""
    if returns.shape[0] < 2:
        return math.nan
    mean = mean_of(returns)
    squares = 0.0
    for one in returns:
        squares += (one - mean) * (one - mean)
    deviation = math.sqrt(squares / (returns.shape[0] - 1))
    return 0.0 if deviation <= ROUNDING_FRAC * abs(mean) else deviation


@kernel
def daily_sharpe(returns: FloatArray) -> float:
    """Return mean over standard deviation of daily returns, not annualised; NaN without variance."""
    deviation = deviation_of(returns)
    return mean_of(returns) / deviation if deviation > 0.0 else math.nan


@kernel
def annual_volatility_frac(returns: FloatArray) -> float:
    """Return the standard deviation of daily returns, times the root of 365."""
    return deviation_of(returns) * math.sqrt(DAYS_PER_YEAR)


@kernel
def annual_sharpe(returns: FloatArray) -> float:
    """Return the Sharpe ratio of daily returns a year (Sharpe 1994, rate without risk zero); NaN without variance."""
    return daily_sharpe(returns) * math.sqrt(DAYS_PER_YEAR)


@kernel
def annual_sortino(returns: FloatArray) -> float:
    """Return mean over downside deviation a year (Sortino & Price 1994, target zero); NaN without a losing day.

    The downside deviation is the root of the mean, over all days, of the squared losses.
    """
    if returns.shape[0] < 2:
        return math.nan
    squares = 0.0
    for one in returns:
        loss = one if one < 0.0 or math.isnan(one) else 0.0
        squares += loss * loss
    downside = math.sqrt(squares / returns.shape[0])
    return mean_of(returns) / downside * math.sqrt(DAYS_PER_YEAR) if downside > 0.0 else math.nan


@kernel
def annual_growth_frac(starting_microusd: int, final_microusd: int, span_ms: int) -> float:
    """Return the compound annual growth rate over the real span, in years of 365 days.

    NaN when either equity makes a ratio without meaning, and when a year of such growth is beyond any number.
    """
    if starting_microusd <= 0 or final_microusd < 0 or span_ms <= 0:
        return math.nan
    growth_frac = (final_microusd / starting_microusd) ** (YEAR_MS / span_ms) - 1.0
    return growth_frac if growth_frac < math.inf else math.nan


def returns_of(curve: EquityCurve) -> FloatArray:
    """Return a curve's simple daily returns, shape (n_days,), as every yearly figure and odds of luck take them."""
    return daily_returns(curve.starting_microusd, daily_closes(curve.close_ms, curve.equity_microusd))
