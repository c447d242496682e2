"""A cassette's lines, and a server's line that is scripted, for the tests of cassettes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from domain.cassette import CassetteMode
from domain.gate_reason import GateReason
from domain.tick import Readiness
from gate.cassette.format import Head, Taped, key_of, parted, sealed
from gate.cassette.identity import CassetteTerms
from gate.transport import Arrived

HEAD = Head(backend="ollama", model="tiny:latest", digest="d1", server_version="0.30.1", context_tokens=4096)


def taped(request: str, body: bytes = b'{"done":true}', **changes: object) -> Taped:
    """Return what a request brought."""
    text, base64 = parted(body)
    told = {
        "key": key_of(request.encode(), HEAD.digest),
        "request": request,
        "status": 200,
        "text": text,
        "base64": base64,
        "failure": None,
        "digest": "d1",
        "server_version": "0.30.1",
        "latency_ms": 61.25,
        **changes,
    }
    return Taped(**told)  # type: ignore[arg-type]  # a test names the record's own fields


FIRST, SECOND = taped('{"a":1}'), taped('{"a":2}', b"\xff\x00 half an answ", status=500, failure=GateReason.DEADLINE)
WHOLE = sealed(HEAD) + sealed(FIRST) + sealed(SECOND)


def terms(path: Path, mode: str = "record", **changes: str) -> CassetteTerms:
    """Return what is done with the cassette at `path`, asked for the model of `HEAD`."""
    told = {"backend": "ollama", "model": "tiny:latest", **changes}
    return CassetteTerms(mode=CassetteMode(mode), path=path, **told)


def ticking() -> Callable[[], float]:
    """Return a clock that goes on by a quarter of a second at every look."""
    looks: Iterator[int] = iter(range(10**6))
    return lambda: next(looks) / 4


@dataclass
class Scripted:
    """Implements `gate.line.Line`. answers: what each body brings. asked: the bodies that came, in order."""

    answers: Callable[[bytes], Arrived]
    digest: str | None = "d1"
    server_version: str | None = "0.30.1"
    is_up: bool = True
    asked: list[bytes] = field(default_factory=list)

    async def prepare(self) -> Readiness:
        if not self.is_up:
            return Readiness(reason=GateReason.UNREACHABLE, told="nobody there")
        return Readiness(
            reason=GateReason.OK,
            told="the server answers",
            digest=self.digest,
            server_version=self.server_version,
            context_tokens=4096,
        )

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        self.asked.append(body)
        return self.answers(body)


def echo(body: bytes) -> Arrived:
    """Answer with the body itself."""
    return Arrived(status=200, body=b"to " + body, failure=None, digest="d1", server_version="0.30.1")
