from domain.features import Regime
from risk.portfolio import Portfolio
from risk.portfolio_rules import portfolio_rules, strategy_fits_regime
from risk.switching import RegimeSwitch
from tests.unit.risk.cases import case

TRENDS_ONLY = Portfolio(regimes=RegimeSwitch(allowed=(("e3", (Regime.BULL_TREND, Regime.BEAR_TREND)),)))


def test_a_portfolio_that_adds_nothing_asks_nothing():
    assert portfolio_rules(Portfolio()) == ()


def test_a_strategy_outside_its_regimes_is_refused_with_both():
    refusal = strategy_fits_regime(case(portfolio=TRENDS_ONLY, regime=Regime.CHOP))
    assert refusal.rule == "strategy_fits_regime"
    assert refusal.reason == "e3 enters in bull_trend, bear_trend; the regime is chop"
    assert strategy_fits_regime(case(portfolio=TRENDS_ONLY, regime=Regime.BEAR_TREND)) is None


def test_a_regime_that_is_not_known_is_refused():
    assert strategy_fits_regime(case(portfolio=TRENDS_ONLY)).reason.endswith("the regime is not known")
