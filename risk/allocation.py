"""What part of the desk's capital each sleeve may trade on. A sleeve is one strategy in one symbol.

Shares are whole parts of a thousand million, rounded down, so that they add up to at most all of the capital, exactly.
Sums are `math.fsum`: the order in which the sleeves stand changes no digit.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from domain.compiled import kernel
from domain.record import Record
from risk.sleeves import SleeveRecord

WHOLE_1E9: Final = 10**9


class AllocationMethod(StrEnum):
    """How capital is shared out. NONE: every sleeve may use all of it, and only the other sizes bind."""

    NONE = "none"
    EQUAL = "equal"
    INVERSE_VOLATILITY = "inverse_volatility"
    PERFORMANCE = "performance"


class AllocationPolicy(Record, frozen=True, kw_only=True):
    """How capital is shared out among the sleeves.

    min_share_frac: what every sleeve keeps whatever its record says; never more than an equal share.
    max_share_frac: the most one sleeve gets; what it leaves stays idle.
    shrinkage_trades: how many trades of evidence the desk's own average weighs against a sleeve's record.
    min_trades: closed trades of the whole desk below which the shares are equal.
    """

    method: AllocationMethod = AllocationMethod.NONE
    min_share_frac: float = 0.05
    max_share_frac: float = 1.0
    shrinkage_trades: int = 50
    min_trades: int = 30

    def __post_init__(self) -> None:
        """Refuse shares outside [0, 1], a largest share of nothing, and a record that is trusted without shrinkage."""
        if not (0.0 <= self.min_share_frac <= 1.0 and 0.0 < self.max_share_frac <= 1.0):
            raise ValueError(f"shares from {self.min_share_frac} to {self.max_share_frac} are impossible")
        if not (self.shrinkage_trades >= 1 and self.min_trades >= 1):
            raise ValueError(f"{self.shrinkage_trades} trades of shrinkage and {self.min_trades} at least: impossible")


def shares_1e9(policy: AllocationPolicy, records: Sequence[SleeveRecord]) -> tuple[int, ...]:
    """Return each sleeve's share of the capital in parts of 1e9, in the order of the records, which must not be empty.

    They are >= 0 and add up to at most 1e9. `NONE` gives every sleeve everything.
    """
    if policy.method is AllocationMethod.NONE:
        return (WHOLE_1E9,) * len(records)
    floor = min(policy.min_share_frac, 1.0 / len(records))
    spread = max(0.0, 1.0 - len(records) * floor)
    wished = [min(policy.max_share_frac, floor + spread * weight) for weight in _weights(policy, records)]
    return tuple(math.floor(share * WHOLE_1E9) for share in wished)


@kernel
def part_of(amount_microusd: int, share_1e9: int) -> int:
    """Return a share of an amount, rounded down, in whole micro-dollars; nothing of what is not positive.

    The amount is split at 1e9 so that no product leaves 64 bits: amounts stay below 1e15.
    """
    if amount_microusd <= 0:
        return 0
    return amount_microusd // 10**9 * share_1e9 + amount_microusd % 10**9 * share_1e9 // 10**9


def _weights(policy: AllocationPolicy, records: Sequence[SleeveRecord]) -> list[float]:
    """Return weights that add up to 1, or all 0 when no sleeve deserves more than its floor."""
    equal = [1.0 / len(records)] * len(records)
    n_trades = sum(record.n_trades for record in records)
    if policy.method is AllocationMethod.EQUAL or n_trades < policy.min_trades:
        return equal
    if policy.method is AllocationMethod.INVERSE_VOLATILITY:
        variances = shrunk_variances(policy, records)
        # A record without any spread says nothing about who is the calmer.
        return _normed([1.0 / math.sqrt(one) for one in variances]) if min(variances) > 0.0 else equal
    return _normed([max(0.0, mean) for mean in shrunk_means(policy, records)])


def shrunk_means(policy: AllocationPolicy, records: Sequence[SleeveRecord]) -> list[float]:
    """Return each sleeve's mean result in R, drawn towards the desk's: n / (n + k) of it is its own.

    It is the posterior mean of a normal mean whose prior is centred on the desk's with the weight of k trades; the
    same form as James and Stein's estimator (1961), with k set instead of estimated.
    """
    n_trades = sum(record.n_trades for record in records)
    desk = math.fsum(record.sum_r for record in records) / n_trades
    own = [record.sum_r / record.n_trades if record.n_trades else desk for record in records]
    return _drawn(own, desk, policy.shrinkage_trades, records)


def shrunk_variances(policy: AllocationPolicy, records: Sequence[SleeveRecord]) -> list[float]:
    """Return the variance of each sleeve's results in R per trade, drawn towards the average within the sleeves."""
    n_trades = sum(record.n_trades for record in records)
    within = math.fsum(record.n_trades * record.variance_r2 for record in records) / n_trades
    own = [record.variance_r2 if record.n_trades else within for record in records]
    return _drawn(own, within, policy.shrinkage_trades, records)


def _drawn(own: Sequence[float], towards: float, n_prior: int, records: Sequence[SleeveRecord]) -> list[float]:
    trusts = [record.n_trades / (record.n_trades + n_prior) for record in records]
    return [towards + (figure - towards) * trust for figure, trust in zip(own, trusts, strict=True)]


def _normed(weights: Sequence[float]) -> list[float]:
    total = math.fsum(weights)
    return [weight / total if total > 0.0 else 0.0 for weight in weights]
