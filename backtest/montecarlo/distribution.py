"""What many paths say about one figure: its quantiles, mean and odds, each with its Monte Carlo standard error."""

import math
from typing import Final

import numpy as np

from backtest.outcome import FloatArray
from domain.record import Record

LEVELS: Final = (0.05, 0.25, 0.50, 0.75, 0.95, 0.99)


class Quantile(Record, frozen=True, kw_only=True):
    """The value below which `level_frac` of the paths lie, and its standard error."""

    level_frac: float
    value: float
    standard_error: float


class Distribution(Record, frozen=True, kw_only=True):
    """One figure over all paths. actual: the run's own; rank_frac: the share of paths below it, ties counted half."""

    figure: str
    mean: float
    mean_standard_error: float
    quantiles: tuple[Quantile, ...]
    actual: float
    rank_frac: float


class Odds(Record, frozen=True, kw_only=True):
    """How often something happened. at_most_frac: the upper end of its 95 % interval, above 0 when no path had it.

    has_happened: whether the run itself had it.
    """

    event: str
    n_paths: int
    n_hits: int
    frac: float
    standard_error: float
    at_most_frac: float
    has_happened: bool


def distribution(figure: str, values: FloatArray, actual: float) -> Distribution:
    """Return the distribution of a figure. values: shape (n_paths,), no NaN, not empty."""
    ordered = np.sort(values)
    n_paths = len(ordered)
    below = np.searchsorted(ordered, actual, "left") + np.searchsorted(ordered, actual, "right")
    spread = float(ordered.std(ddof=1)) if n_paths > 1 else 0.0
    return Distribution(
        figure=figure,
        mean=float(ordered.mean()),
        mean_standard_error=spread / math.sqrt(n_paths),
        quantiles=tuple(_quantile(ordered, level) for level in LEVELS),
        actual=float(actual),
        rank_frac=float(below) / (2 * n_paths),
    )


def odds(event: str, hits: FloatArray, *, has_happened: bool) -> Odds:
    """Return how often an event happened. hits: booleans, shape (n_paths,), not empty.

    The interval is Wilson's (1927) at two standard errors, which stays honest when no path or every path was hit.
    """
    n_paths, n_hits = len(hits), int(np.count_nonzero(hits))
    frac = n_hits / n_paths
    middle = (frac + 2.0 / n_paths) / (1.0 + 4.0 / n_paths)
    half = 2.0 / (1.0 + 4.0 / n_paths) * math.sqrt(frac * (1.0 - frac) / n_paths + 1.0 / n_paths**2)
    return Odds(
        event=event,
        n_paths=n_paths,
        n_hits=n_hits,
        frac=frac,
        standard_error=math.sqrt(frac * (1.0 - frac) / n_paths),
        at_most_frac=min(1.0, middle + half),
        has_happened=has_happened,
    )


def _quantile(ordered: FloatArray, level: float) -> Quantile:
    """Take the standard error from the order statistics one binomial standard deviation to either side.

    The rank of the quantile among n paths is binomial (David and Nagaraja 2003, Order Statistics, section 7.1).
    """
    n_paths = len(ordered)
    middle, reach = n_paths * level, math.sqrt(n_paths * level * (1.0 - level))
    low = ordered[max(math.floor(middle - reach) - 1, 0)]
    high = ordered[min(math.ceil(middle + reach) - 1, n_paths - 1)]
    return Quantile(level_frac=level, value=float(np.quantile(ordered, level)), standard_error=float(high - low) / 2.0)
