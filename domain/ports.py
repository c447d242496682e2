"""Where the desk meets the world: seven roles, each with more than one plug."""

from collections.abc import Sequence
from typing import Protocol

from domain.account import AccountView, Levels, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.market import Snapshot
from domain.situation import Situation
from domain.tick import GateAnswer, GateExchange, GateQuestion, Readiness, TickRecord


class Clock(Protocol):
    """The only source of time. Live: the machine's clock. Replay: the tape's."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        ...


class Timer(Clock, Protocol):
    """A clock that one can also wait for: the machine's, or in a test the exchange's own."""

    async def wait_until_ms(self, at_ms: int) -> None:
        """Return when the clock shows `at_ms` or more."""
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

    async def open(self, bar_clock: Clock | None) -> Readiness | None:
        """Get ready before the first question, and say whether it is; None where nobody is ever asked.

        bar_clock: the clock that the run's bars close by; None where they are a tape's. A run that is only lived
        through again is never opened.
        """
        ...

    async def review(self, situation: Situation, tick_no: int) -> GateExchange:
        """Ask about one proposal. Every failure is a `Denied` inside the exchange.

        Raises CassetteMiss alone, in a run that must not go on without its recorded answers.
        """
        ...


class Reader(Protocol):
    """A model behind the gate: it words the question and answers it, and keeps no record itself."""

    def question(self, situation: Situation) -> GateQuestion:
        """Word the question: a pure function of what the desk knows, the same again when the run is relived."""
        ...

    async def ask(self, question: GateQuestion) -> GateAnswer:
        """Ask once. Every failure is a `Denied` inside the answer, never an exception."""
        ...

    async def prepare(self) -> Readiness:
        """Get ready to be asked, and say whether it is. Never raises; one that needs nothing is ready at once."""
        ...


class Journal(Protocol):
    """The evidence. What `commit` has returned for is on disk."""

    @property
    def is_catching_up(self) -> bool:
        """Say whether rows are still being compared with what an earlier process recorded."""
        ...

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record, durably, before it is sent. Raises JournalUnavailable."""
        ...

    def record_request(
        self, tick_no: int, request_id: str, backend: str, mode: str, prompt: str, *, is_sent: bool = True
    ) -> None:
        """Put a question to the gate on record, durably, before it is asked. Raises JournalUnavailable.

        is_sent: False where nobody outside hears it; then it is durable with the next commit.
        """
        ...

    def record_answer(self, request_id: str, answer: GateAnswer, wall_ms: int) -> None:
        """Take what a question brought; it is durable no later than the next order.

        Raises JournalUnavailable for an approval that could not be kept as evidence: nothing may rest on it.
        """
        ...

    def recorded_answer(self, request_id: str) -> GateAnswer | None:
        """Return what this question brought when the run was first lived; None where it is new.

        A question that is on record without an answer was denied.
        """
        ...

    def append(self, record: TickRecord) -> None:
        """Take one tick; it is durable after the next `commit`. Raises JournalUnavailable."""
        ...

    def commit(self) -> None:
        """Make everything taken so far durable. Raises JournalUnavailable."""
        ...
