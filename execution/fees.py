"""What a trade costs at the venue: taker fees round up, maker rebates round down. Money in micro-dollars.

Source: the venue's own on-chain fee state, tiers by thirty-day volume (3.5 bps below two million dollars).
"""

from typing import Final

from domain.compiled import kernel
from domain.grid import divide_up

FEE_DENOMINATOR: Final = 120_000
TAKER_FEE_NUMERATORS: Final = (42, 36, 33, 30, 27, 24)
MAKER_REBATE_NUMERATOR: Final = 3
N_FEE_TIERS: Final = len(TAKER_FEE_NUMERATORS)


@kernel
def fee(quote: int, numerator: int, denominator: int) -> int:
    """Return quote x numerator / denominator, rounded up. quote: unsigned, below 9e16 for the tiers above."""
    return divide_up(quote * numerator, denominator)


def taker_fee_microusd(notional_microusd: int, tier: int) -> int:
    """Return what taking `notional_microusd` (unsigned) costs. Raises ValueError for a tier that does not exist."""
    if not 0 <= tier < N_FEE_TIERS:
        raise ValueError(f"fee tier {tier} does not exist, tiers are 0 to {N_FEE_TIERS - 1}")
    return fee(notional_microusd, TAKER_FEE_NUMERATORS[tier], FEE_DENOMINATOR)


@kernel
def maker_rebate_microusd(notional_microusd: int) -> int:
    """Return what making `notional_microusd` (unsigned) earns; the same in every tier."""
    return notional_microusd * MAKER_REBATE_NUMERATOR // FEE_DENOMINATOR
