"""A program that answers what the State account tells it to, in place of Drift's and Velocity's own: no binary is ours.

It is real: an sBPF ELF, run by the real runtime, two instructions long. It returns the number that stands in the State
account's last eight bytes (padding in either layout): 0 is success, anything else the program's error. What a
successful order does to the trading account is done by `carry_out`, which reads the instruction as the program would,
writes the same fields and says the same events. Trigger orders rest until `fire` finds their price passed.
"""

import struct
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from solders.pubkey import Pubkey

from tests.gateway.layouts import DRIFT, Accounts

# In the serialized input the first account's data begins here: count, flags and padding, key, owner, lamports, length.
FIRST_DATA_AT = 8 + 8 + 32 + 32 + 8 + 8
LOAD, EXIT = 0x79, 0x95
LONG, SHORT = 0, 1
OPEN, FILLED, CANCELED = 1, 2, 3
TRIGGER_MARKET = 2
ABOVE = 0
LIQUIDATION = 5


@dataclass
class Floor:
    """What the venue does with orders, and what it has done.

    accounts: the layout of the program that is played.
    ioc_fills: gives (base, price) of an immediate order, raw; by default whole, at its limit. prices: the oracles' by
    market, raw; a market without one fires no trigger. fills: every fill as a record. ts_s: the chain's clock.
    """

    accounts: Accounts = DRIFT
    ts_s: Callable[[], int] = lambda: 1_790_000_000
    ioc_fills: Callable[[dict], tuple[int, int]] = lambda order: (order["base_asset_amount"], order["price"])
    prices: dict = field(default_factory=dict)
    fills: list = field(default_factory=list)


def answer_at(accounts: Accounts) -> int:
    """Return where in the State account the program's answer stands."""
    return accounts.layouts["State"]["bytes"] - 8


