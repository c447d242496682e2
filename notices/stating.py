"""How figures and times are written in a message: in full, with their unit, UTC."""

from datetime import UTC, datetime
from decimal import Decimal

from domain.instrument import Instrument, usd
from domain.market import DAY_MS, HOUR_MS, MINUTE_MS


def instant_text(at_ms: int) -> str:
    """Write an instant: `2025-05-01 00:01:00 UTC`."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def span_text(span_ms: int) -> str:
    """Write a span of time in its largest unit."""
    for unit_ms, name in ((DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes")):
        if span_ms >= 2 * unit_ms:
            return f"{span_ms // unit_ms} {name}"
    return f"{span_ms // 1000} seconds"


def money_text(microusd: int, *, is_signed: bool = False) -> str:
    """Write money in dollars and cents; -0.00 is 0.00."""
    dollars = usd(microusd).quantize(Decimal("0.01")) + 0
    return f"{dollars:+,.2f} USD" if is_signed and dollars else f"{dollars:,.2f} USD"


def size_text(instrument: Instrument | None, lots: int) -> str:
    """Write a size in base units; in lots where the instrument is not known."""
    return f"{lots} lots" if instrument is None else f"{instrument.size(lots):,f}"


def price_text(instrument: Instrument | None, ticks: int) -> str:
    """Write a price; in ticks where the instrument is not known."""
    return f"{ticks} ticks" if instrument is None else f"{instrument.price(ticks):,f}"
