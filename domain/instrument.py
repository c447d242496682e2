"""A perpetual's grid and margin figures. Booked amounts are integers on this grid.

Prices are booked in ticks, sizes in lots, money in micro-dollars (1e-6 USD): the same integers in the
event engine and in a compiled sweep, so results can be compared with `==`. For every instrument
one tick times one lot is a whole number of micro-dollars, `microusd_per_tick_lot`.
"""

from decimal import Decimal
from functools import cached_property

from domain.record import Record

MICROUSD_PER_USD = 1_000_000


class Instrument(Record, frozen=True, kw_only=True, dict=True, gc=True):
    """The venue's rules for one symbol.

    tick_size_price, lot_size_base: smallest steps of price and size. min_size_lots: smallest order.
    initial_margin_frac, maintenance_margin_frac: of the notional. liquidator_fee_frac: taken from a liquidated
    position, in price. funding_clamp_den: hourly funding is limited to oracle / this before the division by 24.
    """

    symbol: str
    tick_size_price: Decimal
    lot_size_base: Decimal
    min_size_lots: int
    initial_margin_frac: float
    maintenance_margin_frac: float
    liquidator_fee_frac: float
    funding_clamp_den: int

    def __post_init__(self) -> None:
        """Refuse a grid on which money would not be whole micro-dollars."""
        product = self.tick_size_price * self.lot_size_base * MICROUSD_PER_USD
        if self.tick_size_price <= 0 or self.lot_size_base <= 0 or product != int(product):
            raise ValueError(f"{self.symbol}: tick {self.tick_size_price} x lot {self.lot_size_base} is off the grid")
        if not 0 < self.maintenance_margin_frac <= self.initial_margin_frac <= 1 or self.min_size_lots < 1:
            raise ValueError(f"{self.symbol}: margin or minimum size is impossible")

    @cached_property
    def tick(self) -> float:
        """The tick as a float, for kernels."""
        return float(self.tick_size_price)

    @cached_property
    def lot(self) -> float:
        """The lot as a float, for kernels."""
        return float(self.lot_size_base)

    @cached_property
    def microusd_per_tick_lot(self) -> int:
        """Value of one tick on one lot, in micro-dollars."""
        return int(self.tick_size_price * self.lot_size_base * MICROUSD_PER_USD)

    @cached_property
    def lot_size_1e9(self) -> int:
        """One lot in billionths of a base unit, the chain's own scale."""
        return int(self.lot_size_base * 1_000_000_000)

    def price(self, ticks: int) -> Decimal:
        """Return the price of so many ticks."""
        return ticks * self.tick_size_price

    def size(self, lots: int) -> Decimal:
        """Return the size of so many lots, in base units."""
        return lots * self.lot_size_base

    def notional_microusd(self, lots: int, ticks: int) -> int:
        """Return size times price in micro-dollars, with the sign of `lots`."""
        return lots * ticks * self.microusd_per_tick_lot


def usd(microusd: int) -> Decimal:
    """Return micro-dollars as dollars, exactly."""
    return Decimal(microusd) / MICROUSD_PER_USD
