"""The last hour of one market as a model is told it: returns, volumes, trends, where the close stands in the range.

Prices enter as ratios alone, so that nothing here tells their level. A figure of which too little is known is NaN.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

import numpy as np

from domain.features import FloatArray
from domain.market import MINUTE_MS, Snapshot
from domain.situation import RECENT_MINUTES
from gate.figures import BPS

N_TOLD: Final = 20
HOUR_MINUTES: Final = 60


class Column(IntEnum):
    """The columns of a grid of minutes. INTEREST_MS: when the open interest was true."""

    CLOSE = 0
    HIGH = 1
    LOW = 2
    VOLUME = 3
    INTEREST_USD = 4
    INTEREST_MS = 5


def grid_of(recent: Iterable[Snapshot], as_of_ms: int) -> FloatArray:
    """Return the remembered minutes by their time, shape (RECENT_MINUTES, 6), the one at `as_of_ms` last.

    A minute that is not remembered, or had no bar, is NaN. Minutes after `as_of_ms` are left out.
    """
    grid = np.full((RECENT_MINUTES, len(Column)), np.nan)
    for snapshot in recent:
        age = (as_of_ms - snapshot.as_of_ms) // MINUTE_MS
        if not 0 <= age < RECENT_MINUTES:
            continue
        row, bar, interest = grid[RECENT_MINUTES - 1 - age], snapshot.bar, snapshot.open_interest_usd
        if bar is not None:
            row[: Column.INTEREST_USD] = bar.close_price, bar.high_price, bar.low_price, bar.volume_base
        if interest is not None:
            row[Column.INTEREST_USD :] = interest.value, interest.as_of_ms
    return grid


def returns_bps(grid: FloatArray) -> FloatArray:
    """Return the log returns of the last minutes, oldest first, shape (N_TOLD,)."""
    closes = grid[-N_TOLD - 1 :, Column.CLOSE]
    returns: FloatArray = BPS * np.log(closes[1:] / closes[:-1])
    return returns


def volumes_z(grid: FloatArray) -> FloatArray:
    """Return the last volumes as z-scores among all that are remembered, oldest first, shape (N_TOLD,)."""
    volumes = grid[:, Column.VOLUME]
    known = volumes[~np.isnan(volumes)]
    # The noise of rounding is not a spread: with equal volumes no z-score is known.
    if len(known) < N_TOLD or not known.std() > 1e-9 * known.mean():
        return np.full(N_TOLD, np.nan)
    scores: FloatArray = (volumes[-N_TOLD:] - known.mean()) / known.std()
    return scores


def slope_bps(grid: FloatArray, n_minutes: int) -> float:
    """Return the slope of the log close over the last minutes, by least squares, in bps a minute."""
    closes = grid[-n_minutes - 1 :, Column.CLOSE]
    known = ~np.isnan(closes)
    if not known[-1] or 2 * known.sum() < len(closes):
        return float("nan")
    minutes = np.arange(len(closes), dtype=np.float64)[known]
    gains_bps = BPS * np.log(closes[known] / closes[-1])
    minutes -= minutes.mean()
    return float(minutes @ (gains_bps - gains_bps.mean()) / (minutes @ minutes))


def range_frac(grid: FloatArray) -> float:
    """Return where the last close lies between the low (0) and the high (1) of the last hour, on a log scale."""
    hour = grid[-HOUR_MINUTES:]
    known = ~np.isnan(hour[:, Column.CLOSE])
    if not known[-1] or 2 * known.sum() < HOUR_MINUTES:
        return float("nan")
    high, low = hour[known, Column.HIGH].max(), hour[known, Column.LOW].min()
    return float(np.log(hour[-1, Column.CLOSE] / low) / np.log(high / low)) if high > low else float("nan")


def interest_change_frac(grid: FloatArray) -> float:
    """Return the change of the open notional over the last hour; NaN where the same reading stands at both ends."""
    now, before = grid[-1], grid[-1 - HOUR_MINUTES]
    if not before[Column.INTEREST_USD] > 0.0 or not now[Column.INTEREST_MS] > before[Column.INTEREST_MS]:
        return float("nan")
    return float(now[Column.INTEREST_USD] / before[Column.INTEREST_USD] - 1.0)
