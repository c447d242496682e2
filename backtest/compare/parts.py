"""What two runs of one trade earned differently, split into parts that add up exactly.

One factor is exchanged at a time, A's for B's, in this order: size, entry price, exits, fee rate, funding. Each part is
the change its exchange makes, so the parts telescope: whatever an intermediate figure is rounded to, their sum is
net(B) - net(A).
"""

from enum import StrEnum
from typing import Final

from backtest.compare.journeys import Journey, Payment


class Part(StrEnum):
    """What was exchanged. HELD is the funding of hours that only one of the two lived through."""

    SIZE = "size"
    ENTRY = "entry price"
    EXIT = "exit"
    HELD = "hours held"
    FEE = "fee"
    FUNDING = "funding"
    WHOLE = "whole trade"


Parts = dict[Part, int]
# Rounding a fee up on each fill, and our own scaling, can leave so much that no rate explains.
_ROUNDING_MICROUSD: Final = 1


def parts_of(a: Journey, b: Journey) -> Parts:
    """Return the parts, in micro-dollars, of the difference between the same trade in A and in B; zeros left out."""
    side = a.side
    entry_a, entry_b = a.entry_price_microusd_per_lot, b.entry_price_microusd_per_lot
    exits_scaled = _scaled(a.exit_value_microusd, b.lots, a.lots)
    parts = {
        Part.SIZE: side * ((exits_scaled - a.exit_value_microusd) - (b.lots - a.lots) * entry_a),
        Part.ENTRY: -side * b.lots * (entry_b - entry_a),
        Part.EXIT: side * (b.exit_value_microusd - exits_scaled),
        Part.FEE: 0,
    }
    _add_fees(parts, Part.ENTRY, _fees(a, b, entry=True))
    _add_fees(parts, Part.EXIT, _fees(a, b, entry=False))
    for part, microusd in _funding(a, b).items():
        parts[part] = parts.get(part, 0) + microusd
    return {part: microusd for part, microusd in parts.items() if microusd != 0}


def _scaled(amount: int, numerator: int, denominator: int) -> int:
    """Return amount * numerator / denominator to the nearest whole number, halves up; 0 where there is no ratio."""
    return 0 if denominator == 0 else (2 * amount * numerator + denominator) // (2 * denominator)


def _fees(a: Journey, b: Journey, *, entry: bool) -> tuple[int, int, int]:
    """Return by how much fees rose because of size, of price, and of their rate."""
    if entry:
        fee_a, fee_b, n_fills = a.entry_fee_microusd, b.entry_fee_microusd, 2
        traded_a, traded_b = a.lots * a.entry_price_microusd_per_lot, b.lots * b.entry_price_microusd_per_lot
    else:
        fee_a, fee_b, n_fills = a.exit_fee_microusd, b.exit_fee_microusd, len(a.legs) + len(b.legs)
        traded_a, traded_b = _turnover(a), _turnover(b)
    sized = _scaled(fee_a, b.lots, a.lots)
    priced = _scaled(fee_a, traded_b, traded_a)
    # Where A paid no fee at all (its exit is a mark) there is no rate to compare: the fee came with B's exit.
    if traded_a == 0 or abs(fee_b - priced) <= n_fills + _ROUNDING_MICROUSD:
        priced = fee_b
    if traded_b * a.lots == traded_a * b.lots:
        # No price moved: what rounding left goes with the size.
        sized = priced
    return sized - fee_a, priced - sized, fee_b - priced


def _turnover(journey: Journey) -> int:
    """Return the value of the legs that a fee was asked for."""
    return sum(leg.lots * leg.price_microusd_per_lot for leg in journey.legs if leg.fee_microusd != 0)


def _add_fees(parts: Parts, price_part: Part, rises: tuple[int, int, int]) -> None:
    for part, rise in zip((Part.SIZE, price_part, Part.FEE), rises, strict=True):
        parts[part] -= rise


def _funding(a: Journey, b: Journey) -> Parts:
    """Split the difference in funding hour by hour."""
    parts = {Part.SIZE: 0, Part.HELD: 0, Part.FUNDING: 0}
    hours_a = {payment.settled_ms: payment for payment in a.funding}
    hours_b = {payment.settled_ms: payment for payment in b.funding}
    for hour in sorted(hours_a.keys() | hours_b.keys()):
        paid_a, paid_b = hours_a.get(hour), hours_b.get(hour)
        amount_a = 0 if paid_a is None else paid_a.amount_microusd
        amount_b = 0 if paid_b is None else paid_b.amount_microusd
        sized = _scaled(amount_a, b.lots, a.lots)
        part = _of_hour(hour, a, b, paid_a, paid_b)
        if part is Part.HELD and abs(amount_b - sized) <= _ROUNDING_MICROUSD:
            sized = amount_b
        parts[Part.SIZE] += sized - amount_a
        parts[part] += amount_b - sized
    return parts


def _of_hour(hour: int, a: Journey, b: Journey, paid_a: Payment | None, paid_b: Payment | None) -> Part:
    """Say what made an hour's funding differ: its rate or its absence, or that only one of the two held then."""
    if paid_a is not None and paid_b is not None:
        is_same_rate = paid_a.rate_quote_per_base_1e9 == paid_b.rate_quote_per_base_1e9
        return Part.HELD if is_same_rate else Part.FUNDING
    other = b if paid_b is None else a
    return Part.FUNDING if other.entered_ms < hour <= other.end.filled_ms else Part.HELD
