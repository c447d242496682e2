"""What a cassette says, to the byte: who answered, and every answer as it arrived, a line of JSON each.

Lines are only added. Each ends in the SHA-256 of what stands before it, so that a byte that changed is found and its
line named. A last line without its line end is what a killed recorder left: its answer never counted, and it is left
out.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from domain.errors import BadInput
from domain.gate_reason import GateReason
from domain.record import Record

FORMAT: Final = 1
_SEAL: Final = b',"sha256":"%s"}'
_SEAL_BYTES: Final = len(_SEAL % bytes(64))


class CassetteDamaged(BadInput):
    """A cassette whose lines are not as they were written; the message names the first one."""


class Head(Record, frozen=True, kw_only=True, tag="head", tag_field="line", forbid_unknown_fields=True):
    """Whose answers these are: one model's of one server, asked in one protocol.

    backend: the protocol's name. digest, server_version, context_tokens: as the server told of the model when the
    cassette was begun; None where it does not tell.
    """

    format: int = FORMAT
    backend: str
    model: str
    digest: str | None
    server_version: str | None
    context_tokens: int | None = None


class Taped(Record, frozen=True, kw_only=True, tag="answer", tag_field="line", forbid_unknown_fields=True):
    """What one request brought, whole or not.

    key: see `key_of`. request: the body of the call. status: None before any headers. text: the body that arrived, or
    base64 where it is no UTF-8. failure: None when the answer is whole. digest, server_version: who answered, where
    that was found out. latency_ms: what the call took then.
    """

    key: str
    request: str
    status: int | None
    text: str | None
    base64: bytes | None
    failure: GateReason | None
    digest: str | None
    server_version: str | None
    latency_ms: float

    @property
    def body(self) -> bytes:
        """The bytes that arrived."""
        return (self.base64 or b"") if self.text is None else self.text.encode()


class Contents(Record, frozen=True, kw_only=True, eq=False):
    """What a cassette holds. head: None of an empty file. answers: by key, without their requests.

    n_whole_bytes: up to the end of the last whole line. n_torn_bytes: what a killed recorder left behind it.
    """

    head: Head | None
    answers: Mapping[str, Taped]
    fingerprint: str
    n_whole_bytes: int
    n_torn_bytes: int


def key_of(request: bytes, digest: str | None) -> str:
    """Return what an answer is found by: the SHA-256, in hex, of the model's fingerprint and the body of the call."""
    return sha256((digest or "").encode() + b"\n" + request).hexdigest()


def parted(body: bytes) -> tuple[str | None, bytes | None]:
    """Return a body as text and base64, one of them None: text wherever it is UTF-8, to be read by people."""
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, body


def sealed(line: Head | Taped) -> bytes:
    """Return a line of the file."""
    told = msgspec.json.encode(line)[:-1]
    return told + _seal_of(told) + b"\n"


def contents(name: str, raw: bytes) -> Contents:
    """Read a cassette whole. name: for the message. Raises CassetteDamaged, naming the first line that is wrong."""
    *lines, tail = raw.split(b"\n")
    if _is_sealed(tail[:-1]):
        raise _damaged(name, len(lines) + 1, "its line end was changed")
    head: Head | None = None
    answers: dict[str, Taped] = {}
    numbers: dict[str, int] = {}
    for number, line in enumerate(_told(name, lines), start=1):
        if isinstance(line, Head) is not (number == 1):
            raise _damaged(name, number, "the head stands first, and only once")
        if isinstance(line, Head):
            head = line
            continue
        digest = None if head is None else head.digest
        if line.key != key_of(line.request.encode(), digest):
            raise _damaged(name, number, f"its key {line.key[:12]} is not that of its request")
        if line.key in answers:
            raise _damaged(name, number, f"it answers the same request as line {numbers[line.key]}")
        answers[line.key], numbers[line.key] = msgspec.structs.replace(line, request=""), number
    return Contents(
        head=head,
        answers=answers,
        fingerprint=sha256(raw[: len(raw) - len(tail)]).hexdigest(),
        n_whole_bytes=len(raw) - len(tail),
        n_torn_bytes=len(tail),
    )


def _told(name: str, lines: list[bytes]) -> Iterator[Head | Taped]:
    for number, line in enumerate(lines, start=1):
        if not _is_sealed(line):
            raise _damaged(name, number, f"its checksum does not hold ({_shown(line)})")
        try:
            told = msgspec.json.decode(line[:-_SEAL_BYTES] + b"}", type=Head | Taped)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _damaged(name, number, f"it is no line of format {FORMAT}: {error}") from error
        if isinstance(told, Head) and told.format != FORMAT:
            raise BadInput(f"the cassette {name} is of format {told.format}; this version reads format {FORMAT}")
        yield told


def _seal_of(told: bytes) -> bytes:
    return _SEAL % sha256(told).hexdigest().encode()


def _is_sealed(line: bytes) -> bool:
    told, seal = line[:-_SEAL_BYTES], line[-_SEAL_BYTES:]
    return bool(told) and seal == _seal_of(told)


def _shown(line: bytes) -> str:
    """Return the beginning of a line, fit for a terminal."""
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in line[:72])


def _damaged(name: str, number: int, why: str) -> CassetteDamaged:
    return CassetteDamaged(f"the cassette {name} is damaged in line {number}: {why}")
