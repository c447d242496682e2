"""Strategies asked side by side answer exactly what each answers alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.features import N_FEATURES, FloatArray
from strategy.e3 import E3, Direction, E3Thresholds
from strategy.funding_fade import FundingFade, FundingFadeThresholds
from strategy.rules import Strategy
from strategy.together import apart, asked_together

E3_FADES = E3(E3Thresholds(direction=Direction.PREMIUM_FADE, body_over_atr=0.3))
SHIPPED = (E3(E3Thresholds()), FundingFade(FundingFadeThresholds()))
FIGURES = st.one_of(st.just(float("nan")), st.floats(-50.0, 50.0), st.floats(-1e-4, 1e-4))
VECTORS = st.lists(FIGURES, min_size=N_FEATURES, max_size=N_FEATURES).map(np.array)
CREWS = st.sampled_from(
    [SHIPPED, SHIPPED[::-1], SHIPPED[:1], SHIPPED[1:], (E3_FADES, SHIPPED[1]), (*SHIPPED, E3_FADES)]
)


@given(vector=VECTORS, crew=CREWS)
def test_each_strategy_fails_the_same_tests_beside_others_as_alone(vector: FloatArray, crew: tuple[Strategy, ...]):
    ask, parameters = asked_together(crew)
    alone = [strategy.failed_tests(vector, strategy.parameters) for strategy in crew]
    assert apart(ask(vector, parameters), len(crew)) == alone
