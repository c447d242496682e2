"""The program's instructions, built from the profile: place, place and take, cancel one, cancel all.

An immediate-or-cancel order is a limit order with `bit_flags` 1 through `place_and_take_perp_order`: the program
refuses that flag everywhere else (error 6050) and on every other kind. Market and oracle orders carry an auction and
an end instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey

from execution.gateway.encoding import encode, instruction_mark
from execution.gateway.profiles import Profile

PERP = 1
IMMEDIATE_OR_CANCEL = 1
ORDER_TYPES = {"market": 0, "limit": 1, "ioc": 1, "trigger_market": 2, "trigger_limit": 3, "oracle": 4}
SIDES = {"long": 0, "short": 1}
POST_ONLY = {None: 0, "must": 1, "try": 2, "slide": 3}
TRIGGERS = {None: 0, "above": 0, "below": 1}


@dataclass(frozen=True, slots=True)
class AccountUse:
    """One account that an instruction names, in base58, and what it may do with it."""

    address: str
    signs: bool = False
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One call of a program: its id, the accounts in order, the bytes."""

    program: str
    accounts: tuple[AccountUse, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """The account that trades: the profile of its program, the wallet's address, the number of the sub-account."""

    profile: Profile
    authority: str
    sub_account: int

    @property
    def state(self) -> str:
        """Return the address of the program's State account."""
        return derive(self.profile.program, self.profile.state_seed)

    @property
    def user(self) -> str:
        """Return the address of the trading account."""
        seeds = (b"user", bytes(Pubkey.from_string(self.authority)), encode("u16", self.sub_account))
        return derive(self.profile.program, *seeds)

    @property
    def user_stats(self) -> str:
        """Return the address of the wallet's statistics account."""
        return derive(self.profile.program, b"user_stats", bytes(Pubkey.from_string(self.authority)))

    def perp_market(self, index: int) -> str:
        """Return the address of a perpetual market."""
        return derive(self.profile.program, b"perp_market", encode("u16", index))

    def spot_market(self, index: int) -> str:
        """Return the address of a spot market; 0 is the quote asset."""
        return derive(self.profile.program, b"spot_market", encode("u16", index))


def derive(program: str, *seeds: bytes) -> str:
    """Return the program-derived address of the seeds, in base58."""
    return str(Pubkey.find_program_address(list(seeds), Pubkey.from_string(program))[0])


def order_params(profile: Profile, order: Mapping[str, Any], market_index: int, user_order_id: int) -> bytes:
    """Return an order's parameters as the program reads them."""
    values: dict[str, int | None] = {
        "order_type": ORDER_TYPES[order["kind"]],
        "market_type": PERP,
        "direction": SIDES[order["side"]],
        "user_order_id": user_order_id,
        "base_asset_amount": order["base_raw"],
        "price": order.get("price_raw", 0),
        "market_index": market_index,
        "reduce_only": int(order["reduce_only"]),
        "post_only": POST_ONLY[order.get("post_only")],
        "bit_flags": IMMEDIATE_OR_CANCEL if order["kind"] == "ioc" else 0,
        "max_ts": order.get("max_ts_s"),
        "trigger_price": order.get("trigger_price_raw"),
        "trigger_condition": TRIGGERS[order.get("trigger_when")],
        "oracle_price_offset": order.get("oracle_offset_raw"),
        "auction_duration": order.get("auction_slots"),
        "auction_start_price": order.get("auction_start_raw"),
        "auction_end_price": order.get("auction_end_raw"),
        "builder_idx": None,
        "builder_fee_tenth_bps": None,
    }
    return b"".join(encode(kind, values[name]) for name, kind in profile.order_params)


def place(
    trader: Trader, order: Mapping[str, Any], market_index: int, user_order_id: int, remaining: Sequence[AccountUse]
) -> Instruction:
    """Return the instruction that places an order; an `ioc` one takes in the same breath and touches the statistics."""
    takes = order["kind"] == "ioc"
    name = "place_and_take_perp_order" if takes else "place_perp_order"
    success_condition = encode("option u32", None) if takes else b""
    data = instruction_mark(name) + order_params(trader.profile, order, market_index, user_order_id) + success_condition
    statistics = (AccountUse(trader.user_stats, writes=True),) if takes else ()
    return _instruction(trader, data, statistics, remaining)


def cancel(trader: Trader, user_order_id: int, remaining: Sequence[AccountUse]) -> Instruction:
    """Return the instruction that cancels the open order of this user order id."""
    return _instruction(
        trader, instruction_mark("cancel_order_by_user_id") + encode("u8", user_order_id), (), remaining
    )


def cancel_all(trader: Trader, market_index: int | None, remaining: Sequence[AccountUse]) -> Instruction:
    """Return the instruction that cancels every open order, or those of one perpetual market."""
    market_type = None if market_index is None else PERP
    arguments = encode("option u8", market_type) + encode("option u16", market_index) + encode("option u8", None)
    return _instruction(trader, instruction_mark("cancel_orders") + arguments, (), remaining)


def _instruction(
    trader: Trader, data: bytes, between: tuple[AccountUse, ...], remaining: Sequence[AccountUse]
) -> Instruction:
    own = (AccountUse(trader.state), AccountUse(trader.user, writes=True))
    accounts = (*own, *between, AccountUse(trader.authority, signs=True), *remaining)
    return Instruction(trader.profile.program, accounts, data)
