"""What the broker needs said in an exchange's own words: two plugs, Bybit and Hyperliquid."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.instrument import Instrument
from execution.exchange.line import Line
from execution.exchange.terms import CcxtTerms
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderState, Standing


class Dialect(Protocol):
    """One exchange's words. Every method may raise VenueUnreachable, or what reading a strange answer raises."""

    def __init__(self, line: Line, terms: CcxtTerms) -> None:
        """Take the line; nothing is sent yet."""
        ...

    async def time_ms(self) -> int:
        """Return the exchange's time. Needs no key."""
        ...

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Check key, account and markets. Raises BadInput."""
        ...

    async def send(self, order: BrokerOrder) -> OrderState | None:
        """Send an order, once; None where the exchange says that it knows this id already."""
        ...

    async def cancel(self, wire_id: str, symbol: str) -> None:
        """Ask for the end of an order; one that is over or unknown is no error."""
        ...

    async def find(self, wire_id: str, symbol: str) -> OrderState | None:
        """Look for an order everywhere it could be; None where it is nowhere."""
        ...

    async def executions(self, since_ms: int) -> list[Execution]:
        """Return every execution since an instant, oldest first, each once. Raises BooksDisagree."""
        ...

    async def funding(self, since_ms: int) -> list[FundingPaid]:
        """Return every funding settlement since an instant, oldest first."""
        ...

    async def standing(self) -> Standing:
        """Return positions, resting orders and cash."""
        ...

    async def listen(self) -> None:
        """Connect the account's stream and return when it is subscribed. Raises ccxt's errors."""
        ...

    @property
    def stream_url(self) -> str:
        """Where the account's stream is."""
        ...
