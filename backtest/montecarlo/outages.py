"""Outages: spans in which the desk is blind. What it would have entered is lost, what it would have left waits."""

from typing import Final, NamedTuple

import numpy as np

from backtest.montecarlo.draws import exponential
from backtest.montecarlo.exposure import Exposure
from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel

FIRST_COUNTER: Final = 4
"""The place of the first draw; the places before it belong to the path's other draws."""


class Struck(NamedTuple):
    """What the outages of the path at hand did to each unit; arrays of shape (n_units,).

    lost_on, delayed_on: the path in which the entry was lost, the exit delayed. delay: what the delay changed.
    """

    lost_on: IntArray
    delayed_on: IntArray
    delay: FloatArray


@kernel
def draw_outages(exposure: Exposure, gap_ms: float, mean_ms: float, key: np.uint64, row: int, struck: Struck) -> None:
    """Draw one path's outages over the time of the run, and mark the entries and exits that fall into one.

    gap_ms: mean time between two beginnings. mean_ms: mean length; both exponential. key: of the path's own draws.
    """
    end_ms = exposure.closed_ms[exposure.by_closing[-1]]
    starts_ms = float(exposure.opened_ms[exposure.by_opening[0]])
    counter, opening, closing = FIRST_COUNTER, 0, 0
    blind_ms = sight_ms = starts_ms
    while True:
        starts_ms += exponential(key, counter, gap_ms)
        if starts_ms > end_ms:
            return
        # An outage that begins within another is one with it: what the first one hit waits for the end of both.
        blind_ms = starts_ms if starts_ms >= sight_ms else blind_ms
        sight_ms = max(sight_ms, starts_ms + exponential(key, counter + 1, mean_ms))
        counter += 2
        opening = _first_at(exposure.opened_ms, exposure.by_opening, blind_ms, opening)
        for place in range(opening, _first_at(exposure.opened_ms, exposure.by_opening, sight_ms, opening)):
            struck.lost_on[exposure.by_opening[place]] = row
        closing = _first_at(exposure.closed_ms, exposure.by_closing, blind_ms, closing)
        for place in range(closing, _first_at(exposure.closed_ms, exposure.by_closing, sight_ms, closing)):
            unit = exposure.by_closing[place]
            struck.delayed_on[unit], struck.delay[unit] = row, delay(exposure, unit, sight_ms)


@kernel
def delay(exposure: Exposure, unit: int, until_ms: float) -> float:
    """Return what leaving at the first recorded close from `until_ms` on changes, in stakes; else at the last one."""
    first, end = exposure.first_bar[unit], exposure.end_bar[unit]
    if first == end:
        return 0.0
    low, high = first, end - 1
    while low < high:
        middle = (low + high) // 2
        if exposure.close_ms[middle] < until_ms:
            low = middle + 1
        else:
            high = middle
    price = exposure.close_price[low]
    return float(exposure.per_price[unit] * (price - exposure.exit_price[unit]) - exposure.exit_cost[unit])


@kernel
def _first_at(at_ms: IntArray, order: IntArray, from_ms: float, place: int) -> int:
    """Return the first place in `order`, from `place` on, whose time is not before `from_ms`."""
    end = len(order)
    while place < end:
        middle = (place + end) // 2
        if at_ms[order[middle]] < from_ms:
            place = middle + 1
        else:
            end = middle
    return place
