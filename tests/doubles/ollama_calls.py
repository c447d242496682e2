"""A chat call as Ollama reads it: what it takes, what it refuses, and in which words."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.doubles.wire import Deed, refusal

DEFAULT_CONTEXT_TOKENS = 4096
LEVELS = ("low", "medium", "high", "max")
INTEGERS = ("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu",
            "num_thread", "draft_num_predict")  # fmt: skip
FLOATS = ("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty")
_GO_TYPES: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "model": ("string", str),
    "messages": ("[]api.Message", list),
    "stream": ("bool", bool),
    "options": ("map[string]interface {}", dict),
    "truncate": ("bool", bool),
    "shift": ("bool", bool),
    "tools": ("[]api.Tool", list),
    "logprobs": ("bool", bool),
    "top_logprobs": ("int", int),
}
_DURATION = re.compile(r"-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+|-?0")


@dataclass(frozen=True)
class Runner:
    """The terms a model is loaded on; a call with others loads it anew."""

    context_tokens: int = DEFAULT_CONTEXT_TOKENS
    n_threads: int = 0
    shifts: bool = True


@dataclass(frozen=True)
class ChatCall:
    """What was asked. body: as it came. unloads: give the memory back, at once when there is nothing to answer."""

    body: Mapping[str, Any]
    model: str
    messages: Sequence[Mapping[str, Any]]
    streams: bool
    unloads: bool
    think: bool | str | None
    options: Mapping[str, Any]
    truncates: bool
    runner: Runner

    def option(self, name: str, default: Any) -> Any:
        value = self.options.get(name)
        return default if value is None else value


def read_json(body: bytes) -> dict[str, Any] | Deed:
    """Return a body's object. As Go's decoder does, what follows the first value is left unread."""
    if not body.strip():
        return refusal(400, "missing request body")
    try:
        found, _ = json.JSONDecoder().raw_decode(body.decode(errors="replace").lstrip())
    except ValueError:
        return refusal(400, f"invalid character {body.strip()[:1].decode('latin-1')!r} looking for beginning of value")
    if not isinstance(found, dict):
        return refusal(400, f"json: cannot unmarshal {_go_name(found)} into Go value of type api.ChatRequest")
    return found


def read_chat(body: bytes) -> ChatCall | Deed:
    """Return the call in a body, or the refusal of one that is no call. Whether its model is there is not asked."""
    found = read_json(body)
    if isinstance(found, Deed):
        return found
    complaint = _mistyped(found) or _out_of_range(found)
    if complaint is not None:
        return refusal(400, complaint)
    if not found.get("model"):
        return refusal(400, "model is required")
    options = found.get("options") or {}
    context_tokens = _whole(options.get("num_ctx"), DEFAULT_CONTEXT_TOKENS)
    runner = Runner(context_tokens, _whole(options.get("num_thread"), 0), found.get("shift") is not False)
    return ChatCall(
        body=found,
        model=found["model"],
        messages=found.get("messages") or [],
        streams=found.get("stream") is not False,
        unloads=_is_nothing(found.get("keep_alive")),
        think=found.get("think"),
        options=options,
        truncates=found.get("truncate") is not False,
        runner=runner,
    )


def _mistyped(found: Mapping[str, Any]) -> str | None:
    for name, (go_type, kind) in _GO_TYPES.items():
        value = found.get(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            return f"json: cannot unmarshal {_go_name(value)} into Go struct field ChatRequest.{name} of type {go_type}"
    for message in found.get("messages") or []:
        if not isinstance(message, dict) or not isinstance(message.get("content", ""), str | None):
            return "json: cannot unmarshal into Go struct field ChatRequest.messages of type api.Message"
    return None


def _out_of_range(found: Mapping[str, Any]) -> str | None:
    if not 0 <= (found.get("top_logprobs") or 0) <= 20:
        return "top_logprobs must be between 0 and 20"
    think = found.get("think")
    if think is not None and not isinstance(think, bool) and think not in LEVELS:
        return f'invalid think value: {json.dumps(think)} (must be "high", "medium", "low", "max", true, or false)'
    keep = found.get("keep_alive")
    if isinstance(keep, bool | list | dict):
        return f"invalid type for keep_alive: {_go_name(keep)}"
    if isinstance(keep, str) and not _DURATION.fullmatch(keep):
        return f'time: invalid duration "{keep}"'
    return None


def wrong_option(options: Mapping[str, Any]) -> str | None:
    """Return the complaint about an option of the wrong type. An option that nobody knows is only logged."""
    for name, value in options.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None or (is_number and name in (*INTEGERS, *FLOATS)):
            continue
        if name in INTEGERS:
            return f'option "{name}" must be of type integer'
        if name in FLOATS:
            return f'option "{name}" must be of type float32'
        if name == "stop" and not isinstance(value, list):
            return 'option "stop" must be of type array'
        if name == "use_mmap" and not isinstance(value, bool):
            return 'option "use_mmap" must be of type boolean'
    return None


def schema_of(call: ChatCall) -> Mapping[str, Any] | str | Deed | None:
    """Return what the reply must fit: a schema, "json", None for anything; or the refusal of a format."""
    asked: Mapping[str, Any] | str | None = call.body.get("format")
    if asked is None or asked == "":
        return None
    if asked == "json" or isinstance(asked, dict):
        return asked
    return refusal(500, f'invalid format: {json.dumps(asked)}; expected "json" or a valid JSON Schema object')


def _whole(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _is_nothing(keep_alive: Any) -> bool:
    if isinstance(keep_alive, str):
        return re.fullmatch(r"-?(0+(\.0+)?[a-z]*)+", keep_alive) is not None
    return keep_alive is not None and keep_alive == 0


def _go_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "null")
