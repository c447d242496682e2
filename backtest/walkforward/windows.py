"""The windows of a walk-forward: where settings are chosen, and where they are then used."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from backtest.compiled.columns import AS_OF_MS, Columns
from backtest.segment import Segment, after_bars
from domain.errors import BadInput
from domain.market import DAY_MS, MINUTE_MS
from domain.record import Record

_HALF: Final = 0.5


class Layout(Record, frozen=True, kw_only=True):
    """How windows lie. train_days, step_days: of time. embargo_bars: left out between train and its step.

    is_anchored: every train segment begins with the tape and grows; else it has train_days and rolls.
    """

    train_days: int
    step_days: int
    embargo_bars: int
    is_anchored: bool = False

    def __post_init__(self) -> None:
        """Refuse windows of nothing."""
        if self.train_days < 1 or self.step_days < 1 or self.embargo_bars < 0:
            raise ValueError(f"{self.train_days} days to train, {self.step_days} a step: no window")


class Window(Record, frozen=True, kw_only=True):
    """Settings are chosen on `train` and used on `step`, which begins an embargo later and ends where the next begins.

    train: None where a gap in the tape left it without a minute; nothing can be chosen there.
    """

    number: int
    train: Segment | None
    step: Segment


def windows_of(columns: Columns, layout: Layout) -> tuple[Window, ...]:
    """Return the windows of a tape; their steps follow each other without overlap until the tape ends.

    A last step shorter than half of step_days is left out; a step that lies in a gap of the tape is absent. Raises
    BadInput for a tape too short for one window.
    """
    windows = tuple(_windows(columns, layout))
    if windows:
        return windows
    n_days = (int(columns.ints[-1, AS_OF_MS]) - _begin_ms(columns)) / DAY_MS
    raise BadInput(
        f"a tape of {n_days:.1f} days is too short for one window: it takes {layout.train_days} --train-days, an "
        f"embargo of {layout.embargo_bars:,} bars, and at least half of {layout.step_days} --step-days"
    )


def _windows(columns: Columns, layout: Layout) -> Iterator[Window]:
    begin_ms, end_ms = _begin_ms(columns), int(columns.ints[-1, AS_OF_MS])
    train_ms, step_ms = layout.train_days * DAY_MS, layout.step_days * DAY_MS
    first_ms = begin_ms + train_ms
    # The first step waits for the embargo after the first train segment; train segments of later windows end an
    # embargo before their step, so that steps stay a whole number of days apart.
    start = after_bars(columns, _place(columns, first_ms), layout.embargo_bars)
    if start >= len(columns.ints):
        return
    start_ms = int(columns.ints[start, AS_OF_MS]) - MINUTE_MS
    number = 0
    while end_ms - start_ms >= _HALF * step_ms:
        step = (_place(columns, start_ms), _place(columns, start_ms + step_ms))
        if step[0] < step[1]:
            yield Window(
                number=number,
                train=_train(columns, layout, step[0]),
                step=Segment(first=step[0], until=step[1]),
            )
            number += 1
        start_ms += step_ms


def _train(columns: Columns, layout: Layout, step_first: int) -> Segment | None:
    until = _before_bars(columns, step_first, layout.embargo_bars)
    if until == 0:
        return None
    last_ms = int(columns.ints[until - 1, AS_OF_MS])
    first = 0 if layout.is_anchored else _place(columns, last_ms - layout.train_days * DAY_MS)
    return Segment(first=first, until=until) if first < until else None


def _before_bars(columns: Columns, place: int, n_bars: int) -> int:
    """Return the last place from which on, up to `place`, lie `n_bars` minutes with a bar; at least 0."""
    if n_bars == 0:
        return place
    seen = np.cumsum(columns.has_bar[:place][::-1])
    return max(0, place - int(np.searchsorted(seen, n_bars)) - 1)


def _begin_ms(columns: Columns) -> int:
    return int(columns.ints[0, AS_OF_MS]) - MINUTE_MS


def _place(columns: Columns, after_ms: int) -> int:
    """Return the first minute that closes after an instant; the length where there is none."""
    return int(np.searchsorted(columns.ints[:, AS_OF_MS], after_ms, side="right"))
