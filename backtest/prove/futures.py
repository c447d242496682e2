"""Other futures: what might have come after a cut instead of what did, as columns of figures.

Every one is a market that could be: bars keep low <= open, close <= high, prices stay positive and finite.
"""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backtest.outcome import FloatArray

Mask = NDArray[np.bool_]

# A path may rise or fall by no more than e^10 from the cut: further, prices leave what the market rooms accept.
MOST_LOG_MOVE: Final = 10.0
MOST_VOLUME: Final = 1e16
QUIET_STEP_LOG: Final = 1e-3
EXTREME_STEP_LOG: Final = 0.7
EXTREME_VOLUME_FACTOR: Final = 1e3
EXTREME_FACTOR: Final = 10.0
KEPT_SHARE: Final = 2 / 3

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)


class Future(StrEnum):
    """How the minutes after a cut are replaced.

    SHUFFLED: the same moves in another order. REVERSED: from the last to the first. MIRRORED: every move with the
    other sign. WALK: a random walk as wild as the original. CONSTANT: nothing moves and nobody trades.
    EXTREME: every minute doubles or halves. THINNED: a third of the minutes never came.
    """

    SHUFFLED = "shuffled"
    REVERSED = "reversed"
    MIRRORED = "mirrored"
    WALK = "walk"
    CONSTANT = "constant"
    EXTREME = "extreme"
    THINNED = "thinned"


def other_bars(
    future: Future, bars: FloatArray, last_close: float, last_volume: float, draw: np.random.Generator
) -> FloatArray:
    """Return other bars in the place of `bars`, both of shape (n, 5): open, high, low, close, volume.

    They go on from `last_close`, the last price known. A row with a NaN counts as a minute in which nothing moved.
    """
    if len(bars) == 0:
        return bars
    moves = _moves(bars, last_close)
    volumes = np.where(bars[:, VOLUME] >= 0.0, bars[:, VOLUME], 0.0)
    n_bars = len(bars)
    if future is Future.SHUFFLED:
        order = draw.permutation(n_bars)
        moves, volumes = moves[order], volumes[order]
    elif future is Future.REVERSED:
        moves, volumes = moves[::-1], volumes[::-1]
    elif future is Future.MIRRORED:
        moves, volumes = -moves[:, [OPEN, LOW, HIGH, CLOSE]], _about(volumes, last_volume)
    elif future is Future.WALK:
        steps = draw.normal(0.0, float(moves[:, CLOSE].std()) or QUIET_STEP_LOG, n_bars)
        moves, volumes = _stepping(steps, draw), draw.permutation(volumes) * draw.lognormal(0.0, 0.5, n_bars)
    elif future is Future.CONSTANT:
        moves, volumes = np.zeros_like(moves), np.zeros_like(volumes)
    elif future is Future.EXTREME:
        steps = draw.choice([-EXTREME_STEP_LOG, EXTREME_STEP_LOG], n_bars)
        moves, volumes = _stepping(steps, draw), (volumes + 1.0) * EXTREME_VOLUME_FACTOR
    return _path(moves, volumes, last_close)


def other_figures(
    future: Future, values: FloatArray, last_value: float, draw: np.random.Generator, *, is_signed: bool
) -> FloatArray:
    """Return other values of one figure, shape (n,); a NaN (absent) stays one only where rows keep their places.

    last_value: the last one known, NaN where there is none. is_signed: whether it may be negative.
    """
    if future is Future.SHUFFLED:
        return draw.permutation(values)
    if future is Future.REVERSED:
        return values[::-1]
    if future is Future.MIRRORED:
        return -values if is_signed else _about(values, last_value)
    if future is Future.WALK:
        noise = draw.normal(0.0, 1.0, len(values))
        return draw.permutation(values) * noise if is_signed else values * np.exp(0.2 * noise)
    if future is Future.CONSTANT:
        return values * 0.0 if is_signed else values * 0.0 + _mean(values)
    if future is Future.EXTREME:
        factors = draw.choice([-EXTREME_FACTOR, EXTREME_FACTOR], len(values))
        return values * factors if is_signed else values * np.where(factors > 0.0, factors, -1.0 / factors)
    return values


def kept_rows(future: Future, n_rows: int, draw: np.random.Generator) -> Mask:
    """Say of each row whether it comes at all, shape (n_rows,)."""
    is_kept = np.ones(n_rows, dtype=np.bool_)
    if future is Future.THINNED:
        is_kept[draw.random(n_rows) >= KEPT_SHARE] = False
    return is_kept


def _moves(bars: FloatArray, last_close: float) -> FloatArray:
    """Return log prices against the close before, shape (n, 4)."""
    prices = np.where(np.isfinite(bars[:, :VOLUME]).all(axis=1, keepdims=True), bars[:, :VOLUME], np.nan)
    is_sound: Mask = np.logical_and.reduce(prices > 0.0, axis=1)
    latest = np.maximum.accumulate(np.where(is_sound, np.arange(len(bars)), -1))
    closes = np.where(latest >= 0, prices[latest, CLOSE], last_close)
    before = np.concatenate(([last_close], closes[:-1]))
    sound = np.where(is_sound[:, None], prices, before[:, None])
    return np.asarray(np.log(sound / before[:, None]))


def _stepping(steps: FloatArray, draw: np.random.Generator) -> FloatArray:
    reach = np.abs(draw.normal(0.0, 0.5, (2, len(steps)))) * np.abs(steps)
    opens = np.zeros_like(steps)
    return np.column_stack((opens, np.maximum(steps, 0.0) + reach[0], np.minimum(steps, 0.0) - reach[1], steps))


def _path(moves: FloatArray, volumes: FloatArray, last_close: float) -> FloatArray:
    closes = np.clip(np.cumsum(moves[:, CLOSE]), -MOST_LOG_MOVE, MOST_LOG_MOVE)
    before = np.concatenate(([0.0], closes[:-1]))
    inside = np.clip(before[:, None] + moves[:, :CLOSE], -MOST_LOG_MOVE, MOST_LOG_MOVE)
    prices = last_close * np.exp(np.column_stack((inside, closes)))
    high, low = prices.max(axis=1), prices.min(axis=1)
    return np.column_stack((prices[:, OPEN], high, low, prices[:, CLOSE], np.clip(volumes, 0.0, MOST_VOLUME)))


def _about(values: FloatArray, last_value: float) -> FloatArray:
    """Reflect positive values about the last known one; what has no mirror image stays."""
    if not last_value > 0.0:
        return values
    mirrored = np.full_like(values, np.nan)
    np.divide(last_value * last_value, values, out=mirrored, where=values > 0.0)
    return np.where(values > 0.0, mirrored, values)


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0
