"""The one place where an estimate becomes a whole number of ticks, lots or micro-dollars.

Both engines round here and nowhere else. A quotient within `ON_GRID` of a whole number counts as that
number, so that 123.456 / 0.001 = 123456.00000000001 is not rounded away from the tick it names.
"""

import math
from typing import Final

from domain.compiled import kernel

ON_GRID: Final = 1e-6


@kernel
def steps_nearest(amount: float, step: float) -> int:
    """Return the whole number of steps nearest to `amount` (halves go up)."""
    return math.floor(amount / step + 0.5)


@kernel
def bar_steps(high: float, low: float, close: float, step: float) -> tuple[int, int, int]:
    """Return high, low and close of a bar in nearest steps, in one call."""
    return math.floor(high / step + 0.5), math.floor(low / step + 0.5), math.floor(close / step + 0.5)


@kernel
def steps_down(amount: float, step: float) -> int:
    """Return the largest whole number of steps that does not exceed `amount`."""
    return math.floor(amount / step + ON_GRID)


@kernel
def steps_up(amount: float, step: float) -> int:
    """Return the smallest whole number of steps that is not below `amount`."""
    return math.ceil(amount / step - ON_GRID)


@kernel
def steps_worse(amount: float, step: float, side: int) -> int:
    """Round a price against the one who trades: up for a buy (`side` +1), down for a sell (-1)."""
    if side > 0:
        return math.ceil(amount / step - ON_GRID)
    return math.floor(amount / step + ON_GRID)


@kernel
def divide_up(numerator: int, denominator: int) -> int:
    """Divide two positive integers and round up, as a fee is rounded."""
    return -(-numerator // denominator)


@kernel
def divide_towards_zero(numerator: int, denominator: int) -> int:
    """Divide integers and drop the remainder, as the chain's integer division does. denominator > 0."""
    if numerator >= 0:
        return numerator // denominator
    return -(-numerator // denominator)
