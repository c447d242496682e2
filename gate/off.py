"""The gate when there is no model: it says so on record, and in veto mode it refuses."""

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.ports import Clock
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateExchange


class OffGate(Record, frozen=True, kw_only=True):
    """Answers without asking anyone; every answer carries backend "off".

    In mode `off` the gate is not part of the pipeline: Approved, reason "gate_off". In `shadow` and `veto` a
    model was asked for and none is there: Denied, reason "no_backend", because a missing reader never says yes.
    """

    mode: GateMode

    async def open(self, bar_clock: Clock | None) -> None:
        """Have nobody to get ready."""

    async def review(self, situation: Situation, tick_no: int) -> GateExchange:
        """Return the stub answer as an exchange without prompt or reply."""
        proposal = situation.proposal
        return GateExchange(
            request_id=f"{proposal.symbol}-{proposal.as_of_ms}-gate",
            backend="off",
            mode=self.mode.value,
            prompt="",
            raw_reply=None,
            verdict=Approved(keep_frac=1.0, reason_code=GateReason.GATE_OFF.value, backend="off")
            if self.mode is GateMode.OFF
            else Denied(reason_code=GateReason.NO_BACKEND.value, backend="off"),
        )
