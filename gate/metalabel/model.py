"""One fitted meta-label model: how it was made of resolved triggers, and how it scores a vector.

A secondary model over a primary rule's triggers: Lopez de Prado, Advances in Financial Machine Learning, section 3.6.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.features import FloatArray
from domain.record import Record
from gate.metalabel.calibrate import LEAST_OF_EACH, Calibration, calibration_of
from gate.metalabel.fit import fit_logistic
from gate.metalabel.scale import Scale, scale_of, standardised
from gate.metalabel.uniqueness import average_uniqueness

# Believed before anything is seen: one standard deviation of a figure moves the log-odds by 0.1, give or take.
PRIOR_LOG_ODDS: Final = 0.1
# Far finer than a weight is known, and coarse enough that the last bits of another machine's arithmetic do not show.
DIGITS: Final = 6


class Seen(Record, frozen=True, kw_only=True, gc=False, eq=False):
    """One resolved trigger as the model keeps it. score: what a model said of it before it ended; None = none was."""

    vector: FloatArray
    market: str
    triggered_ms: int
    resolved_ms: int
    net_bps: float
    score: float | None


class Opinion(Record, frozen=True, kw_only=True):
    """What the model says of one trigger: its calibrated chance, and the chance at which such trades pay."""

    p_win_frac: float
    break_even_frac: float

    def is_yes(self, min_p_win_frac: float) -> bool:
        """Say whether the chance is at least all that is asked; why both are asked stands in `reader.py`."""
        return self.p_win_frac >= min_p_win_frac and self.p_win_frac >= self.break_even_frac


class Model(Record, frozen=True, kw_only=True):
    """The weights, one a column, in log-odds per standard deviation of a figure or per mark, and what belongs to them.

    break_even_frac: the chance at which a trade of the training set's mean win and mean loss comes to nothing.
    n_trained: triggers the weights were fitted on.
    """

    scale: Scale
    intercept: float
    weights: tuple[float, ...]
    calibration: Calibration
    break_even_frac: float
    n_trained: int

    @property
    def sha256(self) -> str:
        """The fingerprint of everything a chance is computed from, in hex."""
        told = [
            [self.scale.low, self.scale.high, self.scale.mean, self.scale.stdev],
            [self.intercept, self.weights],
            [self.calibration.intercept, self.calibration.slope],
            self.break_even_frac,
        ]
        return hashlib.sha256(json.dumps(told, separators=(",", ":"), allow_nan=False).encode()).hexdigest()

    def score(self, vector: FloatArray) -> float:
        """Return the log-odds of a win before calibration."""
        return score_of(standardised(vector, self.scale).tolist(), self.weights, self.intercept)

    def opinion(self, vector: FloatArray) -> Opinion:
        """Return the calibrated chance that the net result is above zero, and what is asked of it."""
        p_win_frac = self.calibration.chance_frac(self.score(vector))
        return Opinion(p_win_frac=p_win_frac, break_even_frac=self.break_even_frac)


def score_of(columns: Sequence[float], weights: Sequence[float], intercept: float) -> float:
    """Return intercept + sum of columns times weights, rounded once: the order of the terms leaves no trace."""
    products = (column * weight for column, weight in zip(columns, weights, strict=True))
    return round(math.fsum([intercept, *products]), DIGITS)


def train(seen: Sequence[Seen]) -> Model | None:
    """Return a model of resolved triggers; None with too few of either class, or when the fit did not converge."""
    net_bps = np.array([one.net_bps for one in seen])
    wins = (net_bps > 0.0).astype(np.float64)
    n_wins = int(wins.sum())
    if min(n_wins, len(seen) - n_wins) < LEAST_OF_EACH:
        return None
    columns = np.stack([one.vector for one in seen])
    weights = _uniqueness(seen)
    scale = scale_of(columns)
    fit = fit_logistic(standardised(columns, scale), wins, weights, PRIOR_LOG_ODDS**-2)
    if not fit.has_converged:
        return None
    return Model(
        scale=scale,
        intercept=round(fit.intercept, DIGITS) + 0.0,
        weights=tuple(round(slope, DIGITS) + 0.0 for slope in fit.slopes),
        calibration=_calibration(seen, wins, weights),
        break_even_frac=_break_even_frac(net_bps, weights),
        n_trained=len(seen),
    )


def _uniqueness(seen: Sequence[Seen]) -> FloatArray:
    names = sorted({one.market for one in seen})
    return average_uniqueness(
        np.array([one.triggered_ms for one in seen]),
        np.array([one.resolved_ms for one in seen]),
        np.array([names.index(one.market) for one in seen]),
    )


def _calibration(seen: Sequence[Seen], wins: FloatArray, weights: FloatArray) -> Calibration:
    scored = np.array([place for place, one in enumerate(seen) if one.score is not None], dtype=np.int64)
    scores = np.array([one.score for one in seen if one.score is not None])
    base = float(np.average(wins, weights=weights))
    return calibration_of(scores, wins[scored], weights[scored], base)


def _break_even_frac(net_bps: FloatArray, weights: FloatArray) -> float:
    """Return L / (W + L), where p W - (1 - p) L = 0: W is the mean net of a win, L the mean loss, both in bps."""
    is_win = net_bps > 0.0
    win_bps = float(np.average(net_bps[is_win], weights=weights[is_win]))
    loss_bps = -float(np.average(net_bps[~is_win], weights=weights[~is_win]))
    return round(loss_bps / (win_bps + loss_bps), DIGITS)
