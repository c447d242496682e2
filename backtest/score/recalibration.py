"""Stated chances put right by what became of earlier ones: Platt's logistic, walked forward.

Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with his smoothed targets, on the log odds of the
stated chance. Every chance is put right by triggers alone whose end was known before it was stated.
"""

from typing import Final

import numpy as np

from backtest.outcome import FloatArray, IntArray
from backtest.score.calibration import SURE_FRAC
from backtest.score.ledger import BoolArray

FEWEST_KNOWN: Final = 30
GROWTH_FRAC: Final = 0.05
"""A new fit is made when so much more is known than at the last one; it bounds their number."""
N_STEPS: Final = 25
RIDGE: Final = 1e-6
ENOUGH: Final = 1e-9


def recalibrated(p_frac: FloatArray, won: BoolArray, triggered_ms: IntArray, resolved_ms: IntArray) -> FloatArray:
    """Return each chance as the earlier ones would have it, NaN where fewer than thirty ends of both kinds were known.

    All have shape (n,), in the order of triggered_ms.
    """
    put_right = np.full(len(p_frac), np.nan)
    odds = log_odds(p_frac)
    by_end = np.argsort(resolved_ms, kind="stable")
    n_known = np.searchsorted(resolved_ms[by_end], triggered_ms, side="right")
    start = 0
    while start < len(p_frac):
        known = int(n_known[start])
        stop = int(np.searchsorted(n_known, max(known * (1.0 + GROWTH_FRAC), FEWEST_KNOWN), side="left"))
        stop, seen = max(stop, start + 1), by_end[:known]
        if known >= FEWEST_KNOWN and won[seen].any() and not won[seen].all():
            slope, offset = platt_fit(odds[seen], won[seen])
            put_right[start:stop] = 1.0 / (1.0 + np.exp(-(offset + slope * odds[start:stop])))
        start = stop
    return put_right


def log_odds(p_frac: FloatArray) -> FloatArray:
    """Return ln(p / (1 - p)), shape as given; certainty is cut to half a percent."""
    kept = np.clip(p_frac, SURE_FRAC, 1.0 - SURE_FRAC)
    odds: FloatArray = np.log(kept / (1.0 - kept))
    return odds


def platt_fit(odds: FloatArray, won: BoolArray) -> tuple[float, float]:
    """Return (slope, offset) of the logistic that fits best, by Newton's method.

    A trace of ridge on the slope keeps it defined where all odds are equal.
    """
    n_won = int(won.sum())
    n_lost = len(won) - n_won
    targets = np.where(won, (n_won + 1.0) / (n_won + 2.0), 1.0 / (n_lost + 2.0))
    design, weights = np.column_stack([odds, np.ones(len(odds))]), np.zeros(2)
    ridge = np.diag([RIDGE, 0.0])
    for _ in range(N_STEPS):
        fitted = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30.0, 30.0)))
        gradient = design.T @ (fitted - targets) + ridge @ weights
        curvature = design.T @ (design * (fitted * (1.0 - fitted))[:, np.newaxis]) + ridge + ENOUGH * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if float(np.abs(step).max()) < ENOUGH:
            break
    return float(weights[0]), float(weights[1])
