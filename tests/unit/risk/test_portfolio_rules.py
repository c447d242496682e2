from domain.features import Regime
from risk.exposure import Exposure
from risk.limits import RiskLimits, SizingPolicy
from risk.portfolio import Portfolio
from risk.portfolio_rules import holdings_are_unlike, portfolio_rules, strategy_fits_regime
from risk.sizing import competing_sizes
from risk.switching import RegimeSwitch
from tests.unit.risk.cases import EQUITY_MICROUSD, case

TRENDS_ONLY = Portfolio(regimes=RegimeSwitch(allowed=(("e3", (Regime.BULL_TREND, Regime.BEAR_TREND)),)))


def test_a_portfolio_that_adds_nothing_asks_nothing():
    assert portfolio_rules(Portfolio(), RiskLimits()) == ()


def test_a_strategy_outside_its_regimes_is_refused_with_both():
    refusal = strategy_fits_regime(case(portfolio=TRENDS_ONLY, regime=Regime.CHOP))
    assert refusal.rule == "strategy_fits_regime"
    assert refusal.reason == "e3 enters in bull_trend, bear_trend; the regime is chop"
    assert strategy_fits_regime(case(portfolio=TRENDS_ONLY, regime=Regime.BEAR_TREND)) is None


def test_a_regime_that_is_not_known_is_refused():
    assert strategy_fits_regime(case(portfolio=TRENDS_ONLY)).reason.endswith("the regime is not known")


CAPPED = RiskLimits(max_correlated_exposure_frac=0.5)


def alike(microusd):
    """Return a case of 10,000 USD that may hold 5,000 USD of what moves together, and holds so much of it."""
    held = Exposure(equity_microusd=EQUITY_MICROUSD, gross_notional_microusd=microusd)
    return case(limits=CAPPED, alike_microusd=microusd, exposure=held)


def test_the_room_left_under_the_correlation_cap_is_a_size_and_no_room_a_refusal():
    # One lot of SOL at 100 is worth 1 USD.
    assert dict(competing_sizes(alike(3_000_000_000), SizingPolicy()))["correlation_cap"] == 2_000
    assert holdings_are_unlike(alike(4_999_999_999)) is None
    assert holdings_are_unlike(alike(5_000_000_000)).reason == (
        "5000.00 USD of what is held moves with BUY SOL-PERP, the cap is 5000.00"
    )


def test_where_nothing_moves_with_the_order_the_correlation_cap_has_no_say():
    assert "correlation_cap" not in dict(competing_sizes(alike(0), SizingPolicy()))
    assert holdings_are_unlike(alike(0)) is None
    assert portfolio_rules(Portfolio(), CAPPED) == (holdings_are_unlike,)
