"""A sweep from end to end: what is left to do, who does it, what the best came to."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from backtest.metrics.compiled import Metric
from backtest.objective import Objective
from backtest.outcome import FloatArray, IntArray
from backtest.sweep.block import Walker
from backtest.sweep.crew import Crew
from backtest.sweep.plan import Plan
from backtest.sweep.results import SweepFolder
from domain.record import Record

MOST_KEPT = 2_000


class SweepResult(Record, frozen=True, kw_only=True, eq=False):
    """What a sweep found.

    n_done: combinations on disk, n_now of them walked just now; n_impossible were left out, `why_impossible` the first.
    best_number: the highest score; None when no run met the objective's conditions. figures: that run's vector;
    best_days_microusd: its daily equity. sharpes: a year's, of every combination, NaN where undefined. days_microusd:
    daily equity of up to MOST_KEPT combinations. Daily equity has 1 + n_days columns, the starting equity first.
    """

    n_done: int
    n_now: int
    n_impossible: int
    why_impossible: str
    best_number: int | None
    figures: FloatArray | None
    best_days_microusd: IntArray | None
    sharpes: FloatArray
    days_microusd: IntArray
    table: Path


def kept_numbers(numbers: IntArray) -> IntArray:
    """Return up to MOST_KEPT of the combinations, evenly spaced, whose daily equity is kept."""
    if len(numbers) <= MOST_KEPT:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, MOST_KEPT).round().astype(np.int64)]


def left_to_do(numbers: IntArray, folder: SweepFolder) -> IntArray:
    """Return the combinations that are not on disk yet."""
    return np.setdiff1d(numbers, folder.done(), assume_unique=True)


def run_sweep(
    plan: Plan,
    crew: Crew,
    walker: Walker,
    folder: SweepFolder,
    objective: Objective,
    on_progress: Callable[[int], None],
) -> SweepResult:
    """Walk what is left of a sweep and say what all of it found.

    walker: walks the best one again, for its daily equity. on_progress: told how many were walked just now.

    Raises WorkerLost or DiskFull; what was finished before stays on disk, and the same call goes on from there.
    """
    n_now = 0
    try:
        for measured in crew.measure(plan.blocks()):
            folder.take(measured)
            n_now += len(measured.numbers)
            on_progress(len(measured.numbers))
    finally:
        folder.flush()
    found = _told(folder, objective, plan, n_now)
    if found.best_number is None:
        return found
    again = walker.measure(next(plan.only(found.best_number).blocks()))
    return replace(found, best_days_microusd=again.days_microusd[0])


def _told(folder: SweepFolder, objective: Objective, plan: Plan, n_now: int) -> SweepResult:
    best_score, best_number, best_figures, n_done = -np.inf, None, None, 0
    sharpes, kept = [], []
    for numbers, figures, days in folder.finish():
        kept += [days] if len(days) else []
        n_done += len(numbers)
        sharpes.append(figures[:, Metric.SHARPE])
        scores = objective.scores(figures)
        if np.isnan(scores).all():
            continue
        # Of equal scores the lowest number wins, in whatever order the parts were written.
        top = float(np.nanmax(scores))
        place = min(np.flatnonzero(scores == top).tolist(), key=lambda one: int(numbers[one]))
        is_earlier = best_number is not None and top == best_score and int(numbers[place]) < best_number
        if top > best_score or is_earlier:
            best_score, best_number, best_figures = top, int(numbers[place]), figures[place]
    return SweepResult(
        n_done=n_done,
        n_now=n_now,
        n_impossible=plan.n_impossible,
        why_impossible=plan.why,
        best_number=best_number,
        figures=best_figures,
        best_days_microusd=None,
        sharpes=np.concatenate(sharpes) if sharpes else np.empty(0),
        days_microusd=np.concatenate(kept) if kept else np.empty((0, 0), dtype=np.int64),
        table=folder.table,
    )
