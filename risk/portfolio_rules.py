"""The rules of a portfolio, asked after the entry rules of a trade and only where the portfolio has a say.

A rule that could never refuse is not asked: the record of a desk without a portfolio does not change with it.
"""

from domain.decisions import Refusal
from risk.case import Case
from risk.portfolio import Portfolio
from risk.rules import Rule


def strategy_fits_regime(case: Case) -> Refusal | None:
    """Refuse a strategy outside the regimes it may enter in."""
    strategy, switch = case.proposal.strategy, case.portfolio.regimes
    regimes = switch.regimes_of(strategy)
    if regimes is None or switch.fits(strategy, case.regime):
        return None
    seen = "not known" if case.regime is None else case.regime.value
    reason = f"{strategy} enters in {', '.join(regime.value for regime in regimes)}; the regime is {seen}"
    return Refusal(rule="strategy_fits_regime", reason=reason)


def record_within_band(case: Case) -> Refusal | None:
    """Refuse for the rest of the run once the record has left the backtest's band by more than the cap."""
    policy, standing = case.portfolio.deployment, case.standing
    if policy.band is None or standing.worst_deviation_frac <= policy.max_deviation_frac:
        return None
    low, high = policy.band.edges_r(standing.worst_n_trades)
    stood = f"{standing.worst_sum_r:+.2f} R after {standing.worst_n_trades} trades"
    outside = f"{standing.worst_deviation_frac:.0%} of the width outside {low:+.2f} to {high:+.2f} R"
    reason = f"{stood} was {outside}, the cap is {policy.max_deviation_frac:.0%}; a human must look at it"
    return Refusal(rule="record_within_band", reason=reason)


def portfolio_rules(portfolio: Portfolio) -> tuple[Rule, ...]:
    """Return the rules this portfolio asks of an entry, in order."""
    switched: tuple[Rule, ...] = (strategy_fits_regime,) if portfolio.regimes.allowed else ()
    banded: tuple[Rule, ...] = (record_within_band,) if portfolio.deployment.band is not None else ()
    return switched + banded
