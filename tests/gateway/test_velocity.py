"""What goes to Velocity and what it says, against its interface file."""

import base64
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from execution.gateway.events import events, fills_of
from execution.gateway.instructions import Trader, cancel, cancel_all, order_params, place
from tests.gateway.drawn import orders
from tests.gateway.stage import TRADERS, WALLET
from tests.gateway.velocity_interface import ENUMS, EVENTS, NUMBERS, STRUCTS, encoded, instruction

DRIFT, VELOCITY = TRADERS["drift_v2"].profile, TRADERS["velocity"].profile
AUTHORITY = WALLET.pubkey()
KINDS = {
    "limit": "Limit",
    "ioc": "Limit",
    "market": "Market",
    "oracle": "Oracle",
    "trigger_market": "TriggerMarket",
    "trigger_limit": "TriggerLimit",
}
POST = {None: "None", "must": "MustPostOnly", "try": "TryPostOnly", "slide": "Slide"}
u8, u16 = st.integers(0, 2**8 - 1), st.integers(0, 2**16 - 1)


def theirs(order, market_index, number):
    """Return an order's parameters by the interface's names."""
    return {
        "order_type": KINDS[order["kind"]],
        "market_type": "Perp",
        "direction": order["side"].capitalize(),
        "user_order_id": number,
        "base_asset_amount": order["base_raw"],
        "price": order.get("price_raw", 0),
        "market_index": market_index,
        "reduce_only": order["reduce_only"],
        "post_only": POST[order.get("post_only")],
        "bit_flags": 1 if order["kind"] == "ioc" else 0,
        "max_ts": order["max_ts_s"],
        "trigger_price": order.get("trigger_price_raw"),
        "trigger_condition": order.get("trigger_when", "above").capitalize(),
        "oracle_price_offset": order.get("oracle_offset_raw"),
        "auction_duration": order.get("auction_slots"),
        "auction_start_price": order.get("auction_start_raw"),
        "auction_end_price": order.get("auction_end_raw"),
        "builder_idx": None,
        "builder_fee_tenth_bps": None,
    }


def assert_same(ours, other):
    uses = [(one.address, one.signs, one.writes) for one in ours.accounts]
    assert (ours.program, ours.data, uses) == other


def trader_of(sub_account):
    return Trader(profile=VELOCITY, authority=str(AUTHORITY), sub_account=sub_account)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_five_hundred_random_orders_of_each_kind_are_the_interfaces_instruction(kind):
    @settings(max_examples=500)
    @given(orders(kind, offset_bits=64), u16, u8, u16)
    def check(order, market_index, number, sub_account):
        name = "place_and_take_perp_order" if kind == "ioc" else "place_perp_order"
        arguments = {"params": theirs(order, market_index, number)}
        if kind == "ioc":
            arguments["success_condition"] = None
        other = instruction(name, AUTHORITY, sub_account, **arguments)
        assert_same(place(trader_of(sub_account), order, market_index, number, []), other)

    check()


@settings(max_examples=500)
@given(u8, st.none() | u16, u16)
def test_cancellations_are_the_interfaces_instructions(number, market_index, sub_account):
    trader = trader_of(sub_account)
    one = instruction("cancel_order_by_user_id", AUTHORITY, sub_account, user_order_id=number)
    assert_same(cancel(trader, number, []), one)
    market_type = None if market_index is None else "Perp"
    arguments = {"market_type": market_type, "market_index": market_index, "direction": None}
    all_of_them = instruction("cancel_orders", AUTHORITY, sub_account, **arguments)
    assert_same(cancel_all(trader, market_index, []), all_of_them)


@given(orders("oracle"), u16, u8)
def test_velocitys_order_is_drifts_with_a_wider_offset_and_no_builder(order, market_index, number):
    drift, velocity = (order_params(profile, order, market_index, number) for profile in (DRIFT, VELOCITY))
    auction = 2 + 9 + 9
    before, narrow = drift[: -auction - 4], drift[-auction - 4 : -auction]
    assert narrow == order["oracle_offset_raw"].to_bytes(4, "little", signed=True)
    wide = order["oracle_offset_raw"].to_bytes(8, "little", signed=True)
    assert velocity == before + wide + drift[-auction:] + b"\0\0"


def of_kind(kind):
    """Return random values of one of the interface's types."""
    if isinstance(kind, tuple):
        return st.none() | of_kind(kind[1])
    if kind in STRUCTS:
        return st.fixed_dictionaries({name: of_kind(inner) for name, inner in STRUCTS[kind]})
    if kind in ENUMS:
        return st.sampled_from(ENUMS[kind])
    if kind in {"bool", "pubkey"}:
        return st.booleans() if kind == "bool" else st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes)
    bits = 8 * {"B": 1, "H": 2, "I": 4, "Q": 8, "q": 8}[NUMBERS[kind][1]]
    return st.integers(0, 2**bits - 1) if kind[0] == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def said(name, values):
    """Return the log of a transaction in which the program says one event, with a tail that is not read."""
    content = b"".join(encoded(kind, values[field]) for field, kind in EVENTS[name])
    mark = sha256(f"event:{name}".encode()).digest()[:8]
    data = base64.b64encode(mark + content + b"\7" * 5).decode()
    program = VELOCITY.program
    return [f"Program {program} invoke [1]", f"Program data: {data}", f"Program {program} success"]


def number_of(kind, value):
    """Return a value as the gateway has it."""
    inner = kind[1] if isinstance(kind, tuple) else kind
    if value is None or inner not in ENUMS:
        return str(value) if inner == "pubkey" and value is not None else value
    return ENUMS[inner].index(value)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_random_events_are_read_field_by_field(name):
    fields = dict(EVENTS[name]) | dict(STRUCTS["Order"] if name == "OrderRecord" else ())

    @settings(max_examples=300)
    @given(st.fixed_dictionaries({field: of_kind(kind) for field, kind in EVENTS[name]}))
    def check(values):
        ((found, ours),) = events(VELOCITY, said(name, values))
        flat = values | values.get("order", {})
        assert found == name
        assert ours.pop("ts_s") == values["ts"]
        assert ours == {field: number_of(fields[field], flat[field]) for field in ours}

    check()
    assert len(VELOCITY.events[name]) > 15


def test_a_liquidation_is_told_as_one():
    values = dict.fromkeys(field for field, _ in EVENTS["OrderActionRecord"]) | {
        "ts": 1,
        "action": "Fill",
        "action_explanation": "explanation 5",
        "market_index": 3,
        "market_type": "Perp",
        "taker": AUTHORITY,
        "taker_order_id": 9,
        "taker_order_direction": "Short",
        "base_asset_amount_filled": 5,
        "oracle_price": 1,
        "bit_flags": 0,
    }
    (fill,) = fills_of(VELOCITY, said("OrderActionRecord", values), str(AUTHORITY))
    assert (fill.liquidation, fill.side, fill.order_id, fill.base_raw) == (True, "short", 9, 5)
