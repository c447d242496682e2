"""Margin of a cross-margin account: requirements, liquidation price, and how much a liquidator takes.

Money in micro-dollars, prices in ticks, sizes in lots; `unit` is the micro-dollars of one tick on one lot. Ratios are
whole basis points, as on chain. Integers stay inside 64 bits while a notional is below 9e14 (900 million dollars).
"""

import math
from typing import Final

from domain.compiled import kernel
from domain.grid import divide_up

BPS: Final = 10_000
LIQUIDATION_BUFFER_BPS: Final = 200


@kernel
def margin_requirement_microusd(notional_microusd: int, margin_bps: int) -> int:
    """Return the margin that a notional of either sign ties up, rounded up."""
    return divide_up(abs(notional_microusd) * margin_bps, BPS)


@kernel
def free_collateral_microusd(equity_microusd: int, requirement_microusd: int) -> int:
    """Return what is left for new positions; 0 when the requirement is not even covered."""
    return max(0, equity_microusd - requirement_microusd)


@kernel
def margin_usage_frac(equity_microusd: int, requirement_microusd: int) -> float:
    """Return requirement over equity; infinity when margin is required and there is no equity."""
    if requirement_microusd == 0:
        return 0.0
    return requirement_microusd / equity_microusd if equity_microusd > 0 else math.inf


@kernel
def liquidation_price(collateral: float, quote: float, base: float, maintenance_frac: float) -> float:
    """Return the price at which collateral + quote + base x price equals the maintenance requirement.

    Closed form (C + Q) / (B (mm - 1)) for a long; for a short, B < 0, the mirror (C + Q) / (B (-mm - 1)).
    collateral: everything but this position; quote: minus the signed entry cost; base: signed, not 0. The unit of the
    answer is that of collateral over that of base. 0.0 when no positive price liquidates.
    """
    slope = maintenance_frac - 1.0 if base > 0 else -maintenance_frac - 1.0
    return max(0.0, (collateral + quote) / (base * slope))


@kernel
def liquidation_lots(
    shortage_microusd: int, size_lots: int, price_ticks: int, fill_ticks: int, margin_bps: int, unit: int
) -> int:
    """Return how many lots a liquidator must take so that the shortage is gone; all of them when that is not enough.

    Each lot taken frees price x margin of requirement and loses |price - fill| to the liquidator, so
    lots = ceil(shortage / (unit x (price x margin - |price - fill|))). size_lots: unsigned size held.
    shortage_microusd: requirement minus equity, > 0, both at `price_ticks` and with the same `margin_bps`.
    """
    gain_per_lot_1e4 = unit * (price_ticks * margin_bps - abs(price_ticks - fill_ticks) * BPS)
    if gain_per_lot_1e4 <= 0:
        return size_lots
    return min(size_lots, divide_up(shortage_microusd * BPS, gain_per_lot_1e4))
