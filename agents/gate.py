"""The gate agent: asks the second reader and makes of its answer what the mode allows."""

from domain.decisions import Approved, GateMode, Proposal
from domain.features import Features
from domain.market import Snapshot
from domain.ports import Gate
from domain.record import Record
from domain.tick import GateExchange


class GateAgent(Record, frozen=True, kw_only=True):
    """Holds the gate and the mode. The gate can shrink or refuse; it cannot create, enlarge or flip."""

    gate: Gate
    mode: GateMode

    async def review(self, proposal: Proposal, snapshot: Snapshot, features: Features, tick_no: int) -> GateExchange:
        """Return what was asked and answered, for the record."""
        return await self.gate.review(proposal, snapshot, features, tick_no)

    def keep_frac(self, exchange: GateExchange) -> float:
        """Return the part of the size that may go on: 0 = denied. In shadow mode the answer does not count."""
        if self.mode is GateMode.SHADOW:
            return 1.0
        return exchange.verdict.keep_frac if isinstance(exchange.verdict, Approved) else 0.0
