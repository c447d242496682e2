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


def portfolio_rules(portfolio: Portfolio) -> tuple[Rule, ...]:
    """Return the rules this portfolio asks of an entry, in order."""
    return (strategy_fits_regime,) if portfolio.regimes.allowed else ()
