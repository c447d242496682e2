"""What a search is after: one figure of a run, and what a run must have before the figure counts."""

import math
from enum import StrEnum
from typing import Final

import numpy as np

from backtest.metrics.compiled import Metric
from backtest.outcome import FloatArray
from domain.record import Record


class Goal(StrEnum):
    """The figure that is to be large."""

    SHARPE = "sharpe"
    SORTINO = "sortino"
    CALMAR = "calmar"
    NET = "net"
    CAGR = "cagr"
    PROFIT_FACTOR = "profit_factor"
    EXPECTANCY = "expectancy"


_METRIC_OF: Final = {
    Goal.SHARPE: Metric.SHARPE,
    Goal.SORTINO: Metric.SORTINO,
    Goal.CALMAR: Metric.CALMAR,
    Goal.NET: Metric.NET_MICROUSD,
    Goal.CAGR: Metric.CAGR_FRAC,
    Goal.PROFIT_FACTOR: Metric.PROFIT_FACTOR,
    Goal.EXPECTANCY: Metric.EXPECTANCY_R,
}


class Objective(Record, frozen=True, kw_only=True):
    """A goal with its conditions. expectancy is in R a trade.

    min_trades: a run with fewer closed trades has no score. max_drawdown_frac: nor has one that fell further.
    """

    goal: Goal = Goal.SHARPE
    min_trades: int = 30
    max_drawdown_frac: float = 1.0

    def __post_init__(self) -> None:
        """Refuse conditions that every run or no run would meet."""
        if self.min_trades < 1 or not 0.0 < self.max_drawdown_frac <= 1.0:
            raise ValueError(
                f"at least {self.min_trades} trades, drawdown to {self.max_drawdown_frac}: not a condition"
            )

    @property
    def metric(self) -> Metric:
        """Where the goal's figure stands in a run's vector."""
        return _METRIC_OF[self.goal]

    def scores(self, figures: FloatArray) -> FloatArray:
        """Return the score of every run, shape (n,), NaN where the conditions are not met or the figure is undefined.

        figures: shape (n, N_METRICS).
        """
        is_eligible = figures[:, Metric.N_TRADES] >= self.min_trades
        is_eligible &= figures[:, Metric.MAX_DRAWDOWN_FRAC] <= self.max_drawdown_frac
        return np.where(is_eligible, figures[:, self.metric], np.nan)

    def over(self, length_frac: float) -> "Objective":
        """Return the objective of a run so many times as long: as many trades in proportion, at least 1."""
        least = max(1, math.ceil(self.min_trades * length_frac))
        return Objective(goal=self.goal, min_trades=least, max_drawdown_frac=self.max_drawdown_frac)

    def score(self, figures: FloatArray) -> float | None:
        """Return the score of one run's vector of figures, or None."""
        found = float(self.scores(figures[np.newaxis])[0])
        return None if np.isnan(found) else found