def program_elf(accounts: Accounts) -> bytes:
    """Return the ELF: `r0 = *(u64 *)(r1 + offset)`, `exit`."""
    text = struct.pack("<BBhi", LOAD, 0x10, FIRST_DATA_AT + answer_at(accounts), 0) + struct.pack(
        "<BBhi", EXIT, 0, 0, 0
    )
    names = b"\0.text\0.shstrtab\0"
    names_at = 64 + len(text)
    sections_at = (names_at + len(names) + 7) // 8 * 8
    identity = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 3, 247, 1, 64, 0, sections_at, 0, 64, 56, 0, 64, 3, 2)
    sections = bytes(64)
    sections += struct.pack("<IIQQQQIIQQ", 1, 1, 6, 64, 64, len(text), 0, 0, 8, 0)
    sections += struct.pack("<IIQQQQIIQQ", 7, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    body = header + text + names
    return body + bytes(sections_at - len(body)) + sections


def carry_out(
    floor: Floor, user: bytes, data: bytes, name: str, signature: str, address: str, slot: int
) -> tuple[bytes, list[str]]:
    """Return the trading account after an instruction, and what the program logs of it."""
    body = data[8:]
    if name == "cancel_order_by_user_id":
        return _without(floor.accounts, user, lambda order: order["user_order_id"] == body[0]), []
    if name == "cancel_orders":
        index = struct.unpack_from("<H", body, 3)[0] if body[0] else None
        return _without(floor.accounts, user, lambda order: index is None or order["market_index"] == index), []
    accounts, order_id = floor.accounts, floor.accounts.read("User", user, "next_order_id")
    order = {**params(body), "order_id": order_id, "status": OPEN, "market_type": 1, "slot": slot}
    said = [_placed_event(accounts, order, floor.ts_s(), address)]
    user = accounts.put("User", user, "next_order_id", order_id + 1)
    if name == "place_and_take_perp_order":
        base, price = floor.ioc_fills(order)
        user, more = fill(floor, user, order, base, price, signature, address, slot)
        return user, [*said, *more]
    index = next(index for index, one in enumerate(accounts.read_rows(user, "orders")) if one["status"] != OPEN)
    return accounts.write_row(user, "orders", index, order), said


def fire(floor: Floor, user: bytes, address: str, slot: int, signature_of: Callable[[int], str]) -> tuple[bytes, list]:
    """Let every resting trigger order go whose price is passed; return the account and (signature, log lines) of each.

    An order placed in this very block waits for the next one. What it may not reduce is dropped.
    """
    done = []
    for index, order in enumerate(floor.accounts.read_rows(user, "orders")):
        price = floor.prices.get(order["market_index"])
        if order["status"] != OPEN or order["order_type"] != TRIGGER_MARKET or price is None or order["slot"] >= slot:
            continue
        is_above = order["trigger_condition"] == ABOVE
        if price >= order["trigger_price"] if is_above else price <= order["trigger_price"]:
            signature = signature_of(order["order_id"])
            user, said = fill(floor, user, order, order["base_asset_amount"], price, signature, address, slot)
            user = floor.accounts.write_row(user, "orders", index, {"status": FILLED if said else CANCELED})
            done.append((signature, said))
    return user, done


def fill(
    floor: Floor, user: bytes, order: dict, base: int, price: int, signature: str, address: str, slot: int, why: int = 0
) -> tuple[bytes, list[str]]:
    """Fill as much of an order as it may; return the account and the event, none where nothing may be filled."""
    held = position(floor.accounts, user, order["market_index"])
    sign = 1 if order["direction"] == LONG else -1
    if order["reduce_only"]:
        base = min(base, max(0, -sign * held))
    if not base:
        return user, []
    quote = base * price // 10**9
    told = {
        "signature": signature,
        "slot": slot,
        "ts_s": floor.ts_s(),
        "order_id": order["order_id"],
        "market_index": order["market_index"],
        "direction": order["direction"],
        "base": base,
        "quote": quote,
        "fee": quote // 1000,
        "fill_record_id": 77 + len(floor.fills),
        "why": why,
    }
    floor.fills.append(told)
    user = _moved(floor.accounts, user, order["market_index"], sign * base, -sign * quote)
    return user, [_filled_event(told, floor.ts_s(), address)]


def params(body: bytes) -> dict[str, int]:
    """Return an order's parameters, under the names that a resting order has."""
    kind, _, direction, number, base, price, market, reduce_only = struct.unpack_from("<BBBBQQHB", body)
    max_ts, at = _option("<q", body, struct.calcsize("<BBBBQQHB") + 2)
    trigger_price, at = _option("<Q", body, at)
    return {
        "order_type": kind,
        "direction": direction,
        "user_order_id": number,
        "base_asset_amount": base,
        "price": price,
        "market_index": market,
        "reduce_only": reduce_only,
        "max_ts": max_ts,
        "trigger_price": trigger_price,
        "trigger_condition": body[at],
    }


def position(accounts: Accounts, user: bytes, market_index: int) -> int:
    """Return the signed base held in a market, raw."""
    rows = accounts.read_rows(user, "perp_positions")
    return sum(one["base_asset_amount"] for one in rows if one["market_index"] == market_index)


def _option(kind: str, body: bytes, at: int) -> tuple[int, int]:
    if not body[at]:
        return 0, at + 1
    return struct.unpack_from(kind, body, at + 1)[0], at + 1 + struct.calcsize(kind)


def _placed_event(accounts: Accounts, order: dict[str, int], ts_s: int, address: str) -> str:
    row = accounts.row("orders", order)
    return _event("OrderRecord", struct.pack("<q", ts_s) + bytes(Pubkey.from_string(address)) + row)


def _filled_event(told: dict[str, int], ts_s: int, address: str) -> str:
    some, none = b"\1", b"\0"
    base, quote = told["base"], told["quote"]
    content = struct.pack("<qBBHB", ts_s, 2, told["why"] or 3, told["market_index"], 1) + none * 2
    content += some + struct.pack("<Q", told["fill_record_id"]) + some + struct.pack("<Q", base)
    content += some + struct.pack("<Q", quote) + some + struct.pack("<Q", told["fee"])
    content += some + struct.pack("<q", -(quote // 10_000)) + none * 3
    content += some + bytes(Pubkey.from_string(address)) + some + struct.pack("<I", told["order_id"])
    content += some + bytes([told["direction"]]) + some + struct.pack("<Q", base) * 1 + none * 8
    content += struct.pack("<qB", quote * 10**9 // base, 0) + none * 7
    return _event("OrderActionRecord", content)


def _event(name: str, content: bytes) -> str:
    return "Program data: " + b64encode(sha256(f"event:{name}".encode()).digest()[:8] + content).decode()


def _without(accounts: Accounts, user: bytes, goes) -> bytes:
    for index, order in enumerate(accounts.read_rows(user, "orders")):
        if order["status"] == OPEN and goes(order):
            user = accounts.write_row(user, "orders", index, {"status": CANCELED})
    return user


def _moved(accounts: Accounts, user: bytes, market_index: int, base: int, quote: int) -> bytes:
    rows = accounts.read_rows(user, "perp_positions")
    held = [i for i, one in enumerate(rows) if one["base_asset_amount"] and one["market_index"] == market_index]
    index = held[0] if held else next(i for i, one in enumerate(rows) if not one["base_asset_amount"])
    row = {
        "market_index": market_index,
        "base_asset_amount": rows[index]["base_asset_amount"] + base,
        "quote_asset_amount": rows[index]["quote_asset_amount"] + quote,
    }
    return accounts.write_row(user, "perp_positions", index, row)
