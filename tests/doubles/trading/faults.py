"""What can happen to one request on its way to the exchange and back."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What a request is for."""

    PLACE = auto()
    CANCEL = auto()
    ASK = auto()


class Fault(Enum):
    """One fault, for one request."""

    LOSE_REQUEST = auto()
    LOSE_ANSWER = auto()
    TWICE = auto()
    LATE = auto()
    """It arrives when the time has moved on; whoever sent it was cut off meanwhile."""
    GARBAGE = auto()
    """It was done, and the answer cannot be read."""
    HALF_AN_ANSWER = auto()
    TOO_MANY_REQUESTS = auto()
    BANNED = auto()
    MAINTENANCE = auto()
    OUT_OF_ORDER = auto()
    """The exchange answers that it does not know what it did, and did it."""
    ECHO = auto()
    """An error that quotes the whole request, headers and all."""
    SILENCE = auto()
    """It was done, and nothing is ever answered."""
    STRANGE = auto()
    """A well-formed answer that makes no sense."""


@dataclass
class Weather:
    """Faults to come, by kind of request; each strikes once. late_ms: how much later a LATE request arrives."""

    late_ms: int = 1_000
    to_come: dict[Kind, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    def strike(self, kind: Kind, *faults: Fault) -> None:
        self.to_come[kind].extend(faults)

    def next(self, kind: Kind) -> Fault | None:
        return self.to_come[kind].popleft() if self.to_come[kind] else None

    def clear(self) -> None:
        self.to_come.clear()
