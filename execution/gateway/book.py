"""What the log says, folded: every order the gateway was asked for, and whether it is halted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from execution.gateway.codes import Code, State
from execution.gateway.policy import Usage

MINUTE_MS = 60_000
DAY_MS = 86_400_000
MOST_USER_ORDER_ID = 255
# An order in one of these states turned nothing over and never will.
WITHOUT_EFFECT = frozenset({State.REFUSED, State.ABANDONED, State.FAILED, State.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The one transaction of an order, from the moment its bytes may leave.

    Attributes
    ----------
    signature, transaction: base58 and base64. last_valid_height: the last block height at which it can land.
    slot: the slot at signing; a node without history back to it cannot prove that the transaction never landed.
    """

    signature: str
    transaction: str
    last_valid_height: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One client order id, from request to end. A cancellation is an order of its own.

    Attributes
    ----------
    id, op, terms: as asked. asked_ms: when it was accepted or refused.
    user_order_id: the program's number for it, 1..255; 0 where the operation has none.
    notional_raw: what it counts against the day's limit. is_reducing: whether it can only reduce.
    order_id: the program's own number, known once it has landed and said so. landed_slot: where it landed for good.
    """

    id: str
    op: str
    terms: Mapping[str, Any]
    asked_ms: int
    state: State
    user_order_id: int = 0
    notional_raw: int = 0
    code: Code | None = None
    reason: str | None = None
    program_code: int | None = None
    signed: Signed | None = None
    message: str | None = None
    order_id: int | None = None
    landed_slot: int | None = None

    @property
    def is_reducing(self) -> bool:
        """Whether the order can only reduce risk."""
        return self.op != "place" or self.terms["reduce_only"] is True


class Book:
    """The orders by id, in the order they came. Only `apply` changes it, with what is already durable."""

    def __init__(self, entries: Iterable[Mapping[str, Any]] = ()) -> None:
        self.orders: dict[str, Order] = {}
        self.halted = False
        self._last_user_order_id = 0
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Fold one entry of the log in."""
        match entry["fact"]:
            case "halted" | "resumed":
                self.halted = entry["fact"] == "halted"
            case "asked":
                order = _asked(entry)
                self.orders[order.id] = order
                self._last_user_order_id = order.user_order_id or self._last_user_order_id
            case "moved":
                self.orders[entry["id"]] = _moved(self.orders[entry["id"]], entry)
            case fact:
                raise ValueError(f"{fact!r} is no fact of this log")

    def see(self, id: str, state: State) -> None:
        """Note a state that is not durable because it may be rolled back: `confirmed`, or `signed` again."""
        self.orders[id] = replace(self.orders[id], state=state)

    def open_orders(self) -> list[Order]:
        """Return the orders whose fate is not final."""
        return [order for order in self.orders.values() if order.state.is_open]

    def usage(self, now_ms: int) -> Usage:
        """Return what counts against the limits. A time in the future, left by a clock set back, counts as now."""
        placed = [order for order in self.orders.values() if order.op == "place"]
        recent = [one for one in placed if one.asked_ms > now_ms - MINUTE_MS and _was_accepted(one)]
        today = [
            one for one in placed if one.asked_ms // DAY_MS >= now_ms // DAY_MS and one.state not in WITHOUT_EFFECT
        ]
        return Usage(
            n_orders=sum(not one.is_reducing for one in recent),
            n_reducing_orders=sum(one.is_reducing for one in recent),
            notional_raw=sum(one.notional_raw for one in today),
        )

    def free_user_order_id(self, taken_on_chain: Iterable[int]) -> int | None:
        """Return the next number of 1..255 that no possibly open order has, or None."""
        taken = {*taken_on_chain, *(order.user_order_id for order in self.open_orders())}
        span = range(1, MOST_USER_ORDER_ID + 1)
        turn = [(self._last_user_order_id + step - 1) % MOST_USER_ORDER_ID + 1 for step in span]
        return next((number for number in turn if number not in taken), None)

    def id_of(self, order_id: int) -> str | None:
        """Return the client order id behind the program's number of an order."""
        return next((order.id for order in self.orders.values() if order.order_id == order_id), None)

    def signed_as(self, signature: str) -> Order | None:
        """Return the order that this signature belongs to, None where it is not one of ours."""
        signed = ((order, order.signed) for order in self.orders.values())
        return next((order for order, one in signed if one is not None and one.signature == signature), None)

    @property
    def landed_slot(self) -> int:
        """The newest slot in which an order landed for good, 0 before the first."""
        return max((order.landed_slot or 0 for order in self.orders.values()), default=0)

    def latest_of(self, user_order_id: int) -> Order | None:
        """Return the order that had this number last, None where there was none."""
        holders = (order for order in reversed(self.orders.values()) if order.user_order_id == user_order_id)
        return next(holders, None)


def asked(order: Order) -> dict[str, Any]:
    """Return the log's entry for an order that was accepted, or refused before it began."""
    return {
        "fact": "asked",
        "id": order.id,
        "op": order.op,
        "terms": dict(order.terms),
        "asked_ms": order.asked_ms,
        "state": order.state.value,
        "user_order_id": order.user_order_id,
        "notional_raw": order.notional_raw,
        "code": order.code,
        "reason": order.reason,
    }


def moved(order: Order, at_ms: int) -> dict[str, Any]:
    """Return the log's entry for a new state of an order that is on record."""
    signed = order.signed
    return {
        "fact": "moved",
        "id": order.id,
        "at_ms": at_ms,
        "state": order.state.value,
        "code": order.code,
        "reason": order.reason,
        "program_code": order.program_code,
        "message": order.message,
        "order_id": order.order_id,
        "landed_slot": order.landed_slot,
        "signed": signed
        and {
            "signature": signed.signature,
            "transaction": signed.transaction,
            "last_valid_height": signed.last_valid_height,
            "slot": signed.slot,
        },
    }


def _asked(entry: Mapping[str, Any]) -> Order:
    return Order(
        id=entry["id"],
        op=entry["op"],
        terms=entry["terms"],
        asked_ms=entry["asked_ms"],
        state=State(entry["state"]),
        user_order_id=entry["user_order_id"],
        notional_raw=entry["notional_raw"],
        code=entry["code"] and Code(entry["code"]),
        reason=entry["reason"],
    )


def _moved(order: Order, entry: Mapping[str, Any]) -> Order:
    return replace(
        order,
        state=State(entry["state"]),
        code=entry["code"] and Code(entry["code"]),
        reason=entry["reason"],
        program_code=entry["program_code"],
        message=entry["message"],
        order_id=entry["order_id"],
        # Logs begun by an earlier gateway do not say it.
        landed_slot=entry.get("landed_slot"),
        signed=Signed(**entry["signed"]) if entry["signed"] else order.signed,
    )


def _was_accepted(order: Order) -> bool:
    """Tell an order that began, even if the venue then refused it, from one that a rule stopped at the door."""
    return order.state is not State.REFUSED or order.user_order_id > 0
