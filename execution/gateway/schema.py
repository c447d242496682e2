"""The messages of the socket, read by the one description of them: schema.json.

One request is one line: a flat JSON object with `v`, `op`, `tag` and the fields of its operation. Integers are exact,
there is no number with a point, and nothing that the schema does not name passes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execution.gateway.codes import Code, Refused

SCHEMA: Mapping[str, Any] = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
VERSION: int = SCHEMA["version"]
MOST_REQUEST_BYTES: int = SCHEMA["most_request_bytes"]
# What a retry of the same order may change without becoming another order.
NOT_A_TERM = frozenset({"valid_until_ms"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that keeps the schema. tag: echoed in the reply. fields: what the operation was given."""

    op: str
    tag: int
    fields: Mapping[str, Any]

    @property
    def terms(self) -> dict[str, Any]:
        """Return what makes two requests of one id the same order."""
        return {name: value for name, value in sorted(self.fields.items()) if name not in NOT_A_TERM}


def read_request(line: bytes) -> Request:
    """Return the request in one line without its newline; raise `Refused` with the first thing that is wrong."""
    if len(line) > MOST_REQUEST_BYTES:
        raise Refused(Code.OVERSIZE, f"{len(line)} bytes, {MOST_REQUEST_BYTES} are allowed")
    message = _flat_object(line)
    if message.get("v") != VERSION or type(message.get("v")) is not int:
        raise Refused(Code.UNKNOWN_VERSION, f"this gateway speaks version {VERSION}")
    op = message.get("op")
    if not isinstance(op, str) or op not in SCHEMA["requests"]:
        raise Refused(Code.UNKNOWN_OPERATION, f"allowed are {', '.join(SCHEMA['requests'])}")
    specification = {**SCHEMA["envelope"], **SCHEMA["requests"][op]}
    _hold_to(specification, message)
    fields = {name: value for name, value in message.items() if name not in SCHEMA["envelope"]}
    if op == "place":
        _hold_to_kind(fields)
    return Request(op=op, tag=message["tag"], fields=fields)


def tag_of(line: bytes) -> int | None:
    """Return the tag of a line that may be anything, so that its refusal can be matched; None where there is none."""
    try:
        tag = _flat_object(line[: MOST_REQUEST_BYTES + 1]).get("tag")
    except Refused:
        return None
    return tag if type(tag) is int and 0 <= tag <= SCHEMA["envelope"]["tag"]["max"] else None


def reply_line(tag: int | None, body: Mapping[str, Any]) -> bytes:
    """Return one reply as the line that goes out."""
    return json.dumps({"v": VERSION, "tag": tag, **body}, separators=(",", ":")).encode() + b"\n"


def refusal_body(refused: Refused) -> dict[str, Any]:
    """Return the body of a refusal: the closed code, its sentence and the figures."""
    return {"ok": False, "code": refused.code.value, "reason": f"{SCHEMA['codes'][refused.code]}: {refused.detail}"}


def _flat_object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8"), object_pairs_hook=_without_copies, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(Code.GARBAGE, "the line cannot be read as JSON with each key once") from None
    if not isinstance(found, dict):
        raise Refused(Code.GARBAGE, "the line holds no object")
    return found


def _without_copies(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _hold_to(specification: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    unknown = sorted(message.keys() - specification.keys())
    if unknown:
        raise Refused(Code.UNKNOWN_FIELD, f"{unknown[0][:40]!r} is not a field of this operation")
    for name, rule in specification.items():
        if name in message:
            _hold_value(name, rule, message[name])
        elif not rule.get("optional"):
            raise Refused(Code.MISSING_FIELD, f"{name!r} is needed")


def _hold_value(name: str, rule: Mapping[str, Any], value: Any) -> None:
    kind = rule["type"]
    if kind == "int":
        allowed, fits = (
            f"an integer {rule['min']}..{rule['max']}",
            type(value) is int and rule["min"] <= value <= rule["max"],
        )
    elif kind == "bool":
        allowed, fits = "true or false", type(value) is bool
    elif kind == "enum":
        allowed, fits = f"one of {', '.join(rule['values'])}", isinstance(value, str) and value in rule["values"]
    else:
        allowed, fits = (
            f"text like {rule['pattern']}",
            isinstance(value, str) and bool(re.fullmatch(rule["pattern"], value)),
        )
    if not fits:
        raise Refused(Code.BAD_VALUE, f"{name!r} must be {allowed}")


def _hold_to_kind(fields: Mapping[str, Any]) -> None:
    kind = SCHEMA["kinds"][fields["kind"]]
    for name in kind["needs"]:
        if name not in fields:
            raise Refused(Code.MISSING_FIELD, f"an order of kind {fields['kind']} needs {name!r}")
    optional = {name for name, rule in SCHEMA["requests"]["place"].items() if rule.get("optional")}
    surplus = sorted((fields.keys() & optional) - {*kind["needs"], *kind["may"]})
    if surplus:
        raise Refused(Code.UNKNOWN_FIELD, f"an order of kind {fields['kind']} has no {surplus[0]!r}")
