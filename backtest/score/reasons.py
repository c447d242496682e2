"""Three kinds of answer: a yes, a no that somebody meant, and a no because something failed."""

from enum import StrEnum
from typing import Final

from domain.gate_reason import GateReason


class ReasonClass(StrEnum):
    """What stands behind an answer. FAILED: nothing was judged, the gate closed by itself."""

    APPROVED = "approved"
    JUDGED = "judged"
    FAILED = "failed"


_JUDGED: Final = frozenset({"llm_deny", "below_threshold", "inconsistent", "no_quorum"})
NOBODY_ASKED: Final = frozenset({GateReason.GATE_OFF.value, GateReason.NO_BACKEND.value})


def class_of(reason_code: str, *, is_approved: bool) -> ReasonClass:
    """Return the kind of one answer; a reason that is none of the known judgements is a failure."""
    if is_approved:
        return ReasonClass.APPROVED
    return ReasonClass.JUDGED if reason_code in _JUDGED else ReasonClass.FAILED


def label_of(reason_code: str) -> str:
    """Return a reason in words; one that this version does not know is told by its code."""
    return GateReason(reason_code).label if reason_code in set(GateReason) else reason_code
