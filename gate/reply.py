"""The reply that was agreed on, and the only way to get one: every key, no other, each exactly as asked."""

from typing import Any, Final

from domain.gate_reason import GateReason
from domain.record import Record
from gate.strict_json import DuplicateKey, NonFinite, NotJson, read_strictly

MOST_ANALYSIS_CHARACTERS: Final = 240
APPROVE: Final = "APPROVE"
DENY: Final = "DENY"

# The names sort as they should be generated: the reasons first, the figure next, the verdict last.
SCHEMA: Final = {
    "additionalProperties": False,
    "properties": {
        "analysis": {"maxLength": MOST_ANALYSIS_CHARACTERS, "minLength": 1, "type": "string"},
        "p_win_pct": {"maximum": 100, "minimum": 0, "type": "integer"},
        "verdict": {"enum": [APPROVE, DENY], "type": "string"},
    },
    "required": ["analysis", "p_win_pct", "verdict"],
    "type": "object",
}
KEYS: Final = {"analysis", "p_win_pct", "verdict"}


class Reply(Record, frozen=True, kw_only=True):
    """A valid reply. p_win_frac: the model's chance that the trade's net result is above zero."""

    analysis: str
    p_win_frac: float
    is_approval: bool


def read_reply(text: str) -> Reply | GateReason:
    """Return the reply in a model's text, or why it is none. Nothing is stripped, mended or assumed."""
    if not text.strip():
        return GateReason.REPLY_EMPTY
    try:
        found = read_strictly(text)
    except DuplicateKey:
        return GateReason.REPLY_DUPLICATE_KEY
    except NonFinite:
        return GateReason.REPLY_NONFINITE
    except NotJson:
        return GateReason.REPLY_NOT_JSON
    # `isprintable` refuses control characters, half surrogates and text that turns around: JSON allows them, we do not.
    if not _is_agreed(found) or not found["analysis"].isprintable():
        return GateReason.REPLY_SCHEMA
    chance, verdict = found["p_win_pct"], found["verdict"]
    return Reply(analysis=found["analysis"], p_win_frac=chance / 100, is_approval=verdict == APPROVE)


def fits_schema(text: str) -> bool:
    """Say whether a text is what a server that enforces the schema can have produced, and nothing stricter."""
    try:
        return _is_agreed(read_strictly(text))
    except NotJson:
        return False


def _is_agreed(found: Any) -> bool:
    if not isinstance(found, dict) or found.keys() != KEYS:
        return False
    analysis, chance, verdict = found["analysis"], found["p_win_pct"], found["verdict"]
    # `True` is an int to Python.
    if type(chance) is not int or not 0 <= chance <= 100 or verdict not in (APPROVE, DENY):
        return False
    return isinstance(analysis, str) and 1 <= len(analysis) <= MOST_ANALYSIS_CHARACTERS


def ruling_on(reply: Reply, min_p_win_frac: float, break_even_frac: float) -> GateReason:
    """Return OK when the verdict is an approval and its own figure carries it, else why not.

    A verdict that the figure contradicts is refused either way: a no to a trade that the model itself counts as
    good, and a yes to one that would not pay for its costs.
    """
    pays = reply.p_win_frac >= break_even_frac
    is_enough = pays and reply.p_win_frac >= min_p_win_frac
    if not reply.is_approval:
        return GateReason.INCONSISTENT if is_enough else GateReason.LLM_DENY
    if not pays:
        return GateReason.INCONSISTENT
    return GateReason.OK if is_enough else GateReason.BELOW_THRESHOLD
