"""The rules of a portfolio, asked after the entry rules of a trade and only where the portfolio has a say.

A rule that could never refuse is not asked: the record of a desk without a portfolio does not change with it.
"""

from domain.decisions import Refusal
from domain.instrument import usd
from risk.case import Case
from risk.limits import RiskLimits
from risk.portfolio import Portfolio
from risk.rules import Rule
from risk.sizing import correlated_cap_microusd


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


def holdings_are_unlike(case: Case) -> Refusal | None:
    """Refuse when what is held and moves with the order fills the cap already. Where nothing does, nothing is asked."""
    alike, cap = case.alike_microusd, correlated_cap_microusd(case.limits, case.exposure.equity_microusd)
    if alike == 0 or alike < cap:
        return None
    held = f"{usd(alike):.2f} USD of what is held moves with {case.proposal.side.name} {case.proposal.symbol}"
    return Refusal(rule="holdings_are_unlike", reason=f"{held}, the cap is {usd(cap):.2f}")


def portfolio_rules(portfolio: Portfolio, limits: RiskLimits) -> tuple[Rule, ...]:
    """Return the rules this portfolio asks of an entry, in order."""
    asked = (
        (strategy_fits_regime, bool(portfolio.regimes.allowed)),
        (record_within_band, portfolio.deployment.band is not None),
        (holdings_are_unlike, limits.max_correlated_exposure_frac > 0.0),
    )
    return tuple(rule for rule, is_asked in asked if is_asked)
