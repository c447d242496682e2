"""How sure a Sharpe ratio is, given how long and how crooked the track record behind it is.

Bailey & Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012. All Sharpe ratios here are
of a day, not annualised.
"""

import math
from statistics import NormalDist
from typing import Final

from backtest.luck.returns import ReturnShape

NORMAL: Final = NormalDist()


def probabilistic_sharpe_frac(shape: ReturnShape, benchmark_sharpe: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above the benchmark (PSR, their equation 11).

    Phi((SR - SR*) * sqrt(T - 1) / sqrt(1 - skew * SR + (kurtosis - 1) / 4 * SR^2)), T in days.
    """
    distance = (shape.sharpe - benchmark_sharpe) * math.sqrt(shape.n_days - 1)
    deviation = math.sqrt(shape.estimate_variance)
    if deviation == 0.0:
        return 0.5 if distance == 0.0 else float(distance > 0.0)
    return NORMAL.cdf(distance / deviation)


def min_track_record_days(
    shape: ReturnShape, benchmark_sharpe: float = 0.0, confidence_frac: float = 0.95
) -> float | None:
    """Return how many days like these it takes to be so sure that the true Sharpe ratio is above the benchmark.

    MinTRL, their equation 13: 1 + (1 - skew * SR + (kurtosis - 1) / 4 * SR^2) * (Z / (SR - SR*))^2. None when the
    Sharpe ratio does not exceed the benchmark: no number of such days is enough. Raises ValueError for a confidence
    outside [0.5, 1).
    """
    if not 0.5 <= confidence_frac < 1.0:
        raise ValueError(f"a confidence of {confidence_frac} is outside [0.5, 1)")
    distance = shape.sharpe - benchmark_sharpe
    if distance <= 0.0:
        return None
    ratio = NORMAL.inv_cdf(confidence_frac) / distance
    days = 1.0 + shape.estimate_variance * ratio * ratio
    return days if days < math.inf else None
