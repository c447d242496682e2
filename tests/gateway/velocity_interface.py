"""Velocity's instructions and events as its interface file has them, and an encoder that knows nothing of the gateway.

Source: the public repository velocity-exchange/velocity-v1, the interface file of commit
0bbbddb4a94b224a0eaf684fcfd4d96f050129c4; the same instructions stand in the older one of commit
1f866f1c44def526aeef8927fe14d563f3a8ed7b. Written down are only the few definitions that orders need.
"""

import struct

from solders.pubkey import Pubkey

PROGRAM = Pubkey.from_string("vELoC1audYbSYVRXn1vPaV8Axoa9oU6BYmNGZZBDZ1P")
NUMBERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q"}
ENUMS = {
    "OrderType": ("Market", "Limit", "TriggerMarket", "TriggerLimit", "Oracle"),
    "MarketType": ("Spot", "Perp"),
    "PositionDirection": ("Long", "Short"),
    "PostOnlyParam": ("None", "MustPostOnly", "TryPostOnly", "Slide"),
    "OrderTriggerCondition": ("Above", "Below", "TriggeredAbove", "TriggeredBelow"),
    "OrderStatus": ("Init", "Open", "Filled", "Canceled"),
    "OrderAction": ("Place", "Cancel", "Fill", "Trigger", "Expire"),
    "OrderActionExplanation": tuple(f"explanation {number}" for number in range(21)),
}
STRUCTS = {
    "OrderParams": (
        ("order_type", "OrderType"),
        ("market_type", "MarketType"),
        ("direction", "PositionDirection"),
        ("user_order_id", "u8"),
        ("base_asset_amount", "u64"),
        ("price", "u64"),
        ("market_index", "u16"),
        ("reduce_only", "bool"),
        ("post_only", "PostOnlyParam"),
        ("bit_flags", "u8"),
        ("max_ts", ("option", "i64")),
        ("trigger_price", ("option", "u64")),
        ("trigger_condition", "OrderTriggerCondition"),
        ("oracle_price_offset", ("option", "i64")),
        ("auction_duration", ("option", "u8")),
        ("auction_start_price", ("option", "i64")),
        ("auction_end_price", ("option", "i64")),
        ("builder_idx", ("option", "u8")),
        ("builder_fee_tenth_bps", ("option", "u16")),
    ),
    "Order": (
        ("slot", "u64"),
        ("price", "u64"),
        ("base_asset_amount", "u64"),
        ("base_asset_amount_filled", "u64"),
        ("quote_asset_amount_filled", "u64"),
        ("trigger_price", "u64"),
        ("auction_start_price", "i64"),
        ("auction_end_price", "i64"),
        ("max_ts", "i64"),
        ("oracle_price_offset", "i64"),
        ("order_id", "u32"),
        ("market_index", "u16"),
        ("status", "OrderStatus"),
        ("order_type", "OrderType"),
        ("market_type", "MarketType"),
        ("user_order_id", "u8"),
        ("existing_position_direction", "PositionDirection"),
        ("direction", "PositionDirection"),
        ("reduce_only", "bool"),
        ("post_only", "bool"),
        ("immediate_or_cancel", "bool"),
        ("trigger_condition", "OrderTriggerCondition"),
        ("auction_duration", "u8"),
        ("posted_slot_tail", "u8"),
        ("bit_flags", "u8"),
    ),
}
EVENTS = {
    "OrderRecord": (("ts", "i64"), ("user", "pubkey"), ("order", "Order")),
    "OrderActionRecord": (
        ("ts", "i64"),
        ("action", "OrderAction"),
        ("action_explanation", "OrderActionExplanation"),
        ("market_index", "u16"),
        ("market_type", "MarketType"),
        ("filler", ("option", "pubkey")),
        ("filler_reward", ("option", "u64")),
        ("fill_record_id", ("option", "u64")),
        ("base_asset_amount_filled", ("option", "u64")),
        ("quote_asset_amount_filled", ("option", "u64")),
        ("taker_fee", ("option", "u64")),
        ("maker_fee", ("option", "i64")),
        ("referrer_reward", ("option", "u32")),
        ("quote_asset_amount_surplus", ("option", "i64")),
        ("spot_fulfillment_method_fee", ("option", "u64")),
        ("taker", ("option", "pubkey")),
        ("taker_order_id", ("option", "u32")),
        ("taker_order_direction", ("option", "PositionDirection")),
        ("taker_order_base_asset_amount", ("option", "u64")),
        ("taker_order_cumulative_base_asset_amount_filled", ("option", "u64")),
        ("taker_order_cumulative_quote_asset_amount_filled", ("option", "u64")),
        ("maker", ("option", "pubkey")),
        ("maker_order_id", ("option", "u32")),
        ("maker_order_direction", ("option", "PositionDirection")),
        ("maker_order_base_asset_amount", ("option", "u64")),
        ("maker_order_cumulative_base_asset_amount_filled", ("option", "u64")),
        ("maker_order_cumulative_quote_asset_amount_filled", ("option", "u64")),
        ("oracle_price", "i64"),
        ("bit_flags", "u8"),
        ("taker_existing_quote_entry_amount", ("option", "u64")),
        ("taker_existing_base_asset_amount", ("option", "u64")),
        ("maker_existing_quote_entry_amount", ("option", "u64")),
        ("maker_existing_base_asset_amount", ("option", "u64")),
        ("trigger_price", ("option", "u64")),
        ("builder_idx", ("option", "u8")),
        ("builder_fee", ("option", "u64")),
    ),
}
READ, WRITTEN, SIGNS = "read", "written", "signs"
OWN = (("state", READ), ("user", WRITTEN), ("authority", SIGNS))
# Per instruction: the discriminator, the accounts in order, the arguments in order.
INSTRUCTIONS = {
    "place_perp_order": ([69, 161, 93, 202, 120, 126, 76, 185], OWN, (("params", "OrderParams"),)),
    "place_and_take_perp_order": (
        [213, 51, 1, 187, 108, 220, 230, 224],
        (("state", READ), ("user", WRITTEN), ("user_stats", WRITTEN), ("authority", SIGNS)),
        (("params", "OrderParams"), ("success_condition", ("option", "u32"))),
    ),
    "cancel_order_by_user_id": ([107, 211, 250, 133, 18, 37, 57, 100], OWN, (("user_order_id", "u8"),)),
    "cancel_orders": (
        [238, 225, 95, 158, 227, 103, 8, 194],
        OWN,
        (
            ("market_type", ("option", "MarketType")),
            ("market_index", ("option", "u16")),
            ("direction", ("option", "PositionDirection")),
        ),
    ),
}


