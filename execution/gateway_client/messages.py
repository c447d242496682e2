"""What the desk says to the order gateway and hears from it: records of its own, bounded as the gateway's schema is.

Nothing here is shared with the gateway's code; tests hold both against execution/gateway/schema.json. Figures are the
program's integers: size in 1e-9 base (`base_raw`), price, quote and fee in 1e-6 (`price_raw`, `quote_raw`, `fee_raw`).
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from domain.record import Record

VERSION: Final = 1
MOST_REQUEST_BYTES: Final = 4_096
MOST_EXACT: Final = 2**53 - 1
MOST_TRANSACTIONS: Final = 100

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
Symbol = Annotated[str, Meta(pattern=r"^[A-Z0-9-]{1,24}\Z")]
Signature = Annotated[str, Meta(pattern=r"^[1-9A-HJ-NP-Za-km-z]{64,88}\Z")]
Count = Annotated[int, Meta(ge=0, le=MOST_EXACT)]
Amount = Annotated[int, Meta(ge=1, le=MOST_EXACT)]


class Kind(StrEnum):
    """The kinds of orders that the desk places, of those the gateway takes."""

    IOC = "ioc"
    TRIGGER_MARKET = "trigger_market"


class Direction(StrEnum):
    """The side of an order."""

    LONG = "long"
    SHORT = "short"


class When(StrEnum):
    """On which side of its trigger an order goes off."""

    ABOVE = "above"
    BELOW = "below"


class State(StrEnum):
    """Where an order stands at the gateway; docs/gateway.md says what each means."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    SIMULATED = "simulated"
    SIGNED = "signed"
    CONFIRMED = "confirmed"
    LANDED = "landed"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether the order may still land."""
        return self in {State.ACCEPTED, State.SIGNED, State.CONFIRMED}


class Request(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the requests; a field that is None is left out."""

    op: ClassVar[str]


class Hello(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask who is there."""

    op: ClassVar[str] = "hello"


class Health(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask how the gateway is."""

    op: ClassVar[str] = "health"


class Markets(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask for the steps of every market of the policy."""

    op: ClassVar[str] = "markets"


class Orders(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask for one order by id; without one, for the account. final: as no fork can change it any more."""

    op: ClassVar[str] = "orders"
    id: Id | None = None
    final: bool | None = None


class Fills(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask for a page of fills after a slot, from the newest transaction or from the one before `before` backwards."""

    op: ClassVar[str] = "fills"
    after_slot: Count
    final: bool | None = None
    before: Signature | None = None
    most: Annotated[int, Meta(ge=1, le=MOST_TRANSACTIONS)] | None = None


class Place(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask for an order."""

    op: ClassVar[str] = "place"
    id: Id
    valid_until_ms: Count
    symbol: Symbol
    kind: Kind
    side: Direction
    base_raw: Amount
    reduce_only: bool
    price_raw: Amount | None = None
    trigger_price_raw: Amount | None = None
    trigger_when: When | None = None


class Cancel(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask for the end of a resting order, the target."""

    op: ClassVar[str] = "cancel"
    id: Id
    valid_until_ms: Count
    target: Id


class Void(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Ask that an id of which no order is on record never becomes one."""

    op: ClassVar[str] = "void"
    id: Id


class Answered(Record, frozen=True, kw_only=True):
    """The head of every reply. tag: the request's; None where the gateway could not read it. code: why not `ok`."""

    v: int
    tag: int | None
    ok: bool
    code: str = ""
    reason: str = ""


class Greeting(Record, frozen=True, kw_only=True):
    """Who is there. policy: SHA-256 of the policy's file. program, user: addresses of the program and the account."""

    version: int
    mode: str
    profile: str
    program: str
    user: str
    policy: str
    symbols: tuple[str, ...]


class Proof(Record, frozen=True, kw_only=True):
    """One part of the gateway's proof that the venue is alive."""

    part: str
    holds: bool
    found: str


class Wellbeing(Record, frozen=True, kw_only=True):
    """How the gateway is. resolved: whether every order signed before its start has a known fate."""

    mode: str
    slot: int
    halted: dict[str, bool]
    resolved: bool
    n_open: int
    preflight: tuple[Proof, ...]


class MarketSteps(Record, frozen=True, kw_only=True):
    """One market's steps, on chain."""

    symbol: str
    base_step_raw: int
    price_step_raw: int
    least_base_raw: int


class MarketsTold(Record, frozen=True, kw_only=True):
    """The markets of the policy."""

    markets: tuple[MarketSteps, ...]


class OrderOnRecord(Record, frozen=True, kw_only=True):
    """An order on the gateway's record. landed_slot: where it landed for good; None before."""

    id: str
    op: str
    state: State
    landed_slot: int | None = None


class OrderTold(Record, frozen=True, kw_only=True):
    """The answer about one order. order: None where the request left no trace; code, reason: why it was not done."""

    order: OrderOnRecord | None = None
    code: str = ""
    reason: str = ""


class RestingOnChain(Record, frozen=True, kw_only=True):
    """An order that rests on chain. id, symbol: None where it is not the gateway's, or outside its policy."""

    id: str | None
    symbol: str | None
    market_index: int
    direction: int
    base_asset_amount: int
    base_asset_amount_filled: int


class HeldOnChain(Record, frozen=True, kw_only=True):
    """A position on chain; base_asset_amount is signed."""

    symbol: str | None
    market_index: int
    base_asset_amount: int


class AccountTold(Record, frozen=True, kw_only=True):
    """The account in one look, and the orders that have no end yet."""

    slot: int
    resting: tuple[RestingOnChain, ...]
    positions: tuple[HeldOnChain, ...]
    unfinished: tuple[OrderOnRecord, ...]


class FillOnChain(Record, frozen=True, kw_only=True):
    """One fill. id: None for an order that is not the gateway's. fee_raw: negative = a rebate."""

    slot: int
    signature: str
    id: str | None
    symbol: str | None
    market_index: int
    fill_record_id: int
    side: Direction
    base_raw: int
    quote_raw: int
    fee_raw: int
    ts_s: int
    liquidation: bool


class FillsTold(Record, frozen=True, kw_only=True):
    """One page of fills, oldest first.

    more: older transactions have to be asked for, before `oldest`. cut: a log came without its end. final_slot: all is
    told up to there. history_ts_s: when the node's history begins, where that is after the slot asked for.
    """

    more: bool
    cut: bool
    final_slot: int
    oldest: str | None
    oldest_ts_s: int | None
    history_ts_s: int | None
    fills: tuple[FillOnChain, ...]


_ENCODER: Final = msgspec.json.Encoder()


def request_line(request: Request, tag: int) -> bytes:
    """Return a request as the line that goes out. Raises ValueError for one that is outside the gateway's bounds."""
    fields = msgspec.to_builtins(request)
    msgspec.convert(fields, type(request))
    line = _ENCODER.encode({"v": VERSION, "op": request.op, "tag": tag, **fields}) + b"\n"
    if len(line) > MOST_REQUEST_BYTES:
        raise ValueError(f"a request of {len(line)} bytes is longer than {MOST_REQUEST_BYTES}")
    return line
