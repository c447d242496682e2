"""What the best of many trials would show by luck alone.

Whoever tries many settings and keeps the best keeps some luck with it. How much is known before any of them is looked
at: it grows with the number of trials and with how far their Sharpe ratios lie apart.
"""

import math
from typing import Final

import numpy as np

from backtest.luck.odds import NORMAL, probabilistic_sharpe_frac
from backtest.luck.returns import ReturnShape
from backtest.metrics.returns import DAYS_PER_YEAR, ROUNDING_FRAC
from backtest.outcome import FloatArray
from domain.record import Record

EULER_MASCHERONI: Final = 0.577215664901532860606512


class Trials(Record, frozen=True, kw_only=True):
    """Everything that was tried before one result was shown.

    n_trials: the true number, also of those that never traded. n_independent: an estimate of how many of them
    were not repetitions of one another, 1 <= n_independent <= n_trials; None where nobody looked.
    sharpe_variance: of the daily Sharpe ratios of the trials; None where they are not known.
    """

    n_trials: int
    n_independent: float | None = None
    sharpe_variance: float | None = None

    def __post_init__(self) -> None:
        """Refuse less than one trial, and more independent ones than there were."""
        if self.n_trials < 1:
            raise ValueError(f"{self.n_trials} trials cannot have a best one")
        if self.n_independent is not None and not 1.0 <= self.n_independent <= self.n_trials:
            raise ValueError(f"{self.n_independent} of {self.n_trials} trials cannot be independent")
        if self.sharpe_variance is not None and not 0.0 <= self.sharpe_variance < math.inf:
            raise ValueError(f"{self.sharpe_variance} is no variance")


ONE_TRIAL: Final = Trials(n_trials=1)


def expected_maximum(n_trials: float) -> float:
    """Return the expected largest of so many independent standard normal draws.

    (1 - g) * Z(1 - 1 / N) + g * Z(1 - 1 / (N e)), g the Euler-Mascheroni constant, Z the normal quantile: Bailey,
    Borwein, Lopez de Prado & Zhu, "Pseudo-Mathematics and Financial Charlatanism", Notices of the AMS 61(5), 2014,
    proposition 1. An approximation for large N: 0.520 for N = 2, where 0.564 is true. 0 for N = 1, and
    never below it. Raises ValueError below 1.
    """
    if not 1.0 <= n_trials < math.inf:
        raise ValueError(f"{n_trials} trials have no largest")
    # 1 - 1/N would lose N's digits above 1e16; by symmetry Z(1 - p) = -Z(p).
    if n_trials == 1.0:
        return 0.0
    first, second = -NORMAL.inv_cdf(1.0 / n_trials), -NORMAL.inv_cdf(1.0 / (n_trials * math.e))
    return max((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second, 0.0)


def lucky_sharpe(n_trials: float, sharpe_variance: float) -> float:
    """Return the daily Sharpe ratio that the best of so many trials is expected to show when none has any edge.

    SR0 = sqrt(V[SR]) * expected_maximum(N): Bailey & Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
    Management 40(5), 2014. sharpe_variance: of the trials' daily Sharpe ratios.
    """
    return math.sqrt(sharpe_variance) * expected_maximum(n_trials)


def null_variance(n_days: int) -> float:
    """Return the variance of a daily Sharpe ratio estimated without any edge: 1 / (n_days - 1) (Lo 2002 at SR = 0)."""
    return 1.0 / (n_days - 1)


def deflated_sharpe_frac(shape: ReturnShape, n_trials: float, sharpe_variance: float) -> float:
    """Return the probability that the true Sharpe ratio of the best trial is above what luck alone would show.

    DSR = PSR(SR0), Bailey & Lopez de Prado 2014. Never above the PSR against zero, and equal to it for one trial.
    """
    return probabilistic_sharpe_frac(shape, lucky_sharpe(n_trials, sharpe_variance))


def min_backtest_days(n_trials: float, annual_sharpe: float) -> float | None:
    """Return how long a backtest must be, in days, so that luck alone is not expected to show this Sharpe ratio.

    MinBTL = (expected_maximum(N) / SR)^2 years: Bailey, Borwein, Lopez de Prado & Zhu 2014, theorem 2. annual_sharpe:
    that of the best trial. None when it is zero or less, or when no number of days is enough.
    """
    if annual_sharpe <= 0.0:
        return None
    years = expected_maximum(n_trials) / annual_sharpe
    days = years * years * DAYS_PER_YEAR
    return days if days < math.inf else None


def mean_correlation(returns: FloatArray) -> float | None:
    """Return the mean correlation of two different trials' returns; None for fewer than two that vary.

    returns: daily, shape (n_days, n_trials), finite. It takes time and memory in proportion to their number alone.
    """
    distances = returns - returns.mean(axis=0)
    lengths = np.sqrt((distances**2).sum(axis=0))
    moves = lengths > ROUNDING_FRAC * np.abs(returns).sum(axis=0)
    n_moving = int(moves.sum())
    if n_moving < 2:
        return None
    # The sum of all correlations is the squared length of the sum of the unit vectors: no matrix of pairs is needed.
    total = (distances[:, moves] / lengths[moves]).sum(axis=1)
    rho = (float(total @ total) - n_moving) / (n_moving * (n_moving - 1.0))
    return min(max(rho, -1.0), 1.0)


def n_independent_of(n_trials: int, correlation: float) -> float:
    """Return how many independent trials so many correlated ones are worth.

    rho + (1 - rho) * n_trials: the interpolation of Bailey & Lopez de Prado 2014, appendix 3. It errs on the high
    side, which deflates more: two families of copies count as half of all, not as two. A negative rho counts as 0.
    """
    rho = max(correlation, 0.0)
    return rho + (1.0 - rho) * n_trials


def trials_of(daily_sharpes: FloatArray, sample_returns: FloatArray | None = None) -> Trials:
    """Return what is known of a finished search.

    daily_sharpes: of every trial, shape (n_trials,), NaN for one without a Sharpe ratio: it still counts as a trial.
    sample_returns: daily returns of all trials, or of some picked without regard to their result, shape
    (n_days, n_sampled); their mean correlation is taken for that of all. Raises ValueError without a trial.
    """
    known = daily_sharpes[np.isfinite(daily_sharpes)]
    n_trials = int(daily_sharpes.shape[0])
    correlation = None if sample_returns is None else mean_correlation(sample_returns)
    return Trials(
        n_trials=n_trials,
        n_independent=None if correlation is None else n_independent_of(max(n_trials, 1), correlation),
        sharpe_variance=float(known.var(ddof=1)) if known.shape[0] > 1 else None,
    )
