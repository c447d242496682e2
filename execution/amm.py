"""What the venue's own market maker charges: its constant-product curve, to the micro-dollar.

The paper venue fills on bars; this is how the same order would fill against the program's curve alone.
Pure Python integers: the products reach 1e30. Reproduces all recorded fills of the real program.
"""

from typing import Final

from domain.record import Record

SPREAD_PRECISION: Final = 1_000_000
RESERVE_PER_MICROUSD: Final = 1_000_000_000


class Curve(Record, frozen=True, kw_only=True):
    """The state of the curve. sqrt_k, quote_reserve: times 1e9. peg, spreads: times 1e6, spreads from bid to ask."""

    sqrt_k: int
    quote_reserve: int
    peg: int
    long_spread: int
    short_spread: int

    def __post_init__(self) -> None:
        """Refuse a curve that holds nothing."""
        if min(self.sqrt_k, self.quote_reserve, self.peg) < 1 or min(self.long_spread, self.short_spread) < 0:
            raise ValueError(f"a curve with k {self.sqrt_k}, reserve {self.quote_reserve}, peg {self.peg} is empty")


def curve_quote_microusd(curve: Curve, side: int, base_1e9: int) -> int:
    """Return the quote paid (side +1) or received (side -1) for `base_1e9` billionths of a unit, before fees.

    Raises ValueError when a buy asks for more than the curve holds.
    """
    spread = curve.long_spread if side > 0 else curve.short_spread
    quote_reserve = _with_half_spread(curve.quote_reserve, spread // 2, side)
    k = curve.sqrt_k * curve.sqrt_k
    base_after = k // quote_reserve - side * base_1e9
    if base_after < 1:
        raise ValueError(f"{base_1e9} is more base than the curve holds")
    quote_after = k // base_after
    if side > 0:
        return (quote_after - quote_reserve + 1) * curve.peg // RESERVE_PER_MICROUSD + 1
    return (quote_reserve - quote_after) * curve.peg // RESERVE_PER_MICROUSD


def _with_half_spread(quote_reserve: int, half_spread: int, side: int) -> int:
    if half_spread == 0:
        return quote_reserve
    return quote_reserve + side * (quote_reserve // (SPREAD_PRECISION // half_spread))
