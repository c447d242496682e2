"""Where the desk meets the world: five roles, each with more than one plug."""

from collections.abc import Sequence
from typing import Protocol

from domain.account import AccountView, Levels, VenueReport
from domain.decisions import ApprovedOrder, Proposal, Refusal
from domain.features import Features
from domain.market import Snapshot
from domain.tick import GateExchange, TickRecord


class Clock(Protocol):
    """The only source of time. Live: the machine's clock. Replay: the tape's."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        ...


class Feed(Protocol):
    """A source of closed minutes."""

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return one snapshot per symbol for the next closed minute, all with one `as_of_ms`; None at the end.

        Minutes come in strictly rising order. Raises FeedLost when the source is gone.
        """
        ...


class Venue(Protocol):
    """A place that executes. It accepts nothing but an `ApprovedOrder`."""

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        """Report what happened to our orders and positions in this symbol since last asked; None = nothing."""
        ...

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        """Take an order; None = accepted, its fate comes in a later report. Raises VenueUnreachable."""
        ...

    async def protect(self, symbol: str, levels: Levels) -> None:
        """Replace the stop and target resting for the open position of `symbol`. Raises VenueUnreachable."""
        ...

    async def account(self) -> AccountView:
        """Return cash, positions and open orders as the venue sees them. Raises VenueUnreachable."""
        ...


class Gate(Protocol):
    """The second reader, who may only say less or no."""

    async def review(self, proposal: Proposal, snapshot: Snapshot, features: Features) -> GateExchange:
        """Ask about one proposal. Every failure is a `Denied` inside the exchange, never an exception."""
        ...


class Journal(Protocol):
    """The evidence. What `commit` has returned for is on disk."""

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record, durably, before it is sent. Raises JournalUnavailable."""
        ...

    def append(self, record: TickRecord) -> None:
        """Take one tick; it is durable after the next `commit`. Raises JournalUnavailable."""
        ...

    def commit(self) -> None:
        """Make everything taken so far durable. Raises JournalUnavailable."""
        ...
