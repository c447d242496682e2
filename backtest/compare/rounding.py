"""A column of money that adds up as printed: cents by the largest remainder."""

from collections.abc import Sequence
from typing import Final

MICROUSD_PER_CENT: Final = 10_000


def cents_of(microusd: int) -> int:
    """Return micro-dollars as the nearest whole cents, halves to even."""
    cents, rest = divmod(microusd, MICROUSD_PER_CENT)
    return cents + (2 * rest > MICROUSD_PER_CENT or (2 * rest == MICROUSD_PER_CENT and cents % 2 == 1))


def cents_that_add_up(microusd: Sequence[int], total_cents: int) -> tuple[int, ...]:
    """Return each amount in whole cents so that together they are total_cents.

    Every amount is rounded down; the cents left over go to the largest remainders, the earliest first. Amounts that are
    whole cents already are the last to change. Raises ValueError where nothing is there to carry a total.
    """
    cents = [amount // MICROUSD_PER_CENT for amount in microusd]
    n_left = total_cents - sum(cents)
    if not cents and n_left:
        raise ValueError(f"no amount can carry {total_cents} cents")
    order = sorted(range(len(cents)), key=lambda place: (-(microusd[place] % MICROUSD_PER_CENT), place))
    step = 1 if n_left > 0 else -1
    for turn in range(abs(n_left)):
        cents[order[(turn if n_left > 0 else -1 - turn) % len(order)]] += step
    return tuple(cents)
