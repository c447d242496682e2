"""Recorded features of one run, read a window of ticks at a time and only where somebody asks."""

from typing import Final

from db.figures import Figures
from db.pairing import PairedRun

_WINDOW: Final = 16_384
_NEARLY: Final = 1e-6
NO_FIGURES: Final[Figures] = ()


class FigureReader:
    """The features of a run's ticks by their keys; asks the journal again only when a key lies outside the window."""

    __slots__ = ("_first", "_last", "_run", "_window")

    def __init__(self, run: PairedRun) -> None:
        """Begin with nothing read."""
        self._run: Final = run
        self._window: dict[int, Figures] = {}
        self._first, self._last = 0, -1

    def of(self, tick_id: int) -> Figures:
        """Return the features of one tick, None for what is absent. Quick where keys are asked for nearly in order."""
        if not self._first <= tick_id <= self._last:
            self._first, self._last = tick_id, tick_id + _WINDOW
            self._window = self._run.figures(tick_id, self._last)
        return self._window.get(tick_id, NO_FIGURES)


def nearly_equal(a: Figures, b: Figures) -> bool:
    """Say whether no figure differs by more than a millionth: a trace that an old difference left in an average."""
    return len(a) == len(b) and all(_near(x, y) for x, y in zip(a, b, strict=True))


def _near(x: float | None, y: float | None) -> bool:
    if x is None or y is None:
        return x is y
    return abs(x - y) <= _NEARLY * max(1.0, abs(x), abs(y))
