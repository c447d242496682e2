"""The line to a model server, and how its calls are worded: the two plugs of a reader that asks over a network."""

from typing import Protocol

from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import Readiness
from gate.transport import Arrived


class Line(Protocol):
    """Where questions go out and answers come in. Nothing else of a reader touches the network.

    A network line speaks to a server; a cassette stands before another line, or in its place.
    """

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Make one chat call and whatever check of the model's identity belongs to it, all within the deadline.

        Every failure is told inside what arrived, never raised.
        """
        ...

    async def prepare(self) -> Readiness:
        """Find out whether the model can be asked, loading it where it is not loaded. Never raises."""
        ...


class Meter(Record, frozen=True, kw_only=True):
    """What an answer cost by the server's own count and clock; None where it does not tell."""

    n_prompt_tokens: int | None = None
    n_reply_tokens: int | None = None
    load_ms: float | None = None
    prompt_ms: float | None = None
    reply_ms: float | None = None


class Heard(Record, frozen=True, kw_only=True):
    """An answer before anybody reads the model's text. reason: OK when it is sound, and only then is there a text."""

    reason: GateReason
    text: str = ""
    meter: Meter = Meter()


class Wire(Protocol):
    """How one protocol words a call and tells an answer from what is none. It knows no network and keeps no state."""

    @property
    def backend(self) -> str:
        """The name under which its answers are recorded."""
        ...

    def body(self, system: str, user: str) -> str:
        """Word a call as canonical JSON: the same question is the same bytes."""
        ...

    def heard(self, arrived: Arrived, body: str) -> Heard:
        """Return what the answer to `body` says, or why it is none."""
        ...
