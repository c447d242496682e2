"""A margin says how far a figure lies beyond its threshold, and is not known where the figure is not."""

import math

import numpy as np
import pytest

from domain.decisions import Side
from domain.features import N_FEATURES, Feature, Features
from domain.threshold import Bound, Threshold


def seen(figure):
    vector = np.full(N_FEATURES, np.nan)
    vector[Feature.PREMIUM_BPS] = figure
    return Features(vector=vector)


@pytest.mark.parametrize(
    ("bound", "figure", "side", "margin"),
    [
        (Bound.LEAST, 7.0, Side.SELL, 2.0),
        (Bound.LEAST, -7.0, Side.SELL, -12.0),
        (Bound.MOST, 7.0, Side.BUY, -2.0),
        (Bound.LEAST_SIZE, -7.0, Side.BUY, 2.0),
        (Bound.LEAST_OUR_WAY, -7.0, Side.SELL, 2.0),
        (Bound.LEAST_OUR_WAY, -7.0, Side.BUY, -12.0),
        (Bound.MOST_OUR_WAY, 7.0, Side.SELL, 12.0),
        (Bound.MOST_OUR_WAY, 7.0, Side.BUY, -2.0),
    ],
)
def test_the_margin_is_measured_the_way_the_test_reads_the_figure(bound, figure, side, margin):
    assert Threshold(figure=Feature.PREMIUM_BPS, level=5.0, bound=bound).margin(seen(figure), side) == margin


@pytest.mark.parametrize("bound", [*Bound])
def test_without_a_figure_there_is_no_margin(bound):
    test = Threshold(figure=Feature.PREMIUM_BPS, level=5.0, bound=bound)
    assert test.margin(seen(math.nan), Side.BUY) is None
