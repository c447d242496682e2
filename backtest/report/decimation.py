"""Making long series small without losing what an eye would see: extremes stay, bars are joined, repeats counted."""

import numpy as np

from backtest.outcome import FloatArray, IntArray
from backtest.story import ByteArray, SymbolTape
from domain.market import MINUTE_MS
from domain.record import Record

STEPS_MINUTES = (1, 2, 3, 5, 10, 15, 30, 60, 120, 240, 720, 1440)


class Bars(Record, frozen=True, kw_only=True, eq=False):
    """Bars of one length. open_ms: shape (n_bars,), rising. prices: shape (n_bars, 4): open, high, low, close.

    regime: that of each bar's last minute. step_ms: their length; minutes without a bar are absent.
    """

    step_ms: int
    open_ms: IntArray
    prices: FloatArray
    regime: ByteArray


def kept_places(series: IntArray, depth: FloatArray, n_most: int) -> IntArray:
    """Return the places to keep of a series of shape (n,), rising, at most n_most of them.

    A series that fits is kept whole. Otherwise each of equal stretches keeps its least and greatest value, its greatest
    depth and its last point, so that no peak, trough or drawdown is lost.
    """
    n_points = len(series)
    if n_points <= n_most:
        return np.arange(n_points)
    width = -(-n_points // (n_most // 4))
    n_stretches = -(-n_points // width)
    padded = np.pad(np.arange(n_points), (0, n_stretches * width - n_points), mode="edge").reshape(-1, width)
    rows = np.arange(n_stretches)
    inner = [series[padded].argmin(axis=1), series[padded].argmax(axis=1), depth[padded].argmax(axis=1)]
    picked = [padded[rows, place] for place in inner]
    return np.unique(np.concatenate([*picked, padded[:, -1], [0]]))


def bars_of(tape: SymbolTape, step_minutes: int) -> Bars:
    """Join the minutes of a tape into bars of so many minutes, aligned to the UTC day."""
    has_bar = ~np.isnan(tape.prices[:, 3])
    open_ms, prices, regime = tape.close_ms[has_bar] - MINUTE_MS, tape.prices[has_bar], tape.regime[has_bar]
    step_ms = step_minutes * MINUTE_MS
    if step_minutes > 1 and len(open_ms) > 0:
        slots = open_ms // step_ms
        firsts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
        lasts = np.append(firsts[1:], len(slots)) - 1
        high, low = np.maximum.reduceat(prices[:, 1], firsts), np.minimum.reduceat(prices[:, 2], firsts)
        prices = np.column_stack([prices[firsts, 0], high, low, prices[lasts, 3]])
        open_ms, regime = slots[firsts] * step_ms, regime[lasts]
    return Bars(step_ms=step_ms, open_ms=open_ms, prices=prices, regime=regime)


def step_for(n_minutes: int, n_most: int) -> int:
    """Return the shortest length of bars, in minutes, that makes at most n_most of them; else the longest."""
    return next((step for step in STEPS_MINUTES if n_minutes <= step * n_most), STEPS_MINUTES[-1])


def run_lengths(values: IntArray | ByteArray) -> list[int]:
    """Return [value, how often, value, how often, ...] of consecutive equal values."""
    if len(values) == 0:
        return []
    firsts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    counts = np.diff(np.append(firsts, len(values)))
    return [int(number) for pair in zip(values[firsts], counts, strict=True) for number in pair]
