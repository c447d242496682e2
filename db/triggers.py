"""Every proposal of a run, with what the gate said of it and what became of it: what a gate is measured on."""

from domain.decisions import ExitPlan, Side
from domain.features import Features
from domain.record import Record
from domain.situation import Counterfactual
from domain.tick import GateEvidence


class Asked(Record, frozen=True, kw_only=True):
    """The gate's answer to one proposal. evidence: None where nobody was reached or the backend tells nothing."""

    backend: str
    mode: str
    reason_code: str
    is_approved: bool
    latency_ms: float | None
    evidence: GateEvidence | None


class TriggerStory(Record, frozen=True, kw_only=True):
    """One proposal as it was made and how it ended.

    asked: None when risk had refused it before. outcome: None while, or where never, resolved.
    executed_net_bps: net result of the trade that was really made of it, in bps of its notional at entry; else None.
    """

    trigger_id: str
    tick_no: int
    symbol: str
    strategy: str
    side: Side
    triggered_ms: int
    conviction_frac: float
    exit_plan: ExitPlan
    reference_price: float
    features: Features
    asked: Asked | None
    outcome: Counterfactual | None
    executed_net_bps: float | None
