"""What the routes of an Ollama server tell of itself and its models, read strictly; what is odd is a reason."""

import re
from typing import Any, Final

from domain.gate_reason import GateReason
from domain.record import Record
from gate.acceptance import listed_object, told_object
from gate.transport import Arrived

LEAST_VERSION: Final = (0, 30)
_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})(?:[.+-][0-9A-Za-z.+-]{1,40})?", re.ASCII)
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)


class Shown(Record, frozen=True, kw_only=True):
    """What `/api/show` tells that matters here. can_think: it thinks unless it is told not to."""

    can_think: bool


class Loaded(Record, frozen=True, kw_only=True):
    """A model as it stands in memory. context_tokens: its window, as it was loaded."""

    digest: str
    context_tokens: int


def version_in(arrived: Arrived) -> str | GateReason:
    """Return the server's version; SERVER_TOO_OLD where its engine is not the one whose ways the gate knows."""
    found = listed_object(arrived)
    if isinstance(found, GateReason):
        return found
    version = found.get("version")
    parts = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if parts is None:
        return GateReason.PROTOCOL_VIOLATION
    is_enough = (int(parts[1]), int(parts[2])) >= LEAST_VERSION
    return parts[0] if is_enough else GateReason.SERVER_TOO_OLD


def digest_in(arrived: Arrived, model: str) -> str | GateReason:
    """Return the fingerprint of a model that `/api/tags` lists on the server's own disk."""
    entry = _entry(arrived, model, GateReason.MODEL_NOT_FOUND)
    if isinstance(entry, GateReason):
        return entry
    return GateReason.REMOTE_MODEL if is_remote(entry) else _digest(entry)


def shown_in(arrived: Arrived) -> Shown | GateReason:
    """Return what `/api/show` tells of a model; NOT_A_CHAT_MODEL where it cannot complete."""
    found = told_object(arrived)
    if isinstance(found, GateReason):
        return found
    capabilities = found.get("capabilities")
    if is_remote(found):
        return GateReason.REMOTE_MODEL
    if not isinstance(capabilities, list):
        return GateReason.PROTOCOL_VIOLATION
    return Shown(can_think="thinking" in capabilities) if "completion" in capabilities else GateReason.NOT_A_CHAT_MODEL


def loaded_in(arrived: Arrived, model: str) -> Loaded | GateReason:
    """Return how a model stands in memory by `/api/ps`; IDENTITY_UNKNOWN where it does not stand there."""
    entry = _entry(arrived, model, GateReason.IDENTITY_UNKNOWN)
    if isinstance(entry, GateReason):
        return entry
    digest, context = _digest(entry), entry.get("context_length")
    if isinstance(digest, GateReason):
        return digest
    if type(context) is not int:
        return GateReason.PROTOCOL_VIOLATION
    return Loaded(digest=digest, context_tokens=context)


def is_remote(found: dict[str, Any]) -> bool:
    """Say whether an answer or an entry speaks of a model on another machine."""
    return bool(found.get("remote_host") or found.get("remote_model"))


def _entry(arrived: Arrived, model: str, missing: GateReason) -> dict[str, Any] | GateReason:
    found = told_object(arrived)
    if isinstance(found, GateReason):
        return found
    models = found.get("models")
    if not isinstance(models, list):
        return GateReason.PROTOCOL_VIOLATION
    # A name without a tag is short for its latest.
    names = {model, model if ":" in model.rpartition("/")[2] else f"{model}:latest"}
    named = [entry for entry in models if isinstance(entry, dict) and _name(entry) in names]
    if len(named) > 1:
        return GateReason.PROTOCOL_VIOLATION
    return named[0] if named else missing


def _name(entry: dict[str, Any]) -> str | None:
    name = entry.get("name")
    return name if isinstance(name, str) else None


def _digest(entry: dict[str, Any]) -> str | GateReason:
    digest = entry.get("digest")
    found = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    return GateReason.PROTOCOL_VIOLATION if found is None else found[1]
