"""The band of a finished backtest: where a desk that does as well should stand after so many trades."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from backtest.metrics.drawdown import drawdown_of
from backtest.outcome import FloatArray, RunOutcome
from domain.errors import BadInput
from domain.market import DAY_MS
from risk.band import FIRST_JUDGED, Band

FEWEST_TRADES: Final = 30
LOW_FRAC: Final = 0.05
HIGH_FRAC: Final = 0.95
N_TRADES: Final = (10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960)
"""The numbers of trades the edges are told for; beyond the last the band goes on by the square root."""


def band_of_run(outcome: RunOutcome, *, seed: int, n_paths: int = 2_000, halted_at_frac: float = 0.2) -> Band:
    """Return what a backtest lets one expect, by a circular block bootstrap of its trades' results in R.

    Blocks of the cube root of the number of trades keep winning and losing stretches together (Politis & Romano 1992).
    Raises BadInput for fewer than FEWEST_TRADES trades with a measurable risk, and for results that are all alike.
    """
    results = np.array([one.net_microusd / one.risk_microusd for one in outcome.trades if one.risk_microusd > 0])
    if len(results) < FEWEST_TRADES:
        raise BadInput(f"run {outcome.run_id} has {len(results)} trades; a band needs at least {FEWEST_TRADES}")
    if results.min() == results.max():
        raise BadInput(f"every trade of run {outcome.run_id} came to {results[0]:.3f} R: one figure has no band")
    block_trades = max(1, round(len(results) ** (1.0 / 3.0)))
    sums = resampled_sums(results, n_paths, N_TRADES[-1], block_trades, seed)
    low, high = np.quantile(sums[:, np.array(N_TRADES) - 1], [LOW_FRAC, HIGH_FRAC], axis=0)
    n_days = (int(outcome.curve.close_ms[-1]) - int(outcome.curve.close_ms[0]) + 60_000) / DAY_MS
    return _with_false_alarms(
        Band(
            run_id=outcome.run_id,
            n_trades=len(results),
            mean_r=float(results.mean()),
            win_rate_frac=float((results > 0.0).mean()),
            trades_per_day=len(results) / n_days,
            max_drawdown_frac=drawdown_of(outcome.curve).frac or 0.0,
            low_frac=LOW_FRAC,
            high_frac=HIGH_FRAC,
            ns=N_TRADES,
            low_r=_told(low),
            high_r=_told(high),
            seed=seed,
            n_paths=n_paths,
            block_trades=block_trades,
            halted_at_frac=halted_at_frac,
            halted_frac=0.0,
        ),
        sums,
    )


def resampled_sums(results: FloatArray, n_paths: int, n_trades: int, block_trades: int, seed: int) -> FloatArray:
    """Return running sums of redrawn results, shape (n_paths, n_trades): blocks of neighbours, wrapping at the end."""
    n_blocks = math.ceil(n_trades / block_trades)
    starts = np.random.default_rng(seed).integers(0, len(results), size=(n_paths, n_blocks))
    places = (starts[:, :, None] + np.arange(block_trades)) % len(results)
    sums: FloatArray = np.cumsum(results[places].reshape(n_paths, -1)[:, :n_trades], axis=1)
    return sums


def _with_false_alarms(band: Band, sums: FloatArray) -> Band:
    """Count the drawn paths that the desk's own rule would have stopped, judged after every trade as the desk does."""
    from msgspec.structs import replace

    counts = range(FIRST_JUDGED, sums.shape[1] + 1)
    edges = np.array([band.edges_r(n) for n in counts])
    slack = (edges[:, 1] - edges[:, 0]) * band.halted_at_frac
    judged = sums[:, FIRST_JUDGED - 1 :]
    leaves = (judged < edges[:, 0] - slack) | (judged > edges[:, 1] + slack)
    return replace(band, halted_frac=float(leaves.any(axis=1).mean()))


def _told(edge: Sequence[float] | FloatArray) -> tuple[float, ...]:
    return tuple(round(float(figure), 4) for figure in edge)
