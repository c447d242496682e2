"""The order book at a glance: best prices, spread, and which side is heavier over ten levels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.record import Record
from market.quality import book_defects

N_LEVELS: Final = 10
BPS: Final = 10_000.0


class BookView(Record, frozen=True, kw_only=True, gc=False):
    """What a snapshot takes from a book. spread_bps: of mid. imbalance_frac: over ten levels, positive = more bid."""

    bid_price: float
    ask_price: float
    spread_bps: float
    imbalance_frac: float


def view_of(book: Mapping[str, Any]) -> BookView | str:
    """Return a view of ccxt's order book, or why it is not a book: empty, one-sided, crossed, or not figures."""
    bids, asks = _levels(book["bids"]), _levels(book["asks"])
    if bids is None or asks is None:
        return "book holds a level that is not a price and a size"
    defects = book_defects(bids[0][0] if bids else None, asks[0][0] if asks else None)
    if defects:
        return defects[0]
    if not bids:
        return "book is empty"
    bid, ask = bids[0][0], asks[0][0]
    bid_base, ask_base = sum(size for _, size in bids), sum(size for _, size in asks)
    total_base = bid_base + ask_base
    return BookView(
        bid_price=bid,
        ask_price=ask,
        spread_bps=(ask - bid) / ((ask + bid) / 2.0) * BPS,
        imbalance_frac=(bid_base - ask_base) / total_base if total_base > 0.0 else 0.0,
    )


def _levels(side: Sequence[Sequence[Any]]) -> list[tuple[float, float]] | None:
    levels = []
    for level in side[:N_LEVELS]:
        price, size = level[0], level[1]
        if not (isinstance(price, int | float) and isinstance(size, int | float) and size >= 0.0 and price > 0.0):
            return None
        levels.append((float(price), float(size)))
    return levels
