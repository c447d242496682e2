"""The probability of backtest overfitting: whether the best in sample is any better than the others out of sample.

Combinatorially symmetric cross-validation (CSCV): Bailey, Borwein, Lopez de Prado & Zhu, "The Probability of Backtest
Overfitting", Journal of Computational Finance 20(4), 2017 (first circulated in 2015). The days are cut into S blocks;
every choice of S / 2 of them is once in sample, the rest out of sample. In each split the configuration with
the best Sharpe ratio in sample is looked up out of sample.
"""

import math
from typing import Final

import numpy as np

from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.record import Record

DEFAULT_BLOCKS: Final = 16
MOST_BLOCKS: Final = 20
CHUNK: Final = 512
"""Configurations looked at together: their sums fit a core's cache, and memory does not grow with their number."""
NO_MOVEMENT: Final = 1e-10
"""Squared deviations below this part of the squares are rounding: returns that do not move have a Sharpe ratio of 0."""


class Overfitting(Record, frozen=True, kw_only=True, eq=False):
    """What CSCV found. Sharpe ratios are of a day.

    pbo_frac: part of the splits in which the best in sample did no better than the median out of sample.
    loss_frac: part of the splits in which it lost money out of sample. degradation_slope: of its Sharpe ratio out of
    sample against that in sample, by least squares, and degradation_intercept; None when the latter never varies.
    logits: ln(w / (1 - w)) of its relative rank w out of sample, shape (n_splits,); above zero is the better half.
    """

    n_configurations: int
    n_days: int
    n_blocks: int
    pbo_frac: float
    loss_frac: float
    degradation_slope: float | None
    degradation_intercept: float | None
    logits: FloatArray

    @property
    def n_splits(self) -> int:
        """How many ways of halving the blocks were looked at."""
        return int(self.logits.shape[0])


def overfitting_of(returns: FloatArray, n_blocks: int = DEFAULT_BLOCKS) -> Overfitting:
    """Return the probability that choosing the best of these configurations is overfitting.

    returns: daily, shape (n_days, n_configurations), finite. n_blocks: even, 2 to 20; 16 makes 12,870 splits. Blocks
    hold the same number of days, give or take one. Ties share their mean rank. Raises ValueError for less than
    two configurations, less than two days a block, a return that is no number, or an impossible number of blocks.
    """
    _check(returns, n_blocks)
    sums, squares, days = _block_sums(returns, n_blocks)
    splits = _halves(n_blocks)
    # In sample and out of sample are the same masks, read backwards.
    best, best_sharpe = _best_in_sample(sums, squares, days, splits)
    ranks, out_sharpe = _ranks_out_of_sample(sums, squares, days, splits, best)
    shares = ranks / (returns.shape[1] + 1.0)
    logits = np.log(shares / (1.0 - shares))
    slope, intercept = _least_squares(best_sharpe, out_sharpe)
    return Overfitting(
        n_configurations=returns.shape[1],
        n_days=returns.shape[0],
        n_blocks=n_blocks,
        pbo_frac=float((shares <= 0.5).mean()),
        loss_frac=float((out_sharpe < 0.0).mean()),
        degradation_slope=slope,
        degradation_intercept=intercept,
        logits=logits,
    )


def _check(returns: FloatArray, n_blocks: int) -> None:
    if n_blocks % 2 or not 2 <= n_blocks <= MOST_BLOCKS:
        raise ValueError(f"{n_blocks} blocks: an even number from 2 to {MOST_BLOCKS} can be halved")
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise ValueError(f"returns of shape {returns.shape} are not days by at least two configurations")
    if returns.shape[0] < 2 * n_blocks:
        raise ValueError(f"{returns.shape[0]} days are fewer than two in each of {n_blocks} blocks")
    if not np.isfinite(returns).all():
        raise ValueError("a return that is not a number cannot be ranked")


