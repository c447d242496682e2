"""Why the paper venue would not take an order. Every no is a `Refusal` whose rule begins with "venue: "."""

import hashlib
from typing import Final

from domain.decisions import ApprovedOrder, Refusal
from domain.instrument import usd
from execution.account import Market, PaperAccount
from execution.fees import taker_fee_microusd
from execution.margin import free_collateral_microusd, margin_requirement_microusd

MAX_NOTIONAL_MICROUSD: Final = 100_000_000_000_000
_DRAW_BYTES: Final = 8


def refuse_exit(order: ApprovedOrder, held_lots: int) -> Refusal | None:
    """Refuse a reduce-only order that has nothing to reduce, points the wrong way, or would flip the position."""
    if held_lots == 0:
        return Refusal(rule="venue: reduce only", reason=f"no position in {order.symbol} is open")
    if order.side * held_lots > 0:
        return Refusal(rule="venue: reduce only", reason=f"it would enlarge the {held_lots} lots held")
    if order.size_lots > abs(held_lots):
        return Refusal(rule="venue: reduce only", reason=f"{order.size_lots} lots would flip the {held_lots} held")
    return None


def refuse_entry(order: ApprovedOrder, held_lots: int, *, is_entry_pending: bool) -> Refusal | None:
    """Refuse a second entry in a symbol: one position, one entry, at a time."""
    if held_lots != 0:
        return Refusal(rule="venue: one position", reason=f"{held_lots} lots of {order.symbol} are already open")
    if is_entry_pending:
        return Refusal(rule="venue: one position", reason=f"an entry in {order.symbol} is already on its way")
    return None


def refuse_size(order: ApprovedOrder, market: Market) -> Refusal | None:
    """Refuse a size or price off the grid, an entry below the minimum size, and one above the largest notional.

    An exit may be smaller than the minimum: what is left of a position can always be closed.
    """
    if not isinstance(order.size_lots, int) or not isinstance(order.reference_ticks, int):
        return Refusal(rule="venue: grid", reason="size and price must be whole lots and ticks")
    if order.reduce_only:
        return None
    if order.size_lots < market.min_size_lots:
        return Refusal(
            rule="venue: minimum size", reason=f"{order.size_lots} lots, the minimum is {market.min_size_lots}"
        )
    notional = order.size_lots * order.reference_ticks * market.unit
    if notional > MAX_NOTIONAL_MICROUSD:
        return Refusal(
            rule="venue: maximum size",
            reason=f"{usd(notional):.2f} USD, the venue takes at most {usd(MAX_NOTIONAL_MICROUSD):.0f}",
        )
    return None


def refuse_margin(
    account: PaperAccount, market: Market, size_lots: int, price_ticks: int, reserved_microusd: int, fee_tier: int
) -> Refusal | None:
    """Refuse an entry whose initial margin and fee the account does not cover at `price_ticks`.

    reserved_microusd: initial margin of entries already on their way.
    """
    notional = size_lots * price_ticks * market.unit
    needed = margin_requirement_microusd(notional, market.initial_bps) + taker_fee_microusd(notional, fee_tier)
    tied_up = account.initial_requirement_microusd() + reserved_microusd
    free = free_collateral_microusd(account.equity_microusd(), tied_up)
    if needed <= free:
        return None
    return Refusal(
        rule="venue: initial margin",
        reason=f"margin and fee of {usd(needed):.2f} USD are needed, {usd(free):.2f} USD are free",
    )


def is_drawn_for_rejection(client_order_id: str, seed: int, reject_frac: float) -> bool:
    """Say whether this id is among the `reject_frac` of orders the venue turns away: a pure function of id and seed."""
    if reject_frac <= 0.0:
        return False
    digest = hashlib.blake2b(f"{seed}:{client_order_id}".encode(), digest_size=_DRAW_BYTES).digest()
    return int.from_bytes(digest, "big") < reject_frac * (1 << 8 * _DRAW_BYTES)
