"""The journal that is switched off, for measuring the engine and for searches that keep only their results."""

from domain.decisions import ApprovedOrder
from domain.errors import JournalUnavailable
from domain.tick import GateAnswer, TickRecord


class JournalOff:
    """Takes everything and keeps nothing. Never used where an order can leave for a real venue."""

    __slots__ = ()

    is_catching_up = False
    chain_hash = ""

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Let an order pass unrecorded."""

    def record_request(
        self, tick_no: int, request_id: str, backend: str, mode: str, prompt: str, *, is_sent: bool = True
    ) -> None:
        """Refuse: a question that leaves no trace is not asked. Raises JournalUnavailable."""
        raise JournalUnavailable("the journal is switched off: no question to the gate can be put on record")

    def record_answer(self, request_id: str, answer: GateAnswer, wall_ms: int) -> None:
        """Let an answer pass unrecorded; none comes, because no question is asked."""

    def recorded_answer(self, request_id: str) -> GateAnswer | None:
        """Know nothing of earlier answers."""
        return None

    def append(self, record: TickRecord) -> None:
        """Let a tick pass unrecorded."""

    def commit(self) -> None:
        """Have nothing to make durable."""

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        """Let an event pass unrecorded."""
