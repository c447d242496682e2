"""How much a live desk may trade with: a hundred dollars, and ten times what has stood its time, rung by rung."""

from collections.abc import Iterable
from typing import Final

from domain.record import Record

MICRO_USD: Final = 100.0
STEP: Final = 10.0
LEAST_TRADES: Final = 20


class Rung(Record, frozen=True, kw_only=True):
    """A live run at one size, which did not end in a halt."""

    capital_usd: float
    n_minutes: int
    n_trades: int


def most_capital_usd(lived: Iterable[Rung], least_minutes: int) -> float:
    """Return the largest LIVE_CAPITAL_USD that is proven.

    A run counts when it has lived `least_minutes` and closed twenty trades, and only at a size that was proven before
    it: no rung is left out.
    """
    most_usd = MICRO_USD
    proven = [rung.capital_usd for rung in lived if rung.n_minutes >= least_minutes and rung.n_trades >= LEAST_TRADES]
    for capital_usd in sorted(proven):
        if capital_usd <= most_usd:
            most_usd = max(most_usd, capital_usd * STEP)
    return most_usd
