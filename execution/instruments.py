"""The perpetuals this desk knows, with the venue's grid and margin figures.

Source: the venue's mainnet market accounts of August 2026. Assumed, because not on record: ETH-PERP's liquidator fee
(taken to be SOL-PERP's) and the contract tier of BTC-PERP and ETH-PERP (A or B, which share the funding clamp of 33).
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from domain.errors import BadInput
from domain.instrument import Instrument

INSTRUMENTS: Final[Mapping[str, Instrument]] = MappingProxyType(
    {
        "SOL-PERP": Instrument(
            symbol="SOL-PERP",
            tick_size_price=Decimal("0.001"),
            lot_size_base=Decimal("0.01"),
            min_size_lots=1,
            initial_margin_frac=0.05,
            maintenance_margin_frac=0.03,
            liquidator_fee_frac=0.0075,
            funding_clamp_den=33,
        ),
        "BTC-PERP": Instrument(
            symbol="BTC-PERP",
            tick_size_price=Decimal("0.1"),
            lot_size_base=Decimal("0.0001"),
            min_size_lots=1,
            initial_margin_frac=0.05,
            maintenance_margin_frac=0.02,
            liquidator_fee_frac=0.005,
            funding_clamp_den=33,
        ),
        "ETH-PERP": Instrument(
            symbol="ETH-PERP",
            tick_size_price=Decimal("0.01"),
            lot_size_base=Decimal("0.001"),
            min_size_lots=1,
            initial_margin_frac=0.05,
            maintenance_margin_frac=0.03,
            liquidator_fee_frac=0.0075,
            funding_clamp_den=33,
        ),
    }
)


def instrument(symbol: str) -> Instrument:
    """Return the instrument of that name. Raises BadInput naming the known ones."""
    found = INSTRUMENTS.get(symbol)
    if found is None:
        raise BadInput(f"symbol {symbol!r} is not known; known are {', '.join(sorted(INSTRUMENTS))}")
    return found
