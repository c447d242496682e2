"""What a reader is told of a rule's thresholds agrees with the kernel that decides."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.features import N_FEATURES, Feature, Features
from domain.threshold import Bound
from strategy.e3 import E3, Direction, E3Thresholds
from strategy.funding_fade import FundingFade, FundingFadeThresholds
from strategy.rules import evaluate

RULES = [
    E3(E3Thresholds(min_move_bps=3.0)),
    E3(E3Thresholds(direction=Direction.PREMIUM_FADE)),
    FundingFade(FundingFadeThresholds()),
]
LIKELY = {
    Feature.BODY_OVER_ATR: 1.0,
    Feature.VOLUME_Z: 4.0,
    Feature.BOOK_IMBALANCE: 1.0,
    Feature.PREMIUM_BPS: 25.0,
    Feature.FUNDING_RATE_HOURLY_FRAC: 0.0001,
    Feature.REALISED_VOL_BPS: 70.0,
    Feature.SPREAD_BPS: 35.0,
    Feature.RETURN_BPS: 10.0,
}


@st.composite
def figures(draw):
    vector = np.full(N_FEATURES, np.nan)
    for place, reach in LIKELY.items():
        vector[place] = draw(st.floats(-reach, reach) | st.just(math.nan) | st.just(0.9 * reach))
    vector[Feature.REGIME] = 0.0
    return Features(vector=vector)


@pytest.mark.parametrize("rule", RULES, ids=["e3", "e3 fade", "funding fade"])
@given(seen=figures())
def test_a_rule_that_fires_has_no_known_margin_below_nought(rule, seen):
    answer = evaluate(rule, seen)
    if answer.side is not None:
        margins = [test.margin(seen, answer.side) for test in rule.thresholds.tests()]
        assert all(margin is None or margin >= 0.0 for margin in margins)


FIRING = {
    "e3": (RULES[0], {"BODY_OVER_ATR": 0.7, "VOLUME_Z": 2.2, "BOOK_IMBALANCE": 0.3, "PREMIUM_BPS": 4.0}),
    "e3 fade": (RULES[1], {"BODY_OVER_ATR": 0.7, "VOLUME_Z": 2.2, "PREMIUM_BPS": 8.0}),
    "funding fade": (RULES[2], {"FUNDING_RATE_HOURLY_FRAC": 0.00003, "PREMIUM_BPS": 6.0, "VOLUME_Z": 1.5}),
}


@pytest.mark.parametrize("name", FIRING)
def test_a_figure_moved_back_by_more_than_its_margin_stops_the_rule(name):
    """So every margin told is that of a test the rule makes, with the threshold it has."""
    rule, figures = FIRING[name]
    vector = np.full(N_FEATURES, np.nan)
    for place, figure in {
        "SPREAD_BPS": 2.0,
        "REALISED_VOL_BPS": 10.0,
        "RETURN_BPS": 12.0,
        "REGIME": 0.0,
        **figures,
    }.items():
        vector[Feature[place]] = figure
    side = evaluate(rule, Features(vector=vector)).side
    assert side is not None
    for test in rule.thresholds.tests():
        margin = test.margin(Features(vector=vector), side)
        for share, fires in ((0.999, True), (1.001, False)):
            moved = vector.copy()
            moved[test.figure] -= _inwards(test.bound, vector[test.figure], side) * margin * share
            assert (evaluate(rule, Features(vector=moved)).side is not None) is fires, (name, test, share)


def _inwards(bound, figure, side):
    """Return the sign in which a margin of this kind is worn away by taking it off the figure."""
    ours = {Bound.LEAST: 1, Bound.MOST: -1, Bound.LEAST_OUR_WAY: side, Bound.MOST_OUR_WAY: -side}
    return ours.get(bound, math.copysign(1, figure))
