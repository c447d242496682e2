"""The yardstick: the same rules in a bare pure-Python loop, no agents, no records, no journal.

Long or short on an explosive bar (|body| over a simple 14-bar ATR > 0.5 and volume z over 20 bars > 2), entry at
the next open, 2 % target, 1 % stop, 0.5 % trailing stop armed after 1 %, 5 bps a side. What the peers page calls
"pure-Python streaming loop". Every figure of an engine is printed with its ratio to this loop in the same run.
"""

from collections import deque
from collections.abc import Sequence
from math import sqrt

Bars = Sequence[tuple[float, float, float, float, float]]


def walk(bars: Bars) -> tuple[int, float]:  # noqa: C901 - a bare loop calls nothing: that is what it measures
    """Return (number of trades, final equity from 1.0) over bars of (open, high, low, close, volume)."""
    ranges: deque[float] = deque(maxlen=14)
    volumes: deque[float] = deque(maxlen=20)
    range_sum = volume_sum = square_sum = 0.0
    previous_close = bars[0][3]
    side, entry, best, pending, n_trades, equity = 0, 0.0, 0.0, 0, 0, 1.0
    for open_price, high, low, close, volume in bars:
        if pending:
            side, entry, best, pending = pending, open_price, open_price, 0
            equity *= 0.9995
        if side:
            stop = entry * (1 - 0.01 * side)
            if side * (best - entry) > 0.01 * entry:
                trail = best * (1 - 0.005 * side)
                stop = max(stop, trail) if side > 0 else min(stop, trail)
            target = entry * (1 + 0.02 * side)
            leave = 0.0
            if (low <= stop) if side > 0 else (high >= stop):
                leave = stop
            elif (high >= target) if side > 0 else (low <= target):
                leave = target
            if leave:
                equity *= 0.9995 * (1 + side * (leave / entry - 1))
                n_trades += 1
                side = 0
            else:
                best = max(best, high) if side > 0 else min(best, low)
        true_range = max(high - low, abs(high - previous_close), abs(low - previous_close))
        previous_close = close
        if len(ranges) == 14:
            range_sum -= ranges[0]
        ranges.append(true_range)
        range_sum += true_range
        if len(volumes) == 20:
            volume_sum -= volumes[0]
            square_sum -= volumes[0] * volumes[0]
        volumes.append(volume)
        volume_sum += volume
        square_sum += volume * volume
        if side or len(volumes) < 20:
            continue
        mean = volume_sum / 20
        variance = square_sum / 20 - mean * mean
        if variance <= 0 or range_sum <= 0:
            continue
        body = close - open_price
        if abs(body) > 0.5 * range_sum / 14 and (volume - mean) > 2 * sqrt(variance):
            pending = 1 if body > 0 else -1
    return n_trades, equity
