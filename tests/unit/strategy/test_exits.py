"""Every entry gets a plan with a stop; the stop follows the ATR where that is asked for."""

import numpy as np
import pytest

from domain.features import N_FEATURES, Feature, Features
from strategy.exits import ExitRules


def features(atr_price: float) -> Features:
    vector = np.zeros(N_FEATURES)
    vector[Feature.ATR_PRICE] = atr_price
    return Features(vector=vector)


def test_the_stop_is_a_fraction_or_so_many_atrs() -> None:
    assert ExitRules().plan(features(1.0), 100.0).stop_frac == 0.01
    assert ExitRules(stop_atr=2.0).plan(features(1.0), 100.0).stop_frac == pytest.approx(0.02)


def test_a_market_that_stands_still_falls_back_on_the_fraction_and_a_wild_one_is_bounded() -> None:
    rules = ExitRules(stop_atr=2.0)
    assert rules.plan(features(0.0), 100.0).stop_frac == 0.01
    assert rules.plan(features(90.0), 100.0).stop_frac == 0.5


def test_there_is_no_partial_exit_unless_a_level_for_it_is_set() -> None:
    assert ExitRules().plan(features(1.0), 100.0).partial_frac == 0.0
    assert ExitRules(partial_at_r=1.0).plan(features(1.0), 100.0).partial_frac == 0.5


def test_rules_without_a_stop_are_refused() -> None:
    with pytest.raises(ValueError, match="not a plan"):
        ExitRules(stop_frac=0.0)
