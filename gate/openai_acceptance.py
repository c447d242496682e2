"""Which answers of an OpenAI-compatible server are answers, and which entry of its list is the model."""

import json
import math
from hashlib import sha256
from typing import Any, Final

from domain.gate_reason import GateReason
from domain.record import Record
from gate.acceptance import counted, listed_object, told_object, truncated
from gate.line import Heard, Meter
from gate.terms import ChatTerms
from gate.transport import Arrived

# What says when, or how busy, and not which: some servers make these anew at every look.
PASSING: Final = frozenset(
    {
        "created", "created_at", "expires_at", "in_cache", "last_used", "last_used_at", "loaded_at", "modified_at",
        "permission", "state", "status", "updated_at",
    }
)  # fmt: skip


class Listed(Record, frozen=True, kw_only=True):
    """A model as `/v1/models` lists it. digest: of its entry. context_tokens: None where the server does not tell."""

    digest: str
    context_tokens: int | None


def heard_in(arrived: Arrived, body: str, terms: ChatTerms) -> Heard:
    """Return the model's text of a sound answer to `body`, or why the answer is none."""
    found = told_object(arrived)
    if isinstance(found, GateReason):
        return Heard(reason=found)
    text = _complaint(found, body, terms) or _text(found["choices"])
    if isinstance(text, GateReason):
        return Heard(reason=text, meter=_meter(found))
    return Heard(reason=GateReason.OK, text=text, meter=_meter(found))


def listed_in(arrived: Arrived, model: str) -> Listed | GateReason:
    """Return a model's entry as a fingerprint; MODEL_NOT_FOUND where the list is without it."""
    found = listed_object(arrived)
    if isinstance(found, GateReason):
        return found
    entries = found.get("data")
    if not isinstance(entries, list):
        return GateReason.PROTOCOL_VIOLATION
    named = [entry for entry in entries if isinstance(entry, dict) and entry.get("id") == model]
    if len(named) != 1:
        return GateReason.PROTOCOL_VIOLATION if named else GateReason.MODEL_NOT_FOUND
    try:
        canonical = json.dumps(_lasting(named[0]), sort_keys=True, separators=(",", ":"))
    except RecursionError:
        return GateReason.PROTOCOL_VIOLATION
    return Listed(digest=sha256(canonical.encode()).hexdigest(), context_tokens=_window(named[0]))


def _window(entry: dict[str, Any]) -> int | None:
    """Return the window an entry tells: vLLM's `max_model_len`, or llama.cpp's `meta.n_ctx`."""
    meta = entry.get("meta")
    told = entry.get("max_model_len", meta.get("n_ctx") if isinstance(meta, dict) else None)
    return counted(told)


def fingerprint_in(arrived: Arrived) -> str | None:
    """Return the `system_fingerprint` of an answer, None where it tells none that could stand on record."""
    found = told_object(arrived)
    fingerprint = None if isinstance(found, GateReason) else found.get("system_fingerprint")
    return fingerprint if isinstance(fingerprint, str) and fingerprint and fingerprint.isprintable() else None


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(part) for name, part in value.items() if name not in PASSING}
    return [_lasting(part) for part in value] if isinstance(value, list) else value


def _complaint(found: dict[str, Any], body: str, terms: ChatTerms) -> GateReason | None:
    if found.get("error") is not None:
        return GateReason.SERVER_ERROR
    choices, usage = found.get("choices"), found.get("usage")
    if not isinstance(found.get("model"), str) or not isinstance(choices, list) or not isinstance(usage, dict):
        return GateReason.PROTOCOL_VIOLATION
    if found["model"] != terms.model:
        return GateReason.IDENTITY_CHANGED
    return truncated(usage.get("prompt_tokens"), body, terms)


def _text(choices: list[Any]) -> str | GateReason:
    """Return the text of the one choice there may be."""
    choice = choices[0] if len(choices) == 1 else None
    if not isinstance(choice, dict) or type(choice.get("index")) is not int or choice["index"] != 0:
        return GateReason.PROTOCOL_VIOLATION
    message, ending = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return GateReason.PROTOCOL_VIOLATION
    if message.get("tool_calls") or message.get("function_call") or ending in ("tool_calls", "function_call"):
        return GateReason.REPLY_TOOL_CALL
    if message.get("refusal") is not None or ending == "content_filter":
        return GateReason.REPLY_REFUSED
    if ending != "stop":
        return GateReason.OPENAI_LENGTH if ending == "length" else GateReason.PROTOCOL_VIOLATION
    content = message.get("content")
    if content is None:
        return GateReason.REPLY_EMPTY
    return content if isinstance(content, str) else GateReason.PROTOCOL_VIOLATION


def _meter(found: dict[str, Any]) -> Meter:
    """Return what the answer cost; only some servers tell how long it took."""
    usage, timings = found.get("usage"), found.get("timings")
    used, took = usage if isinstance(usage, dict) else {}, timings if isinstance(timings, dict) else {}
    return Meter(
        n_prompt_tokens=counted(used.get("prompt_tokens")),
        n_reply_tokens=counted(used.get("completion_tokens")),
        prompt_ms=_measured(took.get("prompt_ms")),
        reply_ms=_measured(took.get("predicted_ms")),
    )


def _measured(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return float(value) if value < 1e15 else None
