"""The figures of a tape are the features of its bars, with or without the regimes."""

import math

import numpy as np
import pytest

from domain.features import N_FEATURES
from indicators.feature_columns import BESIDE, FIGURES, N_DECIDING, features_at
from indicators.features import FeatureWindows, features_batch, tape_figures
from indicators.realised_vol import returns_batch
from indicators.regime import RegimeThresholds

WINDOWS, BORDERS = FeatureWindows(), RegimeThresholds()


@pytest.mark.parametrize("has_regimes", [True, False])
def test_figures_and_what_stood_beside_them_are_the_features(recorded, has_regimes):
    bars, readings = recorded[:2000], np.full((2000, 5), math.nan)
    readings[::3] = [0.25, -4.0, 1e-5, 3e8, 1.5]
    returns = returns_batch(bars[:, 3])
    figures = tape_figures(np.ascontiguousarray(bars.T), returns, WINDOWS, BORDERS, has_regimes=has_regimes)
    beside = np.asfortranarray(np.column_stack([readings, returns]))
    rows = features_at(figures, beside, np.arange(len(bars)))
    expected = features_batch(bars, readings, WINDOWS, BORDERS)
    if not has_regimes:
        expected[:, list(FIGURES[N_DECIDING:])] = math.nan
    np.testing.assert_array_equal(rows, expected)


def test_every_feature_is_either_worked_out_or_stood_beside():
    assert sorted((*FIGURES, *BESIDE)) == list(range(N_FEATURES))
