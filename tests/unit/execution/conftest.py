"""Builders for the paper venue's tests: a day at 150 dollars, one call a fact."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from domain.account import VenueReport
from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Refusal, Side
from domain.market import MINUTE_MS, Bar, FundingSettlement, Snapshot
from execution.instruments import INSTRUMENTS
from execution.paper import PaperTerms, PaperVenue

_T = TypeVar("_T")

PLAN = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.005,
    trail_arm_frac=0.005,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=240,
)


def _now(coroutine: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(coroutine)


class Stage:
    """A paper venue with a tape written by hand. Minute n opens at n minutes; nothing costs anything unless asked."""

    def __init__(self, **terms: Any) -> None:
        """Open the venue; half spread and slippage are 0 unless given."""
        self.venue = PaperVenue(PaperTerms(**{"half_spread_bps": 0.0, "slippage_bps": 0.0} | terms), INSTRUMENTS)
        self.minute = 0

    def bar(
        self,
        o: float,
        h: float | None = None,
        low: float | None = None,
        c: float | None = None,
        *,
        symbol: str = "SOL-PERP",
        has_bar: bool = True,
        rate_1e9: int | None = None,
        **readings: Any,
    ) -> VenueReport | None:
        """Let the next minute pass; what is not given equals the open. rate_1e9: funding settled one second in."""
        open_ms = self.minute * MINUTE_MS
        self.minute += 1
        bar = Bar(
            open_ms=open_ms,
            close_ms=open_ms + MINUTE_MS,
            open_price=o,
            high_price=max(o, c or o) if h is None else h,
            low_price=min(o, c or o) if low is None else low,
            close_price=o if c is None else c,
            volume_base=1.0,
        )
        snapshot = Snapshot(
            symbol=symbol,
            as_of_ms=open_ms + MINUTE_MS,
            bar=bar if has_bar else None,
            defects=() if has_bar else ("no bar",),
            funding_settlement=None
            if rate_1e9 is None
            else FundingSettlement(rate_quote_per_base_1e9=rate_1e9, settled_ms=open_ms + 1_000, source="test"),
            **readings,
        )
        return _now(self.venue.advance(snapshot))

    def order(
        self,
        side: Side,
        lots: int,
        *,
        reason: ExitReason | None = None,
        plan: ExitPlan = PLAN,
        order_id: str | None = None,
        symbol: str = "SOL-PERP",
        reference_ticks: int = 150_000,
    ) -> ApprovedOrder:
        """Write an order decided at the end of the last minute; an exit when it has a reason."""
        return ApprovedOrder(
            client_order_id=order_id or f"{symbol}-{self.minute}-{reason or 'entry'}",
            symbol=symbol,
            strategy="test",
            side=side,
            size_lots=lots,
            reduce_only=reason is not None,
            reference_ticks=reference_ticks,
            decided_ms=self.minute * MINUTE_MS,
            exit_plan=None if reason is not None else plan,
            exit_reason=reason,
        )

    def submit(self, order: ApprovedOrder) -> Refusal | None:
        """Send it."""
        return _now(self.venue.submit(order))

    def enter(self, side: Side, lots: int, price: float = 150.0, **words: Any) -> str:
        """Send an entry and let a flat minute at `price` fill it; return the order's id."""
        order = self.order(
            side, lots, reference_ticks=round(price / INSTRUMENTS[words.get("symbol", "SOL-PERP")].tick), **words
        )
        assert self.submit(order) is None
        self.bar(price, symbol=order.symbol)
        assert self.venue.position_lots(order.symbol) == side * lots
        return order.client_order_id


@pytest.fixture(scope="session")
def open_stage() -> Callable[..., Stage]:
    """Return the class that opens a venue on given terms."""
    return Stage


@pytest.fixture
def stage() -> Stage:
    """Return a venue that costs nothing but the fee."""
    return Stage()
