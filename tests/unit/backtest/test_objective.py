"""An objective scores a run by one figure, and only a run that meets its conditions."""

import numpy as np
import pytest

from backtest.metrics.compiled import N_METRICS, Metric
from backtest.objective import Goal, Objective


def figures(**values: float) -> np.ndarray:
    vector = np.full(N_METRICS, np.nan)
    for name, value in values.items():
        vector[Metric[name]] = value
    return vector


def test_each_goal_reads_its_own_figure() -> None:
    run = figures(N_TRADES=50, MAX_DRAWDOWN_FRAC=0.1, SHARPE=1.0, SORTINO=2.0, CALMAR=3.0, NET_MICROUSD=4.0,
                  CAGR_FRAC=5.0, PROFIT_FACTOR=6.0, EXPECTANCY_R=7.0)  # fmt: skip
    assert [Objective(goal=goal).score(run) for goal in Goal] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_too_few_trades_too_deep_a_fall_and_an_undefined_figure_have_no_score() -> None:
    objective = Objective(min_trades=30, max_drawdown_frac=0.2)
    assert objective.score(figures(N_TRADES=30, MAX_DRAWDOWN_FRAC=0.2, SHARPE=1.0)) == 1.0
    assert objective.score(figures(N_TRADES=29, MAX_DRAWDOWN_FRAC=0.2, SHARPE=1.0)) is None
    assert objective.score(figures(N_TRADES=30, MAX_DRAWDOWN_FRAC=0.21, SHARPE=1.0)) is None
    assert objective.score(figures(N_TRADES=30, MAX_DRAWDOWN_FRAC=0.2)) is None


def test_conditions_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="not a condition"):
        Objective(min_trades=0)
    with pytest.raises(ValueError, match="not a condition"):
        Objective(max_drawdown_frac=0.0)
