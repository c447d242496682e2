"""How long a block must be for streaks to survive the resampling.

Drawn one by one, losses that came in a row are scattered and the drawdowns look milder than they were. Blocks keep
neighbours together; the length at which the variance of the mean is estimated best is known.
"""

import math
from enum import StrEnum
from typing import Final

import numpy as np

from backtest.outcome import FloatArray

_SIGNIFICANT: Final = 2.0


class Method(StrEnum):
    """How blocks are drawn.

    STATIONARY: lengths are geometric around the block length and the record's end joins its beginning, so that every
    unit is drawn equally often (Politis and Romano 1994). MOVING: all blocks equally long, none over the end
    (Künsch 1989); the first and last units are drawn less often.
    """

    STATIONARY = "stationary"
    MOVING = "moving"


class BlockRule(StrEnum):
    """How the length of a block is chosen when nobody names one."""

    POLITIS_WHITE = "auto"
    CUBE_ROOT = "cube-root"


def block_length(returns: FloatArray, rule: BlockRule | int, method: Method) -> int:
    """Return the block length in units, between 1 and their number. returns: shape (n_units,), not empty.

    A number is taken as it is, but never longer than the record.
    """
    n_units = len(returns)
    if isinstance(rule, BlockRule):
        wanted = n_units ** (1 / 3) if rule is BlockRule.CUBE_ROOT else politis_white(returns, method)
        return min(max(1, round(wanted)), max(1, n_units // 3))
    return min(max(1, rule), n_units)


def politis_white(returns: FloatArray, method: Method) -> float:
    """Return the block length with the least mean squared error for the variance of the mean.

    Politis and White 2004, "Automatic block-length selection for the dependent bootstrap", as corrected by Patton,
    Politis and White 2009: (2 G² / D)^(1/3) n^(1/3), G = sum of w |k| R(k), D = 2 S² for stationary and 4/3 S² for
    moving blocks, S = sum of w R(k), over lags -M..M under the flat-top window w, where M is twice the last lag after
    which the correlations stay insignificant. Independent or constant returns give 1.
    The lengths are the same in any unit of the returns, so correlations stand for R.
    """
    n_units = len(returns)
    deviation = float(returns.std())
    # Below 1e-100 a square is no longer a number that can be divided by: as good as constant.
    if n_units < 4 or np.ptp(returns) == 0.0 or deviation < 1e-100:
        return 1.0
    runs_for = max(5, math.ceil(math.sqrt(math.log10(n_units))))
    n_lags = min(n_units - 1, math.ceil(math.sqrt(n_units)) + runs_for)
    correlations = _autocorrelations((returns - returns.mean()) / deviation, n_lags)
    half = _last_significant(correlations, n_units, runs_for)
    if half == 0:
        return 1.0
    lags = np.arange(min(2 * half, n_lags) + 1)
    window = np.clip(2.0 - lags / half, 0.0, 1.0)
    weighted = window * correlations[: len(lags)]
    spread = 2.0 * float(weighted[1:].sum()) + float(weighted[0])
    bias = 2.0 * float((lags * weighted).sum())
    variance = (2.0 if method is Method.STATIONARY else 4.0 / 3.0) * spread * spread
    return 1.0 if variance == 0.0 else max(1.0, (2.0 * bias * bias / variance) ** (1 / 3) * n_units ** (1 / 3))


def _autocorrelations(standardised: FloatArray, n_lags: int) -> FloatArray:
    n_units = len(standardised)
    return np.array([float(standardised[lag:] @ standardised[: n_units - lag]) / n_units for lag in range(n_lags + 1)])


def _last_significant(correlations: FloatArray, n_units: int, runs_for: int) -> int:
    """Return the lag after which `runs_for` correlations in a row are insignificant; else the last significant one."""
    bound = _SIGNIFICANT * math.sqrt(math.log10(n_units) / n_units)
    large = np.abs(correlations[1:]) >= bound
    for lag in range(len(large) - runs_for + 1):
        if not large[lag : lag + runs_for].any():
            return lag
    found = np.flatnonzero(large)
    return int(found[-1]) + 1 if len(found) else 0
