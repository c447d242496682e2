"""What a compiled run tells of its equity: every minute where asked for, else the close of each day."""

from typing import NamedTuple

import numpy as np

from backtest.compiled.columns import Columns
from backtest.compiled.state import N_TOLD, TOLD_EQUITY
from backtest.outcome import IntArray
from domain.compiled import kernel


class Told(NamedTuple):
    """Where equity is written, in micro-dollars. minutes: shape (n_minutes,), or (0,) when nobody wants them.

    days: equity at the last minute of each day of the tape, shape (n_days,).
    """

    minutes: IntArray
    days: IntArray


def empty_told(columns: Columns, *, minutes: bool) -> Told:
    """Return room for one run's equity."""
    n_minutes = len(columns.as_of_ms) if minutes else 0
    return Told(
        minutes=np.zeros(n_minutes, dtype=np.int64), days=np.zeros(int(columns.day_place[-1]) + 1, dtype=np.int64)
    )


@kernel
def tell_equity(told: Told, state: IntArray, columns: Columns, place: int, equity_microusd: int) -> None:
    """Take the equity after minute `place`; what lies since the last one told was flat."""
    tell_flat(told, state, columns, place)
    if len(told.minutes) > 0:
        told.minutes[place] = equity_microusd
    told.days[columns.day_place[place]] = equity_microusd
    state[N_TOLD], state[TOLD_EQUITY] = place + 1, equity_microusd


@kernel
def tell_flat(told: Told, state: IntArray, columns: Columns, until: int) -> None:
    """Carry the last equity told forward to the minute before `until`."""
    first = state[N_TOLD]
    if until <= first:
        return
    if len(told.minutes) > 0:
        told.minutes[first:until] = state[TOLD_EQUITY]
    told.days[columns.day_place[first] : columns.day_place[until - 1] + 1] = state[TOLD_EQUITY]
    state[N_TOLD] = until