def encoded(kind, value):
    """Return one value in borsh."""
    if isinstance(kind, tuple):
        return b"\0" if value is None else b"\1" + encoded(kind[1], value)
    if kind in STRUCTS:
        return b"".join(encoded(inner, value[name]) for name, inner in STRUCTS[kind])
    if kind in ENUMS:
        return bytes([ENUMS[kind].index(value)])
    if kind == "pubkey":
        return bytes(value)
    return bytes([value]) if kind == "bool" else struct.pack(NUMBERS[kind], value)


def addresses(authority, sub_account):
    """Return the accounts that an instruction may name, by the interface's names."""
    seeds = {
        "state": [b"velocity_state"],
        "user": [b"user", bytes(authority), sub_account.to_bytes(2, "little")],
        "user_stats": [b"user_stats", bytes(authority)],
    }
    found = {name: Pubkey.find_program_address(one, PROGRAM)[0] for name, one in seeds.items()}
    return {**found, "authority": authority}


def instruction(name, authority, sub_account, **arguments):
    """Return (program, data, [(address, signs, writes)]) of one call."""
    mark, accounts, fields = INSTRUCTIONS[name]
    data = bytes(mark) + b"".join(encoded(kind, arguments[field]) for field, kind in fields)
    known = addresses(authority, sub_account)
    return str(PROGRAM), data, [(str(known[one]), use == SIGNS, use == WRITTEN) for one, use in accounts]
