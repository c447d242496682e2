"""The journal that is switched off, for measuring the engine and for searches that keep only their results."""

from domain.decisions import ApprovedOrder
from domain.tick import TickRecord


class JournalOff:
    """Takes everything and keeps nothing. Never used where an order can leave for a real venue."""

    __slots__ = ()

    is_catching_up = False
    chain_hash = ""

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Let an order pass unrecorded."""

    def append(self, record: TickRecord) -> None:
        """Let a tick pass unrecorded."""

    def commit(self) -> None:
        """Have nothing to make durable."""

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        """Let an event pass unrecorded."""
