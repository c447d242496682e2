"""Which answers of Ollama are answers: a 200 is not enough, and whatever is odd is a no."""

from typing import Any, Final

from domain.gate_reason import GateReason
from domain.record import Record
from gate.strict_json import NotJson, read_strictly
from gate.transport import Arrived

# No tokenizer puts more than this many bytes of figures and plain English into a token on average.
MOST_BYTES_A_TOKEN: Final = 8

_BY_STATUS: Final = {
    400: GateReason.BAD_REQUEST,
    403: GateReason.FORBIDDEN_HOST,
    404: GateReason.MODEL_NOT_FOUND,
    499: GateReason.CANCELLED,
    503: GateReason.SERVER_BUSY,
}


class Expected(Record, frozen=True, kw_only=True):
    """What an answer must fit. n_bytes: of the messages sent. most_tokens: what the window leaves for them."""

    model: str
    n_bytes: int
    most_tokens: int


def content_of(arrived: Arrived, expected: Expected) -> str | GateReason:
    """Return the model's text of a sound answer, or why the answer is none."""
    if arrived.failure is not None:
        return arrived.failure
    if arrived.status != 200:
        return _refused(arrived.status or 0)
    try:
        found = read_strictly(arrived.body.decode())
    except (UnicodeDecodeError, NotJson):
        return GateReason.PROTOCOL_VIOLATION
    if not isinstance(found, dict):
        return GateReason.PROTOCOL_VIOLATION
    return _complaint(found, expected) or _message_text(found.get("message"))


def _refused(status: int) -> GateReason:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return GateReason.REDIRECTED
    return GateReason.SERVER_ERROR if status >= 500 else GateReason.PROTOCOL_VIOLATION


def _complaint(found: dict[str, Any], expected: Expected) -> GateReason | None:
    if "error" in found:
        return GateReason.SERVER_ERROR
    # Asked first: an answer of a model in a cloud also carries a name of its own.
    if found.get("remote_host") or found.get("remote_model"):
        return GateReason.REMOTE_MODEL
    if not isinstance(found.get("model"), str) or "message" not in found:
        return GateReason.PROTOCOL_VIOLATION
    if found["model"] != expected.model:
        return GateReason.IDENTITY_CHANGED
    return _unfinished(found) or _truncated(found.get("prompt_eval_count"), expected)


def _unfinished(found: dict[str, Any]) -> GateReason | None:
    if found.get("done") is not True:
        return GateReason.OLLAMA_INCOMPLETE if found.get("done") is False else GateReason.PROTOCOL_VIOLATION
    if found.get("done_reason") == "length":
        return GateReason.OLLAMA_DONE_LENGTH
    return None if found.get("done_reason") == "stop" else GateReason.PROTOCOL_VIOLATION


def _truncated(n_tokens: Any, expected: Expected) -> GateReason | None:
    """Refuse a count that the whole prompt cannot have had: Ollama drops its front without a word."""
    if type(n_tokens) is not int:
        return GateReason.PROTOCOL_VIOLATION
    is_whole = expected.n_bytes <= n_tokens * MOST_BYTES_A_TOKEN and n_tokens <= expected.most_tokens
    return None if is_whole else GateReason.PROMPT_TRUNCATED


def _message_text(message: Any) -> str | GateReason:
    if not isinstance(message, dict):
        return GateReason.PROTOCOL_VIOLATION
    if message.get("tool_calls"):
        return GateReason.REPLY_TOOL_CALL
    content = message.get("content")
    if content is None:
        return GateReason.REPLY_EMPTY
    return content if isinstance(content, str) else GateReason.PROTOCOL_VIOLATION
