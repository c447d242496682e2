"""What a sweep tells: the best run in words and numbers, whether it could be luck, and what it took."""

import math
import resource
import sys
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from backtest.luck.overfitting import DEFAULT_BLOCKS, overfitting_of
from backtest.luck.trials import trials_of
from backtest.luck.verdict import Luck, luck_of
from backtest.metrics.compiled import Metric
from backtest.metrics.returns import DAYS_PER_YEAR, daily_returns
from backtest.outcome import FloatArray, IntArray
from backtest.sweep.grid import Grid
from backtest.sweep.sweep import SweepResult

_KIB_PER_MB = 1_000_000 / 1024


def best_of(grid: Grid, found: SweepResult) -> dict[str, Any] | None:
    """Return the best combination: its number, its knobs and its figures; None when no run met the conditions."""
    if found.best_number is None or found.figures is None:
        return None
    return {
        "combination": found.best_number,
        "settings": grid.combination(found.best_number),
        "figures": figures_by_name(found.figures),
    }


def figures_by_name(figures: FloatArray) -> dict[str, float | None]:
    """Return a run's vector of figures by lower-case name; undefined ones are None."""
    return {metric.name.lower(): _plain(float(figures[metric])) for metric in Metric}


def luck_of_best(found: SweepResult, seed: int) -> Luck | None:
    """Return the odds that the best run is luck, given all that was tried; None when there is no best run."""
    if found.best_days_microusd is None or found.figures is None:
        return None
    return luck_of_chosen(found.figures, found.best_days_microusd, found.sharpes, found.days_microusd, seed)


def luck_of_chosen(
    figures: FloatArray,
    own_days_microusd: IntArray,
    sharpes: FloatArray,
    days_microusd: IntArray,
    seed: int,
    n_more: int = 0,
) -> Luck:
    """Return the odds that a chosen run is luck, given all it was chosen from.

    figures, own_days_microusd: of the run itself. sharpes: a year's, of every trial. days_microusd: daily equity of all
    trials or of some, shape (n, 1 + n_days). n_more: trials that left no figures.
    """
    sample = _returns_of(days_microusd)
    is_comparable = sample.shape[1] > 1 and sample.shape[0] >= 2 * DEFAULT_BLOCKS
    trials = trials_of(sharpes / math.sqrt(DAYS_PER_YEAR), sample)
    return luck_of(
        daily_returns(int(own_days_microusd[0]), own_days_microusd[1:]),
        n_trades=int(figures[Metric.N_TRADES]),
        seed=seed,
        trials=replace(trials, n_trials=trials.n_trials + n_more),
        overfitting=overfitting_of(sample) if is_comparable else None,
    )


def luck_by_name(luck: Luck | None) -> dict[str, Any] | None:
    """Return the odds as plain values for machines."""
    return None if luck is None else msgspec.to_builtins(luck)


def peak_mb() -> float:
    """Return the most memory this process has held so far, in megabytes; its worker processes are not counted."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else _KIB_PER_MB), 1)


def _returns_of(days_microusd: IntArray) -> FloatArray:
    """Return daily returns of runs whose equity stayed above zero, shape (n_days, n_runs)."""
    sound = days_microusd[(days_microusd > 0).all(axis=1)] if days_microusd.size else days_microusd
    if not sound.size:
        return np.empty((max(days_microusd.shape[-1] - 1, 0), 0))
    return np.column_stack([daily_returns(int(row[0]), row[1:]) for row in sound])


def _plain(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
