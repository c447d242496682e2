"""Logistic regression with a penalty, by Newton's method (iteratively reweighted least squares).

A few lines of numpy and not a library of 70 MB: the model has three dozen columns, and what a replay must find again
to the bit is better written down here than left to a solver whose defaults change. Source of the method: Hastie,
Tibshirani, Friedman, The Elements of Statistical Learning, section 4.4.1, with the ridge term of section 4.4.4.
"""

from typing import Final

import numpy as np

from domain.features import FloatArray
from domain.record import Record

MOST_STEPS: Final = 50
_MOST_HALVINGS: Final = 30
_SMALLEST_STEP: Final = 1e-9
# Close to the end a step changes the loss by less than its sum is exact: that is no rise.
_ROUNDING: Final = 1e-12


class Fit(Record, frozen=True, kw_only=True):
    """What was found. slopes: one a column, in log-odds per unit. has_converged: False = do not use it."""

    intercept: float
    slopes: tuple[float, ...]
    has_converged: bool
    n_steps: int


def fit_logistic(columns: FloatArray, wins: FloatArray, weights: FloatArray, penalty: float) -> Fit:
    """Return the weights that make the wins likeliest, less penalty / 2 times the sum of squared slopes.

    columns: shape (n, d). wins: shape (n,), 0 or 1, both present. weights: shape (n,), above 0. The intercept bears
    no penalty, so the weighted mean of the fitted chances is the weighted share of wins.
    """
    design = np.vstack([np.ones(len(columns)), columns.T])
    ridge = np.full(len(design), penalty)
    ridge[0] = 0.0
    beta = np.zeros(len(design))
    base = float(np.average(wins, weights=weights))
    beta[0] = np.log(base / (1.0 - base))
    for n_steps in range(1, MOST_STEPS + 1):
        step = _newton_step(design, wins, weights, ridge, beta)
        if step is None:
            return _fit(beta, n_steps, has_converged=False)
        if np.max(np.abs(step)) <= _SMALLEST_STEP:
            return _fit(beta + step, n_steps, has_converged=True)
        beta = beta + _damping(design, wins, weights, ridge, beta, step) * step
    return _fit(beta, MOST_STEPS, has_converged=False)


def chances(log_odds: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-x)), without an overflow at either end."""
    return 0.5 * (1.0 + np.tanh(0.5 * log_odds))


def _newton_step(
    design: FloatArray, wins: FloatArray, weights: FloatArray, ridge: FloatArray, beta: FloatArray
) -> FloatArray | None:
    """Return the step to where the second-order picture of the loss is least, None where it has no such place.

    design: shape (d, n), a row for each column of the data, so that the sums run over neighbours in memory.
    """
    # Sums of numpy's own and not of BLAS: its threads cost more than they bring, and their number shows in the bits.
    fitted = chances(np.einsum("dn,d->n", design, beta))
    gradient = np.einsum("dn,n->d", design, weights * (wins - fitted)) - ridge * beta
    curvature = weights * fitted * (1.0 - fitted)
    hessian = np.einsum("in,jn->ij", design * curvature, design) + np.diag(ridge)
    try:
        step: FloatArray = np.linalg.solve(hessian, gradient).astype(np.float64)
    except np.linalg.LinAlgError:
        return None
    return step


def _damping(
    design: FloatArray, wins: FloatArray, weights: FloatArray, ridge: FloatArray, beta: FloatArray, step: FloatArray
) -> float:
    """Return the part of a step to take: the first of 1, 1/2, 1/4 ... that does not raise the loss."""
    highest = _loss(design, wins, weights, ridge, beta) * (1.0 + _ROUNDING)
    part = 1.0
    for _ in range(_MOST_HALVINGS):
        if _loss(design, wins, weights, ridge, beta + part * step) <= highest:
            break
        part /= 2.0
    return part


def _loss(design: FloatArray, wins: FloatArray, weights: FloatArray, ridge: FloatArray, beta: FloatArray) -> float:
    log_odds = np.einsum("dn,d->n", design, beta)
    misfit = np.logaddexp(0.0, log_odds) - wins * log_odds
    return float((weights * misfit).sum() + 0.5 * (ridge * beta * beta).sum())


def _fit(beta: FloatArray, n_steps: int, *, has_converged: bool) -> Fit:
    found = [float(number) for number in beta]
    is_sound = has_converged and bool(np.all(np.isfinite(beta)))
    return Fit(intercept=found[0], slopes=tuple(found[1:]), has_converged=is_sound, n_steps=n_steps)
