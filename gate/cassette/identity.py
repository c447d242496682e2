"""Whose answers a cassette holds, and whether they are those the settings ask for."""

from pathlib import Path

from domain.cassette import CassetteMode
from domain.errors import BadInput
from domain.record import Record
from gate.cassette.format import Contents, Head

MODEL_DIGITS = 12
_PIN = "GATE_MODEL_DIGEST"


class CassetteTerms(Record, frozen=True, kw_only=True):
    """What is done with which cassette, and whose answers the settings ask for.

    digest: how the model's fingerprint must begin; empty where none is pinned.
    """

    mode: CassetteMode
    path: Path
    backend: str
    model: str
    digest: str = ""

    def refuse_another(self, head: Head) -> None:
        """Raise BadInput when a cassette was recorded with another backend, model or fingerprint than is asked for."""
        pairs = (
            ("GATE_BACKEND", self.backend, head.backend),
            ("GATE_MODEL", self.model, head.model),
            (_PIN, self.digest, head.digest or "none"),
        )
        for name, asked, recorded in pairs:
            if not recorded.startswith(asked) if name == _PIN else asked != recorded:
                raise BadInput(f"{name} = {asked}, but the cassette {self.path} was recorded with {recorded}")


def is_same(one: Head, other: Head) -> bool:
    """Say whether two heads name one model of one server. A server that tells no version has none to differ in."""
    versions = {one.server_version, other.server_version} - {None}
    return (one.backend, one.model, one.digest) == (other.backend, other.model, other.digest) and len(versions) < 2


def who(head: Head | None) -> str:
    """Name the model, with what is known of it."""
    if head is None:
        return "nobody yet"
    told = [f"digest {head.digest[:MODEL_DIGITS]}"] if head.digest else []
    told += [f"server {head.server_version}"] if head.server_version else []
    return f"{head.model} ({', '.join(told)})" if told else head.model


def summary(path: Path, found: Contents) -> str:
    """Say what a cassette holds, by what it can be told from another, and what is left out of it."""
    n_answers = len(found.answers)
    held = f"{n_answers:,} {'answer' if n_answers == 1 else 'answers'} of {who(found.head)}"
    told = f"the cassette {path.name} with {held}, sha256 {found.fingerprint[:MODEL_DIGITS]}"
    if not found.n_torn_bytes:
        return told
    return f"{told}, without its last {found.n_torn_bytes:,} bytes, whose recorder was cut off"
