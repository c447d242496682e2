"""What the program says in a transaction's log: orders placed, and fills."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from execution.gateway.encoding import event_mark, read_sequence
from execution.gateway.profiles import Profile

INVOKE = re.compile(r"Program (\w+) invoke \[(\d+)\]")
RETURN = re.compile(r"Program (\w+) (success|failed)")
DATA = "Program data: "
FILL, PERP = 2, 1
LIQUIDATION = 5
SIDE_NAMES = ("long", "short")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One fill of the account's order, raw: base in 1e-9, quote and fee in 1e-6; a rebate is a negative fee.

    order_id: the program's number of the order, which it never gives twice. fill_record_id: unique in its market.
    liquidation: whether the venue itself closed the position.
    """

    market_index: int
    fill_record_id: int
    order_id: int
    side: str
    role: str
    base_raw: int
    quote_raw: int
    fee_raw: int
    ts_s: int
    liquidation: bool = False


def events(profile: Profile, lines: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, fields) of each known event that the program itself wrote, not of what another wrote like it."""
    marks = {event_mark(name): name for name in profile.events}
    running: list[str] = []
    for line in lines:
        if found := INVOKE.match(line):
            running.append(found[1])
        elif RETURN.match(line) and running:
            running.pop()
        elif line.startswith(DATA) and running and running[-1] == profile.program:
            content = _bytes(line.removeprefix(DATA))
            name = marks.get(content[:8])
            if name is not None:
                yield name, read_sequence(profile.events[name], content[8:])


def order_id_of(profile: Profile, lines: Sequence[str], user: str, user_order_id: int) -> int | None:
    """Return the program's number of the order that this transaction placed for the account, None when it says none."""
    for name, one in events(profile, lines):
        if name == "OrderRecord" and (one["user"], one["user_order_id"]) == (user, user_order_id):
            return int(one["order_id"])
    return None


def fills_of(profile: Profile, lines: Sequence[str], user: str) -> list[Fill]:
    """Return the account's perpetual fills in one transaction, as taker or as maker."""
    records = (one for name, one in events(profile, lines) if name == "OrderActionRecord")
    fills = (one for one in records if one["action"] == FILL and one["market_type"] == PERP)
    return [_fill(one, role) for one in fills for role in ("taker", "maker") if one[role] == user]


def _fill(one: dict[str, Any], role: str) -> Fill:
    return Fill(
        market_index=one["market_index"],
        fill_record_id=one["fill_record_id"] or 0,
        order_id=one[f"{role}_order_id"] or 0,
        side=SIDE_NAMES[one[f"{role}_order_direction"] or 0],
        role=role,
        base_raw=one["base_asset_amount_filled"] or 0,
        quote_raw=one["quote_asset_amount_filled"] or 0,
        fee_raw=one[f"{role}_fee"] or 0,
        ts_s=one["ts_s"],
        liquidation=one["action_explanation"] == LIQUIDATION,
    )


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.split(" ")[0], validate=True)
    except ValueError:
        return b""
