"""What a venue in the world must be able to do for us, in its own plainest words: two plugs, the gateway and ccxt.

A broker moves messages and translates them; it decides nothing, retries no order and keeps no books. Everything that
must be right about orders (never doubled, never lost, always protected) stands above it, in venue.py.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from domain.decisions import Side
from domain.instrument import Instrument
from domain.record import Record


class OrderKind(StrEnum):
    """IOC: take what is there up to a worst price, drop the rest. STOP, TARGET: rest until a price is reached.

    A STOP and a TARGET are reduce-only and become market orders at their trigger.
    """

    IOC = "ioc"
    STOP = "stop"
    TARGET = "target"


class BrokerOrder(Record, frozen=True, kw_only=True):
    """One order for the venue. wire_id: 32 hex digits (wire.py), used once for ever.

    price_ticks: an IOC's worst price, a STOP's or TARGET's trigger. valid_until_ms: not to be sent after that instant.
    """

    wire_id: str
    symbol: str
    kind: OrderKind
    side: Side
    size_lots: int
    reduce_only: bool
    price_ticks: int
    valid_until_ms: int


class Stage(StrEnum):
    """How far an order is. ABSENT: the venue does not know it, and by now never will. WORKING: it may still fill.

    OVER: whatever it was to fill has been filled; it was refused, filled, cancelled or has run out. Where filled_lots
    is None, all of its executions can be had a few seconds later.
    """

    ABSENT = "absent"
    WORKING = "working"
    OVER = "over"


class OrderState(Record, frozen=True, kw_only=True):
    """An order as the venue sees it. filled_lots: None where only its executions tell.

    why: the venue's words for an order that is over without having filled whole; "" where there is nothing to say.
    """

    wire_id: str
    stage: Stage
    filled_lots: int | None
    why: str = ""


class Execution(Record, frozen=True, kw_only=True):
    """One execution on the account. execution_id: the venue's own, unique. wire_id: None = not an order of a desk.

    quote_microusd: size times price, > 0, exact. fee_microusd: positive = we paid.
    """

    execution_id: str
    wire_id: str | None
    symbol: str
    side: Side
    size_lots: int
    quote_microusd: int
    fee_microusd: int
    executed_ms: int
    is_liquidation: bool = False


class FundingPaid(Record, frozen=True, kw_only=True):
    """One funding settlement on the account. amount_microusd: positive = we received."""

    symbol: str
    amount_microusd: int
    settled_ms: int


class Resting(Record, frozen=True, kw_only=True):
    """An order that rests at the venue. wire_id: None = not an order of a desk."""

    wire_id: str | None
    symbol: str
    side: Side
    size_lots: int


class Standing(Record, frozen=True, kw_only=True):
    """The account now. positions: (symbol, signed lots), sorted, no zeros; every symbol of the account, ours or not.

    resting: every order that may still fill, an IOC that takes its time too. cash_microusd: what is settled, without
    unrealised profit; None where the venue does not tell it.
    """

    positions: tuple[tuple[str, int], ...]
    resting: tuple[Resting, ...]
    cash_microusd: int | None


class Broker(Protocol):
    """A venue in the world. Every method but `take_notes` may raise VenueUnreachable.

    An answer that cannot be understood is VenueUnreachable too: it proves nothing. Symbols are the desk's.
    """

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Connect, and return each symbol's grid and margin figures there.

        Raises BadInput with one sentence for what the user must mend (key, market, permission).
        """
        ...

    async def close(self) -> None:
        """Let go of everything. Never raises."""
        ...

    async def place(self, order: BrokerOrder) -> OrderState:
        """Send one order, once. Raises VenueUnreachable: its fate is unknown. A refusal is OVER with its reason."""
        ...

    async def cancel(self, wire_id: str, symbol: str) -> None:
        """Ask for the end of a resting order. One that is over or unknown already is no error."""
        ...

    async def state_of(self, wire_id: str, symbol: str) -> OrderState:
        """Return how far an order is. ABSENT only when it is certain.

        An order that is not seen and may still arrive is VenueUnreachable, never WORKING: its fate is unknown.
        """
        ...

    async def executions(self, since_ms: int) -> Sequence[Execution]:
        """Return every execution on the account since an instant, oldest first; more than asked is welcome.

        Raises BooksDisagree when some of them can no longer be had.
        """
        ...

    async def funding(self, since_ms: int) -> Sequence[FundingPaid] | None:
        """Return every funding settlement since an instant, oldest first; None where the venue does not tell them."""
        ...

    async def standing(self) -> Standing:
        """Return the account as it is now."""
        ...

    async def changed(self) -> None:
        """Return when something may have happened to the account; wait for ever where the venue cannot say."""
        ...

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened to the connection since last asked, as (kind, sentence); `broker_back` after a loss."""
        ...
