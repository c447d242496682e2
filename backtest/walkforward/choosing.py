"""The choice in every window: a grid, or a sample of it, walked on train; the best by objective is kept."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from backtest.objective import Objective
from backtest.outcome import FloatArray, IntArray
from backtest.sweep.block import Block
from backtest.sweep.crew import Crew
from backtest.sweep.plan import Plan
from backtest.walkforward.windows import Window
from domain.record import Record


class Choice(Record, frozen=True, kw_only=True, eq=False):
    """What a window's train segment spoke for. number: the combination; figures: its vector, shape (N_METRICS,)."""

    number: int
    score: float
    figures: FloatArray


def choose(
    plan: Plan,
    windows: Sequence[Window],
    crew: Crew,
    objective: Objective,
    n_combinations: int,
    on_progress: Callable[[int], None],
) -> dict[int, Choice]:
    """Return the best of each window by its number; a window in which no combination has a score is absent.

    n_combinations: of the whole grid; by it a block's numbers tell which window it belongs to. Of equal scores the
    lowest number wins, whoever walked it first. Raises WorkerLost.
    """
    chosen: dict[int, Choice] = {}
    for measured in crew.measure(_blocks(plan, windows, n_combinations)):
        window, numbers = int(measured.numbers[0]) // n_combinations, measured.numbers % n_combinations
        found = _best(numbers, measured.figures, objective)
        if found is not None and _is_better(found, chosen.get(window)):
            chosen[window] = found
        on_progress(len(numbers))
    return chosen


def _blocks(plan: Plan, windows: Sequence[Window], n_combinations: int) -> Iterator[Block]:
    blocks = list(plan.blocks())
    for window in windows:
        if window.train is None:
            continue
        for block in blocks:
            yield replace(block, numbers=block.numbers + window.number * n_combinations, segment=window.train)


def _best(numbers: IntArray, figures: FloatArray, objective: Objective) -> Choice | None:
    scores = objective.scores(figures)
    if np.isnan(scores).all():
        return None
    top = float(np.nanmax(scores))
    place = min(np.flatnonzero(scores == top).tolist(), key=lambda one: int(numbers[one]))
    return Choice(number=int(numbers[place]), score=top, figures=figures[place].copy())


def _is_better(one: Choice, other: Choice | None) -> bool:
    return other is None or (one.score, -one.number) > (other.score, -other.number)
