"""Which answers of Ollama are answers: a 200 is not enough, and whatever is odd is a no."""

import json
from typing import Any, Final

from domain.gate_reason import GateReason
from gate.line import Heard, Meter
from gate.strict_json import NotJson, read_strictly
from gate.terms import ChatTerms
from gate.transport import Arrived

# No tokenizer puts more than this many bytes of figures and plain English into a token on average.
MOST_BYTES_A_TOKEN: Final = 8
MOST_COUNTED: Final = 2**62

_BY_STATUS: Final = {
    400: GateReason.BAD_REQUEST,
    401: GateReason.FORBIDDEN_HOST,
    403: GateReason.FORBIDDEN_HOST,
    404: GateReason.MODEL_NOT_FOUND,
    429: GateReason.SERVER_BUSY,
    499: GateReason.CANCELLED,
    503: GateReason.SERVER_BUSY,
}


def heard_in(arrived: Arrived, body: str, terms: ChatTerms) -> Heard:
    """Return the model's text of a sound answer to `body`, or why the answer is none."""
    found = told_object(arrived)
    if isinstance(found, GateReason):
        return Heard(reason=found)
    text = _complaint(found, body, terms) or _message_text(found.get("message"))
    if isinstance(text, GateReason):
        return Heard(reason=text, meter=_meter(found))
    return Heard(reason=GateReason.OK, text=text, meter=_meter(found))


def told_object(arrived: Arrived) -> dict[str, Any] | GateReason:
    """Return the JSON object of an answer, or why there is none."""
    if arrived.failure is not None:
        return arrived.failure
    if arrived.status != 200:
        return refused(arrived.status or 0)
    try:
        found = read_strictly(arrived.body.decode())
    except (UnicodeDecodeError, NotJson):
        return GateReason.PROTOCOL_VIOLATION
    return found if isinstance(found, dict) else GateReason.PROTOCOL_VIOLATION


def listed_object(arrived: Arrived) -> dict[str, Any] | GateReason:
    """Return the JSON object at an address that every such server has: where there is none, it is no such server."""
    found = told_object(arrived)
    return GateReason.PROTOCOL_VIOLATION if found is GateReason.MODEL_NOT_FOUND else found


def refused(status: int) -> GateReason:
    """Return what a status other than 200 says."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return GateReason.REDIRECTED
    return GateReason.SERVER_ERROR if status >= 500 else GateReason.PROTOCOL_VIOLATION


def _complaint(found: dict[str, Any], body: str, terms: ChatTerms) -> GateReason | None:
    if "error" in found:
        return GateReason.SERVER_ERROR
    # Asked first: an answer of a model in a cloud also carries a name of its own.
    if found.get("remote_host") or found.get("remote_model"):
        return GateReason.REMOTE_MODEL
    if not isinstance(found.get("model"), str) or "message" not in found:
        return GateReason.PROTOCOL_VIOLATION
    if found["model"] != terms.model:
        return GateReason.IDENTITY_CHANGED
    return _unfinished(found) or truncated(found.get("prompt_eval_count"), body, terms)


def _unfinished(found: dict[str, Any]) -> GateReason | None:
    if found.get("done") is not True:
        return GateReason.OLLAMA_INCOMPLETE if found.get("done") is False else GateReason.PROTOCOL_VIOLATION
    if found.get("done_reason") == "length":
        return GateReason.OLLAMA_DONE_LENGTH
    return None if found.get("done_reason") == "stop" else GateReason.PROTOCOL_VIOLATION


def truncated(n_tokens: Any, body: str, terms: ChatTerms) -> GateReason | None:
    """Refuse a count that the whole prompt cannot have had: Ollama drops its front without a word."""
    if type(n_tokens) is not int:
        return GateReason.PROTOCOL_VIOLATION
    is_whole = _n_bytes_told(body) <= n_tokens * MOST_BYTES_A_TOKEN and n_tokens <= terms.most_prompt_tokens
    return None if is_whole else GateReason.PROMPT_TRUNCATED


def _n_bytes_told(body: str) -> int:
    return sum(len(message["content"].encode()) for message in json.loads(body)["messages"])


def _message_text(message: Any) -> str | GateReason:
    if not isinstance(message, dict):
        return GateReason.PROTOCOL_VIOLATION
    if message.get("tool_calls"):
        return GateReason.REPLY_TOOL_CALL
    content = message.get("content")
    if content is None:
        return GateReason.REPLY_EMPTY
    return content if isinstance(content, str) else GateReason.PROTOCOL_VIOLATION


def _meter(found: dict[str, Any]) -> Meter:
    """Return what the answer cost. Ollama leaves out what is zero, and measures in nanoseconds."""
    return Meter(
        n_prompt_tokens=counted(found.get("prompt_eval_count")),
        n_reply_tokens=counted(found.get("eval_count")),
        load_ms=_ms(found.get("load_duration")),
        prompt_ms=_ms(found.get("prompt_eval_duration")),
        reply_ms=_ms(found.get("eval_duration")),
    )


def counted(value: Any) -> int | None:
    """Return a count as told, None where it is none that a journal could hold."""
    return value if type(value) is int and 0 <= value <= MOST_COUNTED else None


def _ms(nanoseconds: Any) -> float | None:
    whole = counted(nanoseconds)
    return None if whole is None else whole / 1_000_000
