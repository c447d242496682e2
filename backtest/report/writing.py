"""How a report writes its figures: always with the unit, times in UTC."""

from datetime import UTC, datetime
from decimal import Decimal

from domain.instrument import usd

ABSENT = "-"


def money_text(microusd: int, *, is_signed: bool = False) -> str:
    """Write dollars and cents without the unit, for a column whose head names it: `-1,234.50`."""
    dollars = usd(microusd).quantize(Decimal("0.01"))
    if dollars == 0:
        return "0.00"
    return f"{dollars:+,.2f}" if is_signed else f"{dollars:,.2f}"


def usd_text(microusd: int, *, is_signed: bool = False) -> str:
    """Write money: `1,234.50 USD`."""
    return f"{money_text(microusd, is_signed=is_signed)} USD"


def percent_text(frac: float | None, *, is_signed: bool = False) -> str:
    """Write a fraction in percent: 0.0123 is `1.23 %`; None is a dash."""
    if frac is None:
        return ABSENT
    text = f"{frac * 100:+.2f}" if is_signed else f"{frac * 100:.2f}"
    return f"{'0.00' if text in {'-0.00', '+0.00'} else text} %"


def r_text(result: float | None) -> str:
    """Write a result in R: `+1.50`; None is a dash."""
    return ABSENT if result is None else f"{round(result, 2) + 0.0:+.2f}"


def when_text(at_ms: int) -> str:
    """Write an instant: `2025-05-01 00:01 UTC`."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def plain_words(name: str) -> str:
    """Write a code's name as words: `own_record_has_an_edge` is `own record has an edge`."""
    return name.replace("_", " ")
