"""How far a Sharpe ratio could have been elsewhere had the same days come in another order and mixture.

The stationary bootstrap: days are drawn in blocks of random length, so that good and bad stretches stay together.
Politis & Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89, 1994.
"""

from typing import Final

import numpy as np

from backtest.metrics.returns import annual_sharpe
from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.record import Record

FEWEST_DAYS: Final = 10
DAYS_AT_ONCE: Final = 1_000_000
"""Days drawn in one go; it bounds the memory."""


class SharpeInterval(Record, frozen=True, kw_only=True):
    """A confidence interval of the annual Sharpe ratio, by percentiles of resampled track records."""

    low: float
    high: float
    confidence_frac: float
    n_resamples: int
    mean_block_days: float
    seed: int


def sharpe_interval(
    returns: FloatArray,
    *,
    seed: int,
    confidence_frac: float = 0.9,
    n_resamples: int = 2_000,
    mean_block_days: float | None = None,
) -> SharpeInterval | None:
    """Return where the annual Sharpe ratio lies with this confidence; None for fewer than ten days or without variance.

    returns: daily, shape (n_days,), finite. mean_block_days: expected length of a block, at least 1; by default the
    cube root of the number of days. A resample without variance is one in which nothing was earned: 0. The same seed
    gives the same interval. Raises ValueError for a confidence outside (0, 1), a block under a day, or no resample.
    """
    n_days = int(returns.shape[0])
    block_days = max(n_days, 1) ** (1.0 / 3.0) if mean_block_days is None else mean_block_days
    if not (0.0 < confidence_frac < 1.0 and block_days >= 1.0 and n_resamples >= 1):
        raise ValueError(
            f"{confidence_frac} confidence, blocks of {block_days} days, {n_resamples} resamples: impossible"
        )
    if n_days < FEWEST_DAYS or np.isnan(annual_sharpe(returns)):
        return None
    sharpes = _resampled(returns, np.random.default_rng(seed), n_resamples, block_days)
    tail = (1.0 - confidence_frac) / 2.0
    low, high = np.quantile(sharpes, [tail, 1.0 - tail])
    return SharpeInterval(
        low=float(low),
        high=float(high),
        confidence_frac=confidence_frac,
        n_resamples=n_resamples,
        mean_block_days=float(block_days),
        seed=seed,
    )


def _resampled(returns: FloatArray, draws: np.random.Generator, n_resamples: int, block_days: float) -> FloatArray:
    n_days = int(returns.shape[0])
    at_once = max(1, DAYS_AT_ONCE // n_days)
    parts = []
    for start in range(0, n_resamples, at_once):
        shape = (min(at_once, n_resamples - start), n_days)
        jumps = draws.integers(0, n_days, size=shape)
        parts.append(_sharpes_of(returns, jumps, draws.random(shape), 1.0 / block_days))
    return np.concatenate(parts)


@kernel
def _sharpes_of(returns: FloatArray, jumps: IntArray, chances: FloatArray, leave_frac: float) -> FloatArray:
    """Return the annual Sharpe ratio of each resample; a block is left with this chance a day, and wraps at the end."""
    n_days = returns.shape[0]
    sharpes = np.empty(jumps.shape[0])
    resample = np.empty(n_days)
    for row in range(jumps.shape[0]):
        at = 0
        for day in range(n_days):
            at = jumps[row, day] if day == 0 or chances[row, day] < leave_frac else (at + 1) % n_days
            resample[day] = returns[at]
        sharpe = annual_sharpe(resample)
        sharpes[row] = 0.0 if np.isnan(sharpe) else sharpe
    return sharpes
