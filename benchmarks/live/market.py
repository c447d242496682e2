"""Twenty markets that stand almost still, and leap in the minutes that one wants."""

from collections.abc import Callable
from typing import Final

import numpy as np

from domain.market import MINUTE_MS
from tests.doubles.exchange.markets import Market

N_SYMBOLS: Final = 20
DECIMALS: Final = 2
LEAP_FRAC: Final = 0.003
Leaps = Callable[[int, int], bool]


def name(number: int) -> str:
    """Return the base of a market, by its number."""
    return f"S{number:02}"


def markets(first_ms: int, n_minutes: int, leaps: Leaps, seed: int = 7) -> list[Market]:
    """Return the markets. leaps: whether a market leaps in a minute, by the numbers of minute and market."""
    dice = np.random.default_rng(seed)
    return [_market(number, first_ms, n_minutes, leaps, dice) for number in range(N_SYMBOLS)]


def _market(number: int, first_ms: int, n_minutes: int, leaps: Leaps, dice: np.random.Generator) -> Market:
    price, side = 100.0 + number, 1
    bars = {}
    for minute in range(n_minutes):
        volume = 100.0 + float(dice.normal(0.0, 5.0))
        move = 0.01 * float(dice.integers(-1, 2))
        if leaps(minute, number):
            # Up and down in turn, so that the price stays where it is in the long run.
            move, volume, side = side * price * LEAP_FRAC, 1_000.0, -side
        last = round(price + move, DECIMALS)
        high, low = round(max(price, last) + 0.05, DECIMALS), round(min(price, last) - 0.05, DECIMALS)
        bars[first_ms + minute * MINUTE_MS] = (price, high, low, last, volume)
        price = last
    return Market(base=name(number), bars=bars, decimals=DECIMALS)
