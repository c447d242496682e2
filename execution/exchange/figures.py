"""Exact figures out of an exchange's texts: sizes in lots, money in micro-dollars."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from domain.instrument import MICROUSD_PER_USD
from domain.record import Record

_ONE: Final = Decimal(1)


class Market(Record, frozen=True, kw_only=True):
    """A market of the exchange. symbol: the desk's name of it; None = not traded by this desk."""

    market_id: str
    symbol: str | None
    tick_size_price: Decimal
    lot_size_base: Decimal

    @property
    def name(self) -> str:
        """How the desk calls it: its symbol, or the exchange's id."""
        return self.market_id if self.symbol is None else self.symbol

    def lots(self, size: Any) -> int:
        """Return a size in lots, with its sign. Raises ValueError for one of ours that is not whole lots."""
        lots = decimal(size) / self.lot_size_base
        if lots != lots.to_integral_value() and self.symbol is not None:
            raise ValueError(f"{self.market_id}: {size} is no whole number of {self.lot_size_base}")
        # Of a market that is not ours it matters only that there is something, and on which side.
        return int(lots.to_integral_value(ROUND_CEILING if lots > 0 else ROUND_FLOOR))


def decimal(figure: Any) -> Decimal:
    """Return an exchange's figure as it is written. Raises ValueError for one that is not finite."""
    value = Decimal(str(figure))
    if not value.is_finite():
        raise ValueError(f"{figure} is no figure")
    return value


def microusd(figure: Decimal) -> int:
    """Return dollars in the nearest micro-dollars."""
    return int((figure * MICROUSD_PER_USD).quantize(_ONE, ROUND_HALF_EVEN))


def plain(figure: Decimal) -> str:
    """Return a figure as exchanges want it: no exponent, no zeros at the end."""
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
