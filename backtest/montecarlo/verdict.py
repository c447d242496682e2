"""What the figures come to, in plain sentences, and what they cannot say."""

from typing import Final

from backtest.montecarlo.study import LIMIT, LOSS, RUIN, SHOCKED, TRADES, Plan, Scenario, Study
from backtest.outcome import RunOutcome

WHAT_IT_IS_NOT: Final = (
    "This resamples one past: it shows how much of the result was order and luck within it, not that an edge exists."
)
_SURE: Final = 0.95


def verdict(study: Study, outcome: RunOutcome, plan: Plan) -> str:
    """Return a few sentences: the span of returns, the odds of loss and ruin, with and without shocks; a warning."""
    calm = next(one for one in study.scenarios if one.name == TRADES)
    told = [_span(calm), _leaning(calm)]
    told += [_with_shocks(one) for one in study.scenarios if one.name == SHOCKED]
    told.append(_ruin(next((one for one in study.scenarios if one.name == SHOCKED), calm), plan))
    if outcome.is_simulated:
        told.append("The market was simulated: none of this says anything about real profit.")
    return " ".join([*told, WHAT_IT_IS_NOT])


def _span(calm: Scenario) -> str:
    actual = calm.of("return_frac").actual
    if calm.n_units == 1:
        return f"Every path is the run's one trade, {actual:+.1%}."
    low, high = _quantile(calm, "return_frac", 0.05), _quantile(calm, "return_frac", 0.95)
    blocks = "one by one" if calm.block_units == 1 else f"in blocks of {calm.block_units}"
    return (
        f"Drawn again {blocks}, the run's {calm.n_units:,} trades end between {low:+.1%} and {high:+.1%} "
        f"in nine of ten paths; as they happened they make {actual:+.1%}."
    )


def _leaning(calm: Scenario) -> str:
    loses = calm.odds_of(LOSS).frac
    if loses >= _SURE:
        return f"They lose in {loses:.1%} of the paths: the loss is no accident of which trades came."
    if loses <= 1.0 - _SURE:
        return f"They lose in only {loses:.1%} of the paths: within this record the gain does not hang on a few trades."
    return f"They lose in {loses:.1%} of the paths: gain and loss are both within the luck of this record."


def _with_shocks(shocked: Scenario) -> str:
    middle, deep = _quantile(shocked, "return_frac", 0.5), _quantile(shocked, "max_drawdown_frac", 0.95)
    return (
        f"With costs and shocks drawn too, the middle path makes {middle:+.1%}, {shocked.odds_of(LOSS).frac:.1%} lose, "
        f"and one in twenty falls by {deep:.1%} or more from its peak."
    )


def _ruin(scenario: Scenario, plan: Plan) -> str:
    ruined, limited = scenario.odds_of(RUIN), scenario.odds_of(LIMIT)
    often = f"in {ruined.frac:.2%} of the paths" if ruined.n_hits else f"in none (at most {ruined.at_most_frac:.2%})"
    return (
        f"The equity sinks to {plan.ruin_frac:.0%} of its start {often} and meets the run's drawdown limit of "
        f"{plan.max_drawdown_frac:.0%} in {limited.frac:.1%}."
    )


def _quantile(scenario: Scenario, figure: str, level: float) -> float:
    return next(one.value for one in scenario.of(figure).quantiles if one.level_frac == level)
