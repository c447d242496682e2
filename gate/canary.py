"""The canary: a question that no model answers as agreed unless the server makes it."""

from typing import Final

from domain.gate_reason import GateReason
from domain.tick import Readiness
from gate.line import Wire
from gate.reply import fits_schema
from gate.terms import ChatTerms
from gate.transport import Arrived

SYSTEM: Final = "You are a poet. You answer in verse and in nothing else: no JSON, no braces, no lists, no figures."
USER: Final = (
    "Write a poem of four lines about the tide coming in at dusk, while the lamps along the harbour wall are lit one "
    "after the other and the last boat finds its berth."
)


def canary_body(wire: Wire) -> str:
    """Word the call: the schema, the options and the model of every question, and a poem asked for."""
    return wire.body(SYSTEM, USER)


def canary_objection(wire: Wire, arrived: Arrived) -> GateReason | None:
    """Say what is wrong with the canary's answer; None when it is JSON to the schema in spite of the poem."""
    heard = wire.heard(arrived, canary_body(wire))
    if heard.reason is not GateReason.OK:
        return heard.reason
    return None if fits_schema(heard.text) else GateReason.FORMAT_NOT_ENFORCED


def unfit(terms: ChatTerms, reason: GateReason, detail: str = "") -> Readiness:
    """Return the finding that a model cannot be asked, in one sentence."""
    told = f"{terms.model} at {terms.url} cannot be asked: {reason.label}"
    return Readiness(reason=reason, told=f"{told} ({detail})" if detail else told)
