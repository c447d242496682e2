"""When a snapshot may carry no new risk: the limits, and the questions asked of bars and of what stands beside them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.market import HOUR_MS, MINUTE_MS, Snapshot
from domain.record import Record
from market.recording import Floats, Ints

PRICE_CEILING: Final = 1e15
VOLUME_CEILING: Final = 1e18


class QualityLimits(Record, frozen=True, kw_only=True):
    """What is still good enough to trade on.

    Parameters
    ----------
    max_gap_bars
        Minutes that may be missing before a bar; one more and that tick is unfit. The default lets none pass:
        a gap costs one tick, a signal computed across it could cost more.
    max_bar_move_frac
        Furthest a bar's high or low may lie from the close before it; beyond, the bar is kept (if it is true,
        stops must see it) but the tick is unfit.
    max_premium_bps
        Largest believable premium, either way. max_spread_bps: the same for the spread of a book.
    max_exchange_funding_age_ms, max_drift_age_ms, max_mark_age_ms, max_premium_age_ms, max_oracle_age_ms
        How long a figure of that kind is shown after it became known: older is absent. The mark of an 8-hour bar is a
        price of one instant, so it is shown for five minutes only; Drift's record holds until an hourly one is missed.
    max_open_interest_age_ms
        The same for open interest.
    """

    max_gap_bars: int = 0
    max_bar_move_frac: float = 0.2
    max_premium_bps: float = 500.0
    max_spread_bps: float = 500.0
    max_exchange_funding_age_ms: int = 9 * HOUR_MS
    max_drift_age_ms: int = 2 * HOUR_MS
    max_mark_age_ms: int = 5 * MINUTE_MS
    max_premium_age_ms: int = 3 * MINUTE_MS
    max_oracle_age_ms: int = 5 * MINUTE_MS
    max_open_interest_age_ms: int = 2 * HOUR_MS

    def __post_init__(self) -> None:
        """Refuse limits that nothing, or everything, would pass."""
        sizes = (self.max_bar_move_frac, self.max_premium_bps, self.max_spread_bps)
        if self.max_gap_bars < 0 or not all(0.0 < size < float("inf") for size in sizes):
            raise ValueError("quality limits must be positive and finite, max_gap_bars at least 0")
        ages = (
            self.max_exchange_funding_age_ms,
            self.max_drift_age_ms,
            self.max_mark_age_ms,
            self.max_premium_age_ms,
            self.max_oracle_age_ms,
            self.max_open_interest_age_ms,
        )
        if min(ages) < MINUTE_MS:
            raise ValueError(f"a reading must be shown for at least {MINUTE_MS} ms")


def snapshot_defects(snapshot: Snapshot, limits: QualityLimits) -> tuple[str, ...]:
    """Return what is wrong beside the bar: the book, the premium, and readings from the future; empty = nothing."""
    defects = book_defects(snapshot.bid_price, snapshot.ask_price)
    spread = snapshot.spread_bps
    if spread is not None and not 0.0 <= spread.value <= limits.max_spread_bps:
        defects.append(f"spread of {spread.value:.1f} bps is not believable (limit {limits.max_spread_bps:g})")
    premium = snapshot.premium_bps
    if premium is not None and abs(premium.value) > limits.max_premium_bps:
        defects.append(premium_defect(premium.value, limits))
    readings = (spread, premium, snapshot.mark, snapshot.oracle, snapshot.funding_rate_hourly_frac)
    for reading in (*readings, snapshot.open_interest_usd):
        if reading is not None and reading.as_of_ms > snapshot.as_of_ms:
            defects.append(f"{reading.source} is dated {reading.as_of_ms - snapshot.as_of_ms} ms into the future")
    return tuple(defects)


def premium_defect(premium_bps: float, limits: QualityLimits) -> str:
    """Return the sentence for a premium beyond the limit."""
    return f"premium of {premium_bps:.1f} bps is not believable (limit {limits.max_premium_bps:g})"


def gap_defect(n_missing_bars: int) -> str:
    """Return the sentence for missing minutes."""
    return f"gap of {n_missing_bars} {'minute' if n_missing_bars == 1 else 'minutes'} before this bar"


def move_defect(move_frac: float, limits: QualityLimits) -> str:
    """Return the sentence for a bar that moved too far."""
    return (
        f"bar reaches {move_frac:.3f} of the price away from the close before it, likely a bad print "
        f"(limit {limits.max_bar_move_frac:g})"
    )


def missing_before(open_ms: Ints) -> Ints:
    """Return how many minutes are missing before each bar, shape (n_bars,); 0 for the first. open_ms: rising."""
    missing = np.zeros(len(open_ms), dtype=np.int64)
    missing[1:] = np.diff(open_ms) // MINUTE_MS - 1
    return missing


def reach_frac(high: Floats, low: Floats, close: Floats, is_sound: NDArray[np.bool_]) -> Floats:
    """Return how far each sound bar reaches from the last sound close before it, as a fraction of that close.

    All of shape (n_bars,). 0 for the first sound bar and for bars that are not sound.
    """
    reach = np.zeros(len(close), dtype=np.float64)
    places = np.flatnonzero(is_sound)
    before = close[places[:-1]]
    here = places[1:]
    reach[here] = np.maximum(np.abs(high[here] / before - 1.0), np.abs(low[here] / before - 1.0))
    return reach


def book_defects(bid_price: float | None, ask_price: float | None) -> list[str]:
    """Return what is wrong with a pair of best prices; empty where there is no book at all."""
    if bid_price is None and ask_price is None:
        return []
    if bid_price is None or ask_price is None:
        return ["book has only one side"]
    if not (0.0 < bid_price < PRICE_CEILING and 0.0 < ask_price < PRICE_CEILING):
        return [f"book of {bid_price} / {ask_price} is not a pair of prices"]
    if bid_price >= ask_price:
        return [f"book is crossed: bid {bid_price} is not below ask {ask_price}"]
    return []
