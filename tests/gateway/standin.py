"""A program that answers what the State account tells it to, in place of Drift's own, whose binary is not ours to ship.

It is real: an sBPF ELF, run by the real runtime, two instructions long. It returns the number that stands in the State
account's last eight bytes (padding in Drift's layout): 0 is success, anything else the program's error. What a
successful order does to the trading account is done by `apply_order`, which reads the instruction as the program would
and writes the same fields.
"""

import struct
from base64 import b64encode
from hashlib import sha256

from solders.pubkey import Pubkey

from tests.gateway.layouts import put, read_rows, write_row

STATE_BYTES = 992
ANSWER_AT = STATE_BYTES - 8
# In the serialized input the first account's data begins here: count, flags and padding, key, owner, lamports, length.
FIRST_DATA_AT = 8 + 8 + 32 + 32 + 8 + 8
LOAD, EXIT = 0x79, 0x95


def program_elf() -> bytes:
    """Return the ELF: `r0 = *(u64 *)(r1 + offset)`, `exit`."""
    text = struct.pack("<BBhi", LOAD, 0x10, FIRST_DATA_AT + ANSWER_AT, 0) + struct.pack("<BBhi", EXIT, 0, 0, 0)
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


def apply_order(user: bytes, data: bytes, marks: dict[bytes, str], slot: int) -> bytes:
    """Return the trading account after an instruction; raise `KeyError` for one that the stand-in does not know."""
    name, body = marks[data[:8]], data[8:]
    if name == "cancel_order_by_user_id":
        return _without(user, lambda order: order["user_order_id"] == body[0])
    if name == "cancel_orders":
        index = struct.unpack_from("<H", body, 3)[0] if body[0] else None
        return _without(user, lambda order: index is None or order["market_index"] == index)
    fields = params(body)
    if name == "place_and_take_perp_order":
        return _filled(user, fields)
    return _resting(user, fields, slot)


def params(body: bytes) -> dict[str, int]:
    """Return the fixed fields of an order's parameters."""
    kind, _, direction, number, base, price, market, reduce_only = struct.unpack_from("<BBBBQQHB", body)
    return {
        "order_type": kind,
        "direction": direction,
        "user_order_id": number,
        "base_asset_amount": base,
        "price": price,
        "market_index": market,
        "reduce_only": reduce_only,
    }


def words(data: bytes, name: str, user: bytes, address: str, slot: int) -> list[str]:
    """Return what the program would log of an order, given the account before it."""
    if not name.startswith("place"):
        return []
    fields, number = params(data[8:]), struct.unpack_from("<I", user, 4336)[0]
    order = write_row(
        bytes(4376), "orders", 0, {**fields, "order_id": number, "status": 1, "market_type": 1, "slot": slot}
    )
    placed = struct.pack("<q", 1_790_000_000) + bytes(Pubkey.from_string(address)) + order[1192 : 1192 + 96]
    return [_event("OrderRecord", placed), *([_filled_event(fields, number, address)] if "take" in name else [])]


def _filled_event(fields: dict[str, int], number: int, address: str) -> str:
    base, quote = fields["base_asset_amount"], fields["base_asset_amount"] * fields["price"] // 10**9
    some, none = b"\1", b"\0"
    content = struct.pack("<qBBHB", 1_790_000_000, 2, 3, fields["market_index"], 1) + none * 2
    content += some + struct.pack("<Q", 77) + some + struct.pack("<Q", base) + some + struct.pack("<Q", quote)
    content += some + struct.pack("<Q", quote // 1000) + some + struct.pack("<q", -(quote // 10_000)) + none * 3
    content += some + bytes(Pubkey.from_string(address)) + some + struct.pack("<I", number)
    content += some + bytes([fields["direction"]]) + some + struct.pack("<Q", base) * 1 + none * 8
    content += struct.pack("<qB", fields["price"], 0) + none * 7
    return _event("OrderActionRecord", content)


def _event(name: str, content: bytes) -> str:
    return "Program data: " + b64encode(sha256(f"event:{name}".encode()).digest()[:8] + content).decode()


def _without(user: bytes, goes) -> bytes:
    for index, order in enumerate(read_rows(user, "orders")):
        if order["status"] == 1 and goes(order):
            user = write_row(user, "orders", index, {"status": 3})
    return user


def _resting(user: bytes, fields: dict[str, int], slot: int) -> bytes:
    rows = read_rows(user, "orders")
    index = next(index for index, order in enumerate(rows) if order["status"] != 1)
    number = struct.unpack_from("<I", user, 4336)[0]
    user = put("User", user, "next_order_id", number + 1)
    return write_row(user, "orders", index, {**fields, "order_id": number, "status": 1, "market_type": 1, "slot": slot})


def _filled(user: bytes, fields: dict[str, int]) -> bytes:
    rows = read_rows(user, "perp_positions")
    found = [
        index
        for index, one in enumerate(rows)
        if one["base_asset_amount"] and one["market_index"] == fields["market_index"]
    ]
    index = found[0] if found else next(i for i, one in enumerate(rows) if not one["base_asset_amount"])
    signed = fields["base_asset_amount"] * (1 if fields["direction"] == 0 else -1)
    quote = -signed * fields["price"] // 10**9
    row = {
        "market_index": fields["market_index"],
        "base_asset_amount": rows[index]["base_asset_amount"] + signed,
        "quote_asset_amount": rows[index]["quote_asset_amount"] + quote,
    }
    number = struct.unpack_from("<I", user, 4336)[0]
    return write_row(put("User", user, "next_order_id", number + 1), "perp_positions", index, row)
