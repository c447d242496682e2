"""How every figure is written for a person: always with its unit, times in UTC."""

from datetime import UTC, datetime
from decimal import Decimal

from domain.decisions import Side
from domain.instrument import Instrument, usd
from domain.market import DAY_MS, HOUR_MS, MINUTE_MS

SECOND_MS = 1_000
ABSENT = "unknown"


def usd_text(microusd: int) -> str:
    """Write money: `1,234.50 USD`, with a minus sign when negative."""
    return f"{money_text(microusd)} USD"


def gain_text(microusd: int) -> str:
    """Write a gain or loss: always with its sign, `+12.30 USD`."""
    return f"{money_text(microusd, is_signed=True)} USD"


def money_text(microusd: int, *, is_signed: bool = False) -> str:
    """Write money without its unit, for a column whose head names it. Cents, halves to even; -0.00 is 0.00."""
    dollars = usd(microusd).quantize(Decimal("0.01"))
    if dollars == 0:
        return "0.00"
    return f"{dollars:+,.2f}" if is_signed else f"{dollars:,.2f}"


def price_text(instrument: Instrument, ticks: int) -> str:
    """Write a booked price exactly, to the last digit of the instrument's grid."""
    return f"{instrument.price(ticks):,}"


def estimate_text(instrument: Instrument, price: float) -> str:
    """Write an estimated price with as many digits as the instrument's grid has."""
    return f"{price:,.{_decimals(instrument.tick_size_price)}f}"


def size_text(instrument: Instrument, lots: int) -> str:
    """Write a size in base units: `12.50 SOL`. lots: the sign is kept."""
    return f"{instrument.size(lots):,} {base_name(instrument.symbol)}"


def base_name(symbol: str) -> str:
    """Return what one unit of the size is: SOL of SOL-PERP."""
    return symbol.split("-", 1)[0]


def holding_text(instrument: Instrument, lots: int) -> str:
    """Write a signed size as a position: `long 12.50 SOL`, `flat`."""
    if lots == 0:
        return "flat"
    return f"{'long' if lots > 0 else 'short'} {size_text(instrument, abs(lots))}"


def side_text(side: Side) -> str:
    """Write the side of a position: long or short."""
    return "long" if side is Side.BUY else "short"


def percent_text(frac: float, *, is_signed: bool = False) -> str:
    """Write a fraction in percent: 0.0123 is `1.23 %`."""
    text = f"{frac * 100:+.2f}" if is_signed else f"{frac * 100:.2f}"
    return f"{'0.00' if text in {'-0.00', '+0.00'} else text} %"


def bps_text(bps: float | None, *, is_signed: bool = False) -> str:
    """Write basis points, or that they are unknown."""
    if bps is None:
        return ABSENT
    tenths = round(bps, 1) + 0.0
    return f"{tenths:+,.1f} bps" if is_signed else f"{tenths:,.1f} bps"


def r_text(microusd: int, risk_microusd: int) -> str:
    """Write a result in R, the amount that was at risk at the entry: `+1.50 R`."""
    if risk_microusd <= 0:
        return "R unknown"
    return f"{microusd / risk_microusd:+.2f} R"


def count_text(count: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun: `1 trade`, `1,440 trades`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def when_text(at_ms: int) -> str:
    """Write an instant: `2025-05-01 00:01 UTC`, with seconds where it is not on a minute."""
    return f"{_instant(at_ms):%Y-%m-%d %H:%M}{_seconds(at_ms)} UTC"


def short_when_text(at_ms: int) -> str:
    """Write an instant for a narrow column whose head says UTC: `05-01 00:01`."""
    return f"{_instant(at_ms):%m-%d %H:%M}{_seconds(at_ms)}"


def span_text(duration_ms: int) -> str:
    """Write a duration with its two largest units: `45 s`, `3 min`, `8 h 12 min`, `31 d 2 h`."""
    if duration_ms < MINUTE_MS:
        return f"{duration_ms / SECOND_MS:g} s"
    steps = ((DAY_MS, "d", HOUR_MS, "h"), (HOUR_MS, "h", MINUTE_MS, "min"), (MINUTE_MS, "min", SECOND_MS, "s"))
    large_ms, large, small_ms, small = next(step for step in steps if duration_ms >= step[0])
    rest = duration_ms % large_ms // small_ms
    return f"{duration_ms // large_ms} {large}" + (f" {rest} {small}" if rest else "")


def age_text(as_of_ms: int, now_ms: int) -> str:
    """Say how old a figure was when it was looked at."""
    return "just now" if now_ms <= as_of_ms else f"{span_text(now_ms - as_of_ms)} old"


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / SECOND_MS, UTC)


def _seconds(at_ms: int) -> str:
    return "" if at_ms % MINUTE_MS == 0 else f"{_instant(at_ms):%S}".join((":", ""))


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
