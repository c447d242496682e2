"""Funding as the paper desk pays it: what an exchange settles, in quote per base, on the minute it falls in."""

from collections.abc import Sequence

from domain.market import MINUTE_MS, FundingSettlement
from market.live.state import SymbolState

RATE_MAX_AGE_MS = 10 * MINUTE_MS
PRICE_MAX_AGE_MS = 5 * MINUTE_MS


def settled_at_close(state: SymbolState, close_ms: int, price: float | None, source: str) -> FundingSettlement | None:
    """Return the settlement that fell into the minute closing at `close_ms`, at the last rate shown before it.

    The rate an exchange shows runs towards the one it settles at, and its record of the settlement comes too late for
    the minute it belongs to. None where nothing fell due, or no fresh rate or price was shown.
    """
    shown = state.funding.at(close_ms, RATE_MAX_AGE_MS)
    if shown is None or shown[1].next_ms is None or not close_ms - MINUTE_MS < shown[1].next_ms <= close_ms:
        return None
    mark = state.mark.at(close_ms, PRICE_MAX_AGE_MS)
    due_price = price if mark is None else mark[1]
    if due_price is None:
        return None
    return _settlement([(shown[1].next_ms, shown[1].rate_frac)], due_price, source)


def settled_in_gap(
    settled: Sequence[tuple[int, float]], close_ms: int, price: float | None, source: str
) -> FundingSettlement | None:
    """Return what was settled in the minute closing at `close_ms`, by the exchange's record of (when, rate)."""
    due = [(at_ms, rate) for at_ms, rate in settled if close_ms - MINUTE_MS < at_ms <= close_ms]
    return None if not due or price is None else _settlement(due, price, source)


def _settlement(due: Sequence[tuple[int, float]], price: float, source: str) -> FundingSettlement:
    rate_frac = sum(rate for _, rate in due)
    return FundingSettlement(
        rate_quote_per_base_1e9=round(rate_frac * price * 1e9),
        settled_ms=max(at_ms for at_ms, _ in due),
        source=source,
    )
