"""Whether a stated chance of a win means what it says: of the trades called 70 %, do seven in ten win.

Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78, 1950; skill against
climatology after Murphy 1973. The expected calibration error is judged against what a perfectly calibrated reader
would show with the same chances, because it is never zero with few triggers.
"""

import math
from typing import Final

import numpy as np

from backtest.luck.odds import NORMAL
from backtest.outcome import FloatArray, IntArray
from backtest.score.ledger import BoolArray
from domain.record import Record

N_BINS: Final = 10
SURE_FRAC: Final = 0.005
"""A chance of 0 or 1 counts as this far from it in the log loss; a whole percent cannot say more."""
N_NULL_DRAWS: Final = 1_000
CELLS_AT_ONCE: Final = 4_000_000
WILSON_Z: Final = NORMAL.inv_cdf(0.975)


class Bin(Record, frozen=True, kw_only=True):
    """Triggers whose stated chances are alike. low_frac, high_frac: the Wilson interval of the share won, 95 %."""

    n: int
    mean_p_frac: float
    won_frac: float
    low_frac: float
    high_frac: float


class Calibration(Record, frozen=True, kw_only=True):
    """What the stated chances were worth.

    base_frac: share of the triggers that won. brier_skill: 1 - brier / that of always saying base_frac; None where all
    ended alike, as is auroc. ece_frac: mean distance of stated and true shares; ece_null_*: what a reader whose chances
    are all true would show, its mean and the 95 % it stays below. n_distinct: how many different chances were used.
    """

    n: int
    base_frac: float
    mean_p_frac: float
    brier: float
    brier_skill: float | None
    log_loss: float
    auroc: float | None
    ece_frac: float
    ece_null_mean_frac: float
    ece_null_p95_frac: float
    n_distinct: int
    bins: tuple[Bin, ...]

    @property
    def is_inside_null_band(self) -> bool:
        """Whether a perfectly calibrated reader would show as large an error in more than one of twenty cases."""
        return self.ece_frac <= self.ece_null_p95_frac


def calibration_of(p_frac: FloatArray, won: BoolArray, seed: int) -> Calibration | None:
    """Return what the chances were worth; None without any. p_frac: in [0, 1], shape (n,). won: the same shape."""
    if not len(p_frac):
        return None
    order = np.argsort(p_frac, kind="stable")
    p, y = p_frac[order], won[order].astype(np.float64)
    starts = _bin_starts(p)
    base, score = float(y.mean()), brier(p, won[order])
    null = _null_errors(p, starts, seed)
    return Calibration(
        n=len(p),
        base_frac=base,
        mean_p_frac=float(p.mean()),
        brier=score,
        brier_skill=1.0 - score / (base * (1.0 - base)) if 0.0 < base < 1.0 else None,
        log_loss=_log_loss(p, y),
        auroc=auroc(p, won[order]),
        ece_frac=float(np.abs(np.add.reduceat(y - p, starts)).sum() / len(p)),
        ece_null_mean_frac=float(null.mean()),
        ece_null_p95_frac=float(np.quantile(null, 0.95)),
        n_distinct=len(np.unique(p)),
        bins=_bins(p, y, starts),
    )


def brier(p_frac: FloatArray, won: BoolArray) -> float:
    """Return the mean squared distance of the chances from what came, 0 is best; there is at least one."""
    return float(((p_frac - won) ** 2).mean())


def wilson(n_won: float, n: int, z: float = WILSON_Z) -> tuple[float, float]:
    """Return the interval of a share from its count: Wilson, JASA 22, 1927. n: at least 1."""
    share = n_won / n
    middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
    reach = z / (1.0 + z * z / n) * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def auroc(p_frac: FloatArray, won: BoolArray) -> float | None:
    """Return the chance that a trigger that won was given the higher chance than one that lost; ties count half.

    None where all ended alike. The rank sum of Mann & Whitney 1947.
    """
    n_won, n_lost = int(won.sum()), int((~won).sum())
    if not (n_won and n_lost):
        return None
    _, place, counts = np.unique(p_frac, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return float((ranks[won].sum() - n_won * (n_won + 1) / 2.0) / (n_won * n_lost))


def _bin_starts(p: FloatArray) -> IntArray:
    """Return where the bins of sorted chances start: ten of equal number, except that equal chances stay together."""
    edges = p[np.arange(N_BINS) * len(p) // N_BINS]
    return np.unique(np.searchsorted(p, edges, side="left")).astype(np.int64)


def _null_errors(p: FloatArray, starts: IntArray, seed: int) -> FloatArray:
    """Return the errors of readers whose chances are true: outcomes are drawn from the chances themselves."""
    draws = np.random.default_rng(seed)
    # Triggers with one chance are one binomial draw, and a bin never parts them.
    firsts = np.flatnonzero(np.append(True, p[1:] != p[:-1]))
    values, counts = p[firsts], np.diff(np.append(firsts, len(p)))
    bins, at_once = np.searchsorted(firsts, starts), max(1, CELLS_AT_ONCE // len(values))
    errors = []
    for start in range(0, N_NULL_DRAWS, at_once):
        wins = draws.binomial(counts, values, size=(min(at_once, N_NULL_DRAWS - start), len(values)))
        errors.append(np.abs(np.add.reduceat(wins - counts * values, bins, axis=1)).sum(axis=1) / len(p))
    return np.concatenate(errors)


def _bins(p: FloatArray, y: FloatArray, starts: IntArray) -> tuple[Bin, ...]:
    counts = np.diff(np.append(starts, len(p)))
    means, wins = np.add.reduceat(p, starts) / counts, np.add.reduceat(y, starts)
    told = zip(counts.tolist(), means.tolist(), wins.tolist(), strict=True)
    return tuple(
        Bin(n=n, mean_p_frac=mean, won_frac=won / n, low_frac=wilson(won, n)[0], high_frac=wilson(won, n)[1])
        for n, mean, won in told
    )


def _log_loss(p: FloatArray, y: FloatArray) -> float:
    kept = np.clip(p, SURE_FRAC, 1.0 - SURE_FRAC)
    return float(-(y * np.log(kept) + (1.0 - y) * np.log(1.0 - kept)).mean())
