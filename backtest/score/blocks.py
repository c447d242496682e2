"""How far a difference of means could have been elsewhere had other days of the same kind come.

Triggers of one day share its market, so days are drawn whole, with replacement: a bootstrap of clusters (Davison &
Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). With few days such intervals are too narrow;
they are widened as Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015,
does it: the quantiles are those that make the normal interval of a mean into Student's.
"""

import math
from typing import Final

import numpy as np

from backtest.luck.odds import NORMAL
from backtest.outcome import FloatArray, IntArray
from backtest.score.ledger import BoolArray
from domain.record import Record

ROWS_AT_ONCE: Final = 256
MOST_UNDEFINED_FRAC: Final = 0.05
"""With more draws than this in which one side has no trigger, there is no interval."""
FEWEST_BLOCKS: Final = 3
FEWEST_BEYOND: Final = 1.0
"""With fewer draws beyond a quantile it would be the outermost draw, which is nearer than the quantile."""


class Interval(Record, frozen=True, kw_only=True):
    """A confidence interval, in bps."""

    low_bps: float
    high_bps: float


class DayDraws(Record, frozen=True, kw_only=True, eq=False):
    """So many mixtures of the days. times: how often each day came in each draw, shape (n_draws, n_days).

    day: of each trigger, shape (n,). The same seed gives the same draws, so arms are compared on the same days.
    """

    day: IntArray
    times: IntArray

    @property
    def n_days(self) -> int:
        """How many days there are."""
        return int(self.times.shape[1])

    def sums(self, columns: FloatArray) -> FloatArray:
        """Return the sum of each column over each draw, shape (n_draws, n_columns). columns: shape (n, n_columns)."""
        by_day = np.zeros((self.n_days, columns.shape[1]))
        np.add.at(by_day, self.day, columns)
        starts = range(0, self.times.shape[0], ROWS_AT_ONCE)
        return np.concatenate(
            [self.times[start : start + ROWS_AT_ONCE].astype(np.float64) @ by_day for start in starts]
        )


def draw_days(day: IntArray, n_draws: int, seed: int) -> DayDraws:
    """Draw the days of a ledger, shape (n,), with replacement, as many as there are. Raises ValueError for no draw."""
    n_days = int(day.max()) + 1 if len(day) else 0
    if n_draws < 1:
        raise ValueError(f"{n_draws} draws show nothing")
    chances = np.full(n_days, 1.0 / max(n_days, 1))
    times = np.random.default_rng(seed).multinomial(n_days, chances, size=n_draws) if n_days else np.zeros((n_draws, 0))
    return DayDraws(day=day, times=times.astype(np.int32))


def mean_deltas(net_bps: FloatArray, is_taken: BoolArray, draws: DayDraws, within: BoolArray) -> FloatArray:
    """Return the mean net of the taken less that of the others in each draw, NaN where one of them is empty.

    within: the triggers that count. All three have shape (n,); the answer has shape (n_draws,).
    """
    taken, left = is_taken & within, ~is_taken & within
    sums = draws.sums(np.column_stack([net_bps * taken, taken, net_bps * left, left]))
    with np.errstate(invalid="ignore", divide="ignore"):
        deltas: FloatArray = sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
    return deltas


def interval_of(drawn: FloatArray, n_blocks: int, confidence_frac: float) -> Interval | None:
    """Return the interval of a statistic from its value in each draw; None where the draws do not show it.

    n_blocks: how many days there were to draw. Raises ValueError for a confidence outside (0, 1).
    """
    if not 0.0 < confidence_frac < 1.0:
        raise ValueError(f"a confidence of {confidence_frac} is outside (0, 1)")
    known = drawn[np.isfinite(drawn)]
    if n_blocks < FEWEST_BLOCKS or len(known) < (1.0 - MOST_UNDEFINED_FRAC) * len(drawn):
        return None
    tail = _tail(n_blocks, confidence_frac)
    if tail * len(known) < FEWEST_BEYOND:
        return None
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Interval(low_bps=float(low), high_bps=float(high))


def _tail(n_blocks: int, confidence_frac: float) -> float:
    """Return the part of the draws that lies below the interval."""
    z, freedom = NORMAL.inv_cdf(0.5 + confidence_frac / 2.0), n_blocks - 1.0
    # Student's quantile by the Cornish-Fisher expansion; within 1 % from eight degrees of freedom on.
    student = z + (z**3 + z) / (4.0 * freedom) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * freedom**2)
    return NORMAL.cdf(-student * math.sqrt(n_blocks / freedom))
