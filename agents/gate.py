"""The gate agent: puts a proposal before the second reader and makes of its answer what the mode allows."""

from agents.books import Books
from agents.hindsight import Hindsight
from domain.decisions import Approved, GateMode, Proposal
from domain.features import Features
from domain.market import Snapshot
from domain.ports import Clock, Gate
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateExchange, Readiness


class GateAgent(Record, frozen=True, kw_only=True):
    """Holds the gate and the mode. The gate can shrink or refuse; it cannot create, enlarge or flip.

    hindsight: None where nobody is asked, so that a desk without a gate pays nothing for it.
    """

    gate: Gate
    mode: GateMode
    hindsight: Hindsight | None = None

    async def open(self, bar_clock: Clock | None) -> Readiness | None:
        """Let the gate get ready; return what it found, None where nobody is asked."""
        return await self.gate.open(bar_clock)

    async def review(
        self, proposal: Proposal, snapshot: Snapshot, features: Features, books: Books, tick_no: int
    ) -> GateExchange:
        """Return what was asked and answered, for the record."""
        return await self.gate.review(self._situation(proposal, snapshot, features, books), tick_no)

    def keep_frac(self, exchange: GateExchange) -> float:
        """Return the part of the size that may go on: 0 = denied. In shadow mode the answer does not count."""
        if self.mode is GateMode.SHADOW:
            return 1.0
        return exchange.verdict.keep_frac if isinstance(exchange.verdict, Approved) else 0.0

    def _situation(self, proposal: Proposal, snapshot: Snapshot, features: Features, books: Books) -> Situation:
        kept = self.hindsight
        if kept is None:
            return Situation(proposal=proposal, snapshot=snapshot, features=features)
        return Situation(
            proposal=proposal,
            snapshot=snapshot,
            features=features,
            recent=kept.recollection.recent(snapshot.symbol),
            own=kept.recollection.own_record(books, snapshot.as_of_ms),
            resolved=kept.ledger.resolved,
        )
