"""The shape of daily returns: what the odds of a Sharpe ratio depend on beside its height."""

import math
from typing import Final

from backtest.metrics.returns import daily_sharpe, deviation_of
from backtest.outcome import FloatArray
from domain.record import Record

NORMAL_KURTOSIS: Final = 3.0


class ReturnShape(Record, frozen=True, kw_only=True):
    """A track record in four figures. sharpe: of a day, not annualised.

    skew: third standardised moment. kurtosis: fourth standardised moment, 3 for a normal distribution (not the excess).
    Both with ddof 0.
    """

    n_days: int
    sharpe: float
    skew: float = 0.0
    kurtosis: float = NORMAL_KURTOSIS

    def __post_init__(self) -> None:
        """Refuse fewer than two days, a figure that is not a number, and moments no distribution has."""
        if self.n_days < 2 or not math.isfinite(self.sharpe) or not math.isfinite(self.skew):
            raise ValueError(f"{self.n_days} days, Sharpe {self.sharpe}, skew {self.skew} are no track record")
        # Any distribution has kurtosis >= 1 + skew^2; the rest is rounding.
        if not self.kurtosis * (1.0 + 1e-9) >= 1.0 + self.skew * self.skew:
            raise ValueError(f"no distribution has a skew of {self.skew} with a kurtosis of {self.kurtosis}")

    @property
    def estimate_variance(self) -> float:
        """Variance of the estimated daily Sharpe ratio, times n_days - 1 (Mertens 2002; Bailey & Lopez de Prado 2012).

        1 - skew * SR + (kurtosis - 1) / 4 * SR^2; never below zero, as the kurtosis is at least 1 + skew^2.
        """
        sharpe = self.sharpe
        return max(1.0 - self.skew * sharpe + (self.kurtosis - 1.0) / 4.0 * sharpe * sharpe, 0.0)


def shape_of(returns: FloatArray) -> ReturnShape | None:
    """Return the shape of daily returns, shape (n_days,); None for fewer than two, without variance, or with a NaN."""
    if returns.shape[0] < 2 or not deviation_of(returns) > 0.0:
        return None
    distances = returns - returns.mean()
    standardised = distances / math.sqrt(float((distances**2).mean()))
    return ReturnShape(
        n_days=int(returns.shape[0]),
        sharpe=daily_sharpe(returns),
        skew=float((standardised**3).mean()),
        kurtosis=float((standardised**4).mean()),
    )
