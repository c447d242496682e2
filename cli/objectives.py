"""What the searching commands are after, from their options."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtest.objective import Objective


def objective_of(goal: str, min_trades: int, max_drawdown_frac: float) -> "Objective":
    """Return the objective of the options. Raises BadInput for a goal nobody knows."""
    from backtest.objective import Goal, Objective
    from domain.errors import BadInput

    if goal not in set(Goal):
        raise BadInput(f"--objective {goal} is not known; allowed are {', '.join(Goal)}")
    return Objective(goal=Goal(goal), min_trades=min_trades, max_drawdown_frac=max_drawdown_frac)
