"""What every registered strategy says of a whole tape is what it says of each of its bars."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Side
from domain.features import N_FEATURES, Feature, Features
from indicators.feature_columns import BESIDE, FIGURES, N_DECIDING
from strategy.registry import STRATEGIES, build_strategies
from strategy.rules import LONG_LEAVES, SHORT_LEAVES, evaluate, marked, no_marks

FIGURE = st.sampled_from([0.0, 0.3, 0.6, -0.6, 1.5, 2.5, -4.0, 12.0, 40.0, 3e-5, -3e-5]) | st.floats(-100, 100)
ROW = st.tuples(*[FIGURE | st.just(math.nan)] * N_FEATURES)
COLD = (math.nan,) * N_FEATURES


@pytest.mark.parametrize("name", STRATEGIES)
@given(rows=st.lists(ROW | st.just(COLD), min_size=1, max_size=40))
def test_a_scan_of_a_tape_is_the_answer_on_every_bar(name: str, rows: list[tuple[float, ...]]) -> None:
    (strategy,) = build_strategies((name,), {})
    vectors = np.array(rows)
    # Where figures are unknown nothing is asked, whatever stands beside them.
    unknown = np.isnan(vectors[:, Feature.VOLUME_Z])
    vectors[unknown] = math.nan
    figures, beside = (np.asfortranarray(vectors[:, list(places)]) for places in (FIGURES, BESIDE))
    beside[unknown] = 7.0
    answers = [evaluate(strategy, Features(vector=vector)) for vector in vectors]
    fired = [(place, answer) for place, answer in enumerate(answers) if answer.side is not None]
    assert strategy.scans is not None
    places, sides, convictions = strategy.scans.answers(figures, beside, strategy.parameters)
    assert places.tolist() == [place for place, _ in fired]
    assert sides.tolist() == [1 if answer.side is Side.BUY else -1 for _, answer in fired]
    assert convictions.tolist() == [answer.conviction_frac for _, answer in fired]
    if not strategy.scans.asks_regimes:
        fewer = np.asfortranarray(figures[:, :N_DECIDING])
        assert strategy.scans.answers(fewer, beside, strategy.parameters)[0].tolist() == places.tolist()
    if strategy.scans.partings is not None:
        leaves = strategy.scans.partings(figures, beside, strategy.parameters)
        for vector, leaving in zip(vectors, leaves, strict=True):
            wanting = [strategy.wants_out(Features(vector=vector), side) is not None for side in (Side.BUY, Side.SELL)]
            assert wanting == [bool(leaving & LONG_LEAVES), bool(leaving & SHORT_LEAVES)]


@given(passes=st.lists(st.booleans(), max_size=70))
def test_marked_places_are_found_in_order(passes: list[bool]) -> None:
    marks = no_marks(len(passes))
    marks[: len(passes)] = passes
    assert marked(marks).tolist() == np.flatnonzero(passes).tolist()
