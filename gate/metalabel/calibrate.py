"""From a score to a chance that keeps its word: Platt scaling on scores given before their outcome was known.

Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999; here with a prior in place of his smoothed
targets. The slope says how far the score is to be believed, 0 = not at all and 1 = as it stands. Before anything is
seen it is 0 give or take 1, so that few scores leave the chance at the base rate, and only many can move it.
"""

import math
from typing import Final

import numpy as np

from domain.features import FloatArray
from domain.record import Record
from gate.metalabel.fit import fit_logistic

LEAST_OF_EACH: Final = 20
_SLOPE_PENALTY: Final = 1.0
_DIGITS: Final = 6


class Calibration(Record, frozen=True, kw_only=True):
    """The chance is 1 / (1 + exp(-(intercept + slope * score))). slope >= 0: a score that misled is not turned round.

    n_scored: scores it was fitted on; 0 = too few, and the chance is the base rate whatever the score.
    """

    intercept: float
    slope: float
    n_scored: int

    def chance_frac(self, score: float) -> float:
        """Return the chance of a win, to six decimals."""
        log_odds = self.intercept + self.slope * score
        return round(0.5 * (1.0 + math.tanh(0.5 * log_odds)), _DIGITS)


def calibration_of(scores: FloatArray, wins: FloatArray, weights: FloatArray, base_rate_frac: float) -> Calibration:
    """Return how scores become chances. All of shape (n,): scores in log-odds, wins 0 or 1, weights above 0.

    Each score must have been given by a model that had not seen its outcome. base_rate_frac: what holds while fewer
    than `LEAST_OF_EACH` wins or losses have been scored.
    """
    n_wins = int(wins.sum())
    if min(n_wins, len(wins) - n_wins) < LEAST_OF_EACH:
        return Calibration(intercept=_log_odds(base_rate_frac), slope=0.0, n_scored=0)
    found = fit_logistic(scores[:, np.newaxis], wins, weights, _SLOPE_PENALTY)
    if not found.has_converged or found.slopes[0] <= 0.0:
        base = float(np.average(wins, weights=weights))
        return Calibration(intercept=_log_odds(base), slope=0.0, n_scored=len(scores))
    intercept, slope = round(found.intercept, _DIGITS), round(found.slopes[0], _DIGITS)
    return Calibration(intercept=intercept, slope=slope, n_scored=len(scores))


def _log_odds(chance_frac: float) -> float:
    return round(math.log(chance_frac / (1.0 - chance_frac)), _DIGITS)
