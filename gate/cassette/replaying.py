"""The line of a run that hears a cassette and asks no server."""

from dataclasses import dataclass, field

from domain.cassette import FROM_CASSETTE, CassetteMode
from domain.errors import BadInput
from domain.gate_reason import GateReason
from domain.tick import Readiness
from gate.cassette.files import read_cassette
from gate.cassette.format import Contents, Head, Taped, key_of
from gate.cassette.identity import CassetteTerms, summary
from gate.transport import Arrived


@dataclass(slots=True)
class ReplayLine:
    """Implements `gate.line.Line` from a cassette alone."""

    terms: CassetteTerms
    _contents: Contents | None = field(default=None, init=False)

    def open(self) -> Contents:
        """Read the cassette, once. Raises BadInput where it is absent, damaged, empty, or of another model."""
        if self._contents is None:
            self._contents = self._read()
        return self._contents

    async def prepare(self) -> Readiness:
        """Say of the model what its server said when the cassette was begun."""
        try:
            found = self.open()
        except BadInput as error:
            return Readiness(reason=GateReason.CASSETTE_MISS, told=str(error))
        told = f"{summary(self.terms.path, found)}, answers; no server is asked"
        return _as_told_then(found.head, told)

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Return what this call brought when it was recorded, or a miss."""
        try:
            found = self.open()
        except BadInput:
            return unanswered(GateReason.CASSETTE_MISS)
        taped = found.answers.get(key_of(body, None if found.head is None else found.head.digest))
        return unanswered(GateReason.CASSETTE_MISS) if taped is None else played(taped)

    def _read(self) -> Contents:
        path = self.terms.path
        found = read_cassette(path)
        if found.head is None:
            raise BadInput(f"the cassette {path} is empty: record on it first, with GATE_CASSETTE=record")
        self.terms.refuse_another(found.head)
        if found.n_torn_bytes and self.terms.mode is CassetteMode.REPLAY_STRICT:
            raise BadInput(
                f"the cassette {path} ends in {found.n_torn_bytes:,} bytes of an answer whose recorder was cut off: "
                "GATE_CASSETTE=record takes them away, GATE_CASSETTE=replay leaves them out"
            )
        return found


def played(taped: Taped) -> Arrived:
    """Return a recorded answer as it arrived."""
    return Arrived(
        status=taped.status,
        body=taped.body,
        failure=taped.failure,
        digest=taped.digest,
        server_version=taped.server_version,
        source=FROM_CASSETTE,
        latency_ms=taped.latency_ms,
    )


def unanswered(reason: GateReason) -> Arrived:
    """Return a no of the cassette's own."""
    # Nothing was asked, so it took no time; a measured one would differ from run to run.
    return Arrived(status=None, body=b"", failure=reason, source=FROM_CASSETTE, latency_ms=0.0)


def _as_told_then(head: Head | None, told: str) -> Readiness:
    if head is None:
        return Readiness(reason=GateReason.CASSETTE_MISS, told=told)
    return Readiness(
        reason=GateReason.OK,
        told=told,
        digest=head.digest,
        server_version=head.server_version,
        context_tokens=head.context_tokens,
    )
