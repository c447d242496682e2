"""Leaves a server alone for a while once it has failed several times in a row."""

from dataclasses import dataclass
from typing import Final

from domain.gate_reason import GateReason
from domain.market import MINUTE_MS

MOST_FAILURES: Final = 3

# A reply that the model got wrong shows a server at work: only these speak against the server.
INFRASTRUCTURE: Final = frozenset(
    {
        GateReason.DEADLINE,
        GateReason.UNREACHABLE,
        GateReason.CONNECTION_LOST,
        GateReason.SERVER_BUSY,
        GateReason.SERVER_ERROR,
        GateReason.MODEL_NOT_FOUND,
        GateReason.FORBIDDEN_HOST,
        GateReason.REDIRECTED,
        GateReason.CANCELLED,
    }
)


@dataclass(slots=True)
class Breaker:
    """open_bars: how many bars it stays open.

    After them the server is looked at and one question is let through; one failure reopens it.
    Time is the tick's own. A new process begins with a closed breaker: the server may have been mended.
    """

    open_bars: int
    n_failures: int = 0
    asks_again_ms: int = 0

    def is_open(self, as_of_ms: int) -> bool:
        """Say whether the server is left alone at the close of this bar."""
        return as_of_ms < self.asks_again_ms

    @property
    def has_tripped(self) -> bool:
        """Say whether the server has failed too often; once its bars are over, it is half open."""
        return self.n_failures >= MOST_FAILURES

    def leave_alone(self, as_of_ms: int) -> None:
        """Open it for what was found to be unfit before it was asked."""
        self.n_failures = MOST_FAILURES
        self.asks_again_ms = as_of_ms + (self.open_bars + 1) * MINUTE_MS

    def hear(self, reason: GateReason, as_of_ms: int) -> None:
        """Count one answer."""
        if reason not in INFRASTRUCTURE:
            self.n_failures = 0
            return
        self.n_failures += 1
        if self.has_tripped:
            self.leave_alone(as_of_ms)
