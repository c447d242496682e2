"""How far the chosen settings wandered from window to window."""

import math
from collections.abc import Sequence
from itertools import pairwise

from backtest.sweep.grid import Grid
from backtest.walkforward.walkforward import Step
from domain.record import Record


class Drift(Record, frozen=True, kw_only=True):
    """One knob over the windows that chose.

    values: those of the grid. chosen: one a window, in order. n_changes: how often it differed from the window before.
    mean_jump: mean distance of those changes, in the knob's unit; None for words and without a change.
    """

    name: str
    values: tuple[str, ...]
    chosen: tuple[str, ...]
    n_changes: int
    mean_jump: float | None

    @property
    def changed_frac(self) -> float | None:
        """How often it changed, of how often it could have."""
        return self.n_changes / (len(self.chosen) - 1) if len(self.chosen) > 1 else None


def drifts(grid: Grid, steps: Sequence[Step]) -> tuple[Drift, ...]:
    """Return the drift of every knob that has more than one value in the grid."""
    settings = [step.settings for step in steps if step.choice is not None]
    return tuple(
        _drift(name, listed, tuple(one[name] for one in settings))
        for name, listed in grid.values.items()
        if len(listed) > 1
    )


def _drift(name: str, values: tuple[str, ...], chosen: tuple[str, ...]) -> Drift:
    changes = [(before, after) for before, after in pairwise(chosen) if before != after]
    jumps = [abs(number_of(after) - number_of(before)) for before, after in changes]
    is_known = bool(jumps) and not any(math.isnan(jump) for jump in jumps)
    return Drift(
        name=name,
        values=values,
        chosen=chosen,
        n_changes=len(changes),
        mean_jump=math.fsum(jumps) / len(jumps) if is_known else None,
    )


def number_of(word: str) -> float:
    """Return a knob's value as a number, NaN for a word."""
    try:
        return float(word)
    except ValueError:
        return math.nan