def _halves(n_blocks: int) -> IntArray:
    """Return every choice of half of the blocks as a bit mask, in rising order."""
    masks = np.arange(1 << n_blocks, dtype=np.int64)
    halves: IntArray = masks[np.bitwise_count(masks) == n_blocks // 2]
    return halves


def _block_sums(returns: FloatArray, n_blocks: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return sums and sums of squares by block, shape (n_blocks, n_configurations), and the days of each block."""
    edges = np.arange(n_blocks) * returns.shape[0] // n_blocks
    days = np.diff(np.append(edges, returns.shape[0]))
    return np.add.reduceat(returns, edges), np.add.reduceat(returns * returns, edges), days


@kernel
def _subset_sums(parts: FloatArray) -> FloatArray:
    """Return the sum of every subset of rows, shape (2 ** n_rows, n_columns): each is a smaller one plus a row."""
    n_rows, n_columns = parts.shape
    sums = np.zeros((1 << n_rows, n_columns))
    for row in range(n_rows):
        for subset in range(1 << row):
            for column in range(n_columns):
                sums[(1 << row) + subset, column] = sums[subset, column] + parts[row, column]
    return sums


@kernel
def _write_sharpes(
    out: FloatArray, low: FloatArray, high: FloatArray, low_squares: FloatArray, high_squares: FloatArray, n_days: int
) -> None:
    for place in range(low.shape[0]):
        total = low[place] + high[place]
        squares = low_squares[place] + high_squares[place]
        spread = squares - total * total / n_days
        moves = spread > NO_MOVEMENT * squares
        out[place] = total / n_days / math.sqrt(spread / (n_days - 1)) if moves else 0.0


@kernel
def _days_in(mask: int, days: IntArray) -> int:
    n_days = 0
    for block in range(days.shape[0]):
        if (mask >> block) & 1:
            n_days += days[block]
    return n_days


@kernel
def _best_in_sample(
    sums: FloatArray, squares: FloatArray, days: IntArray, splits: IntArray
) -> tuple[IntArray, FloatArray]:
    """Return the place and the Sharpe ratio of the best configuration of each split; the first of equal ones."""
    half = days.shape[0] // 2
    below = (1 << half) - 1
    best = np.zeros(splits.shape[0], dtype=np.int64)
    best_sharpe = np.full(splits.shape[0], -math.inf)
    for start in range(0, sums.shape[1], CHUNK):
        stop = min(start + CHUNK, sums.shape[1])
        low, high = _subset_sums(sums[:half, start:stop]), _subset_sums(sums[half:, start:stop])
        low_squares, high_squares = _subset_sums(squares[:half, start:stop]), _subset_sums(squares[half:, start:stop])
        sharpes = np.empty(stop - start)
        for split in range(splits.shape[0]):
            near, far = splits[split] & below, splits[split] >> half
            n_days = _days_in(splits[split], days)
            _write_sharpes(sharpes, low[near], high[far], low_squares[near], high_squares[far], n_days)
            for place in range(stop - start):
                if sharpes[place] > best_sharpe[split]:
                    best_sharpe[split] = sharpes[place]
                    best[split] = start + place
    return best, best_sharpe


@kernel
def _ranks_out_of_sample(
    sums: FloatArray, squares: FloatArray, days: IntArray, splits: IntArray, best: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the rank (1 = worst, ties share their mean) and the Sharpe ratio of each split's best, out of sample."""
    n_splits, half = splits.shape[0], days.shape[0] // 2
    below = (1 << half) - 1
    chosen = _chosen_out_of_sample(sums, squares, days, splits, best)
    ranks = np.full(n_splits, 0.5)
    for start in range(0, sums.shape[1], CHUNK):
        stop = min(start + CHUNK, sums.shape[1])
        low, high = _subset_sums(sums[:half, start:stop]), _subset_sums(sums[half:, start:stop])
        low_squares, high_squares = _subset_sums(squares[:half, start:stop]), _subset_sums(squares[half:, start:stop])
        sharpes = np.empty(stop - start)
        for split in range(n_splits):
            # The complement of a half stands at the mirrored place of the list of halves.
            mask = splits[n_splits - 1 - split]
            near, far = mask & below, mask >> half
            _write_sharpes(sharpes, low[near], high[far], low_squares[near], high_squares[far], _days_in(mask, days))
            n_below, n_equal = 0, 0
            for place in range(stop - start):
                n_below += sharpes[place] < chosen[split]
                n_equal += sharpes[place] == chosen[split]
            ranks[split] += n_below + 0.5 * n_equal
    return ranks, chosen


@kernel
def _chosen_out_of_sample(
    sums: FloatArray, squares: FloatArray, days: IntArray, splits: IntArray, best: IntArray
) -> FloatArray:
    """Return the Sharpe ratio of each split's best in the blocks that were not in sample."""
    n_splits, half = splits.shape[0], days.shape[0] // 2
    chosen = np.empty(n_splits)
    total, total_squares = np.zeros((2, 1)), np.zeros((2, 1))
    for split in range(n_splits):
        mask = splits[n_splits - 1 - split]
        total[:], total_squares[:] = 0.0, 0.0
        # Two halves, each added up in the order of `_subset_sums`: the same bits, so that ties are seen as ties.
        for block in range(2 * half):
            if (mask >> block) & 1:
                total[block // half, 0] += sums[block, best[split]]
                total_squares[block // half, 0] += squares[block, best[split]]
        _write_sharpes(
            chosen[split : split + 1], total[0], total[1], total_squares[0], total_squares[1], _days_in(mask, days)
        )
    return chosen


def _least_squares(across: FloatArray, up: FloatArray) -> tuple[float | None, float | None]:
    distances = across - across.mean()
    spread = float(distances @ distances)
    if not spread > NO_MOVEMENT * float(across @ across):
        return None, None
    slope = float(distances @ up) / spread
    return slope, float(up.mean()) - slope * float(across.mean())
