"""What a compiled run tells of its equity: every minute where asked for, else the close of each day."""

from typing import NamedTuple

import numpy as np

from backtest.compiled.columns import DAY, Columns
from backtest.compiled.state import N_TOLD, TOLD_EQUITY
from backtest.outcome import IntArray
from domain.compiled import kernel

UNTOLD = -(2**62)


class Told(NamedTuple):
    """Where equity is written, in micro-dollars. minutes: shape (n_minutes,), or (0,) when nobody wants them.

    days: equity at the end of each UTC day of the tape's span, shape (n_days,); a day without a minute keeps the equity
    of the day before.
    """

    minutes: IntArray
    days: IntArray


def empty_told(columns: Columns, *, minutes: bool) -> Told:
    """Return room for one run's equity."""
    n_minutes = len(columns.ints) if minutes else 0
    return Told(minutes=np.zeros(n_minutes, dtype=np.int64), days=np.zeros(columns.n_days, dtype=np.int64))


@kernel
def tell_equity(told: Told, state: IntArray, ints: IntArray, place: int, equity_microusd: int) -> None:
    """Take the equity after minute `place`; what lies since the last one told was flat."""
    tell_flat(told, state, ints, place)
    tell_last(told, state, ints, place, equity_microusd)


@kernel
def tell_last(told: Told, state: IntArray, ints: IntArray, place: int, equity_microusd: int) -> None:
    """Take the equity after minute `place`, everything before it being told already."""
    if len(told.minutes) > 0:
        told.minutes[place] = equity_microusd
    told.days[ints[place, DAY]] = equity_microusd
    state[N_TOLD], state[TOLD_EQUITY] = place + 1, equity_microusd


@kernel
def tell_flat(told: Told, state: IntArray, ints: IntArray, until: int) -> None:
    """Carry the last equity told forward to the minute before `until`."""
    first = state[N_TOLD]
    if until <= first:
        return
    if len(told.minutes) > 0:
        told.minutes[first:until] = state[TOLD_EQUITY]
    state[N_TOLD] = until


@kernel
def tell_day(told: Told, ints: IntArray, place: int, equity_before_microusd: int) -> None:
    """Close the day before minute `place` with the equity of the minute before it, where a new day begins there."""
    if ints[place, DAY] != ints[place - 1, DAY]:
        told.days[ints[place - 1, DAY]] = equity_before_microusd


@kernel
def forget_days(told: Told) -> None:
    """Mark every day as not told yet."""
    told.days[:] = UNTOLD


@kernel
def fill_days(told: Told, equity_microusd: int) -> None:
    """Let every day of which nothing was told keep the equity of the day before. equity_microusd: before the first."""
    for day in range(len(told.days)):
        if told.days[day] == UNTOLD:
            told.days[day] = equity_microusd
        equity_microusd = told.days[day]
