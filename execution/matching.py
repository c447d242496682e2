"""What one bar does to an order or a position: prices in ticks, always to our cost.

A bar tells its open, its extremes and its close, not its path. Where the path matters the worse one is taken: the stop
before the target. `side` is that of the position unless said otherwise: +1 long, -1 short.
"""

from typing import Final

from domain.compiled import kernel
from domain.grid import ON_GRID, steps_worse

NOTHING: Final = 0
STOP: Final = 1
TARGET: Final = 2
_PER_BPS: Final = 1e-4


@kernel
def taker_fill_ticks(trade_side: int, price: float, cost_bps: float, step: float) -> int:
    """Return the price a taker gets: `price` moved against the trade by `cost_bps`, rounded against it, at least 1.

    trade_side: +1 for a buy. step: the tick when `price` is a price, 1.0 when it already counts ticks.
    """
    return max(1, steps_worse(price * (1.0 + trade_side * cost_bps * _PER_BPS), step, trade_side))


@kernel
def protective_fills(
    side: int,
    size_lots: int,
    open_price: float,
    high_price: float,
    low_price: float,
    tick: float,
    stop_ticks: int,
    target_ticks: int,
    partial_ticks: int,
    partial_lots: int,
    half_spread_bps: float,
    slippage_bps: float,
) -> tuple[int, int, int, int, int]:
    """Return (partial_lots, partial_fill_ticks, code, exit_lots, exit_fill_ticks) of one bar; zeros where none.

    size_lots: unsigned. code: NOTHING, STOP or TARGET. The partial fill, when there is one, comes first.
    At the open: a stop gapped through fills there less half spread and slippage, a target or a partial gapped over
    fills there less half spread. Then the stop, at its level less both. Then the partial and the target, at their
    levels less half spread. A level is touched when the bar reaches it.
    """
    # In these coordinates a gain is up for either side, so one reading of the bar serves longs and shorts.
    opened = side * open_price / tick
    lowest = (low_price if side > 0 else -high_price) / tick
    highest = (high_price if side > 0 else -low_price) / tick
    stop, target, partial = side * stop_ticks, side * target_ticks, side * partial_ticks
    stop_cost_bps = half_spread_bps + slippage_bps
    if opened <= stop + ON_GRID:
        return 0, 0, STOP, size_lots, taker_fill_ticks(-side, open_price, stop_cost_bps, tick)
    if opened >= target - ON_GRID:
        return 0, 0, TARGET, size_lots, taker_fill_ticks(-side, open_price, half_spread_bps, tick)

    taken, taken_ticks = 0, 0
    if partial_lots > 0 and opened >= partial - ON_GRID:
        taken, taken_ticks = partial_lots, taker_fill_ticks(-side, open_price, half_spread_bps, tick)
    is_stopped = lowest <= stop + ON_GRID
    if partial_lots > 0 and taken == 0 and not is_stopped and highest >= partial - ON_GRID:
        taken, taken_ticks = partial_lots, taker_fill_ticks(-side, float(partial_ticks), half_spread_bps, 1.0)
    taken = min(taken, size_lots)
    left = size_lots - taken
    if left > 0 and is_stopped:
        return taken, taken_ticks, STOP, left, taker_fill_ticks(-side, float(stop_ticks), stop_cost_bps, 1.0)
    if left > 0 and highest >= target - ON_GRID:
        return taken, taken_ticks, TARGET, left, taker_fill_ticks(-side, float(target_ticks), half_spread_bps, 1.0)
    return taken, taken_ticks, NOTHING, 0, 0
