"""The yardstick of `benchmarks.bare_loop`, compiled: the rule in one function, no records, no risk rules, no ticks.

The figures are worked out on every bar, held or not, as every engine with indicators does and as the peers page
measured it; `is_lazy` leaves them out while a position is held, which only a loop that serves one rule can do.
"""

import math

import numpy as np

from backtest.outcome import FloatArray
from domain.compiled import kernel


@kernel
def walk(ohlcv: FloatArray, body: float, z: float, target: float, is_lazy: bool) -> tuple[int, float]:  # noqa: C901 - bare
    """Return (number of trades, final equity from 1.0) over bars of shape (n, 5), indicators included."""
    n_bars = ohlcv.shape[0]
    ranges = np.empty(n_bars)
    range_sum = volume_sum = square_sum = 0.0
    previous_close = ohlcv[0, 3]
    side, pending, n_trades = 0, 0, 0
    entry, best, equity = 0.0, 0.0, 1.0
    for bar in range(n_bars):
        open_price, high, low, close, volume = ohlcv[bar, 0], ohlcv[bar, 1], ohlcv[bar, 2], ohlcv[bar, 3], ohlcv[bar, 4]
        if pending != 0:
            side, entry, best, pending = pending, open_price, open_price, 0
            equity *= 0.9995
        if side != 0:
            stop = entry * (1 - 0.01 * side)
            if side * (best - entry) > 0.01 * entry:
                trail = best * (1 - 0.005 * side)
                stop = max(stop, trail) if side > 0 else min(stop, trail)
            goal = entry * (1 + target * side)
            leave = 0.0
            if (low <= stop) if side > 0 else (high >= stop):
                leave = stop
            elif (high >= goal) if side > 0 else (low <= goal):
                leave = goal
            if leave != 0.0:
                equity *= 0.9995 * (1 + side * (leave / entry - 1))
                n_trades += 1
                side = 0
            else:
                best = max(best, high) if side > 0 else min(best, low)
        span = max(high - low, abs(high - previous_close), abs(low - previous_close))
        previous_close = close
        ranges[bar] = span
        if bar >= 14:
            range_sum -= ranges[bar - 14]
        range_sum += span
        if bar >= 20:
            old = ohlcv[bar - 20, 4]
            volume_sum -= old
            square_sum -= old * old
        volume_sum += volume
        square_sum += volume * volume
        if bar < 19 or (is_lazy and side != 0):
            continue
        mean = volume_sum / 20
        variance = square_sum / 20 - mean * mean
        if variance <= 0 or range_sum <= 0:
            continue
        over_atr = (close - open_price) / (range_sum / 14)
        volume_z = (volume - mean) / math.sqrt(variance)
        if side == 0 and abs(over_atr) > body and volume_z > z:
            pending = 1 if over_atr > 0 else -1
    return n_trades, equity
