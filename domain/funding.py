"""Hourly funding as the venue's program computes it: whole numbers, divided towards zero.

Rates are in quote units per base unit, times 1e9; prices in quote units, times 1e6; money in micro-dollars.
Source of the formulas: the perpetual program's own `update_funding_rate` and `settle_funding_payment`.
"""

from typing import Final

from domain.compiled import kernel
from domain.grid import divide_towards_zero

HOURS_PER_PERIOD: Final = 24
RATE_BUFFER: Final = 1_000
MAX_FUNDING_BASE_1E9: Final = 4 * 10**18
_MILLION: Final = 1_000_000


@kernel
def hourly_funding_rate_1e9(mark_twap_1e6: int, oracle_twap_1e6: int, offset_den: int, clamp_den: int) -> int:
    """Return what a long of one base unit pays for one hour, in quote units times 1e9 (negative: receives).

    clamp(mark - oracle + oracle / offset_den, +-oracle / clamp_den) * 1000 / 24, each division towards zero.
    mark_twap_1e6, oracle_twap_1e6: time-weighted averages over the hour, in millionths, in (0, 4e15].
    offset_den: 5000 on Drift; the premium at which funding is zero is -1 / offset_den. clamp_den: 33, 20 or 10.
    """
    limit = divide_towards_zero(oracle_twap_1e6, clamp_den)
    gap = mark_twap_1e6 - oracle_twap_1e6 + divide_towards_zero(oracle_twap_1e6, offset_den)
    clamped = max(-limit, min(limit, gap))
    return divide_towards_zero(clamped * RATE_BUFFER, HOURS_PER_PERIOD)


@kernel
def funding_payment_microusd(rate_1e9: int, lots: int, lot_size_1e9: int) -> int:
    """Return what a position receives (negative: pays), in micro-dollars: -(rate * base) / 1e12 towards zero.

    rate_1e9: settled rate, quote units per base unit times 1e9. lots: signed. lot_size_1e9: billionths of a base unit.
    The product is taken in two halves of six digits, so it never leaves 64 bits while |rate_1e9| and
    |lots * lot_size_1e9| are at most 4e18 (four billion base units) and the payment is below 9.2e18.
    """
    base_1e9 = lots * lot_size_1e9
    rate, base = abs(rate_1e9), abs(base_1e9)
    rate_high, rate_low = rate // _MILLION, rate % _MILLION
    base_high, base_low = base // _MILLION, base % _MILLION
    middle = rate_high * base_low + rate_low * base_high + rate_low * base_low // _MILLION
    amount = rate_high * base_high + middle // _MILLION
    return -amount if (rate_1e9 < 0) == (base_1e9 < 0) else amount
