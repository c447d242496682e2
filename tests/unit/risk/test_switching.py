import pytest

from domain.features import Regime
from risk.switching import RegimeSwitch

SWITCH = RegimeSwitch(allowed=(("e3", (Regime.BULL_TREND, Regime.BEAR_TREND)),))


def test_a_strategy_fits_the_regimes_it_was_given_and_no_other():
    assert {regime for regime in Regime if SWITCH.fits("e3", regime)} == {Regime.BULL_TREND, Regime.BEAR_TREND}


def test_a_strategy_that_is_not_named_fits_everywhere_even_where_the_regime_is_not_known():
    assert all(SWITCH.fits("funding_fade", regime) for regime in (*Regime, None))
    assert not SWITCH.fits("e3", None)


def test_a_switch_that_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match="named twice or has no regime"):
        RegimeSwitch(allowed=(("e3", (Regime.CHOP,)), ("e3", (Regime.CRASH,))))
    with pytest.raises(ValueError, match="named twice or has no regime"):
        RegimeSwitch(allowed=(("e3", ()),))
