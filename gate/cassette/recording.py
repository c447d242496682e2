"""The line of a run that records: what the cassette holds is not asked again, the rest is asked and added."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from domain.errors import BadInput
from domain.gate_reason import GateReason
from domain.tick import Readiness
from gate.cassette.files import Recorder
from gate.cassette.format import Contents, Head, Taped, key_of, parted
from gate.cassette.identity import CassetteTerms, is_same, summary, who
from gate.cassette.replaying import played, unanswered
from gate.line import Line
from gate.transport import Arrived


@dataclass(slots=True)
class RecordLine:
    """Implements `gate.line.Line` before another line: what the cassette holds is not asked again, the rest is added.

    An answer counts once it is on disk. elapsed_s: a clock that only moves forward.
    """

    terms: CassetteTerms
    line: Line
    elapsed_s: Callable[[], float]
    _recorder: Recorder | None = field(default=None, init=False)
    _answers: dict[str, Taped] = field(default_factory=dict, init=False)
    _head: Head | None = field(default=None, init=False)

    def open(self) -> Contents:
        """Open the cassette for this process alone, or make it. Raises BadInput when that cannot be."""
        if self._recorder is None:
            self._recorder = recorder_for(self.terms)
            self._head = self._recorder.contents.head
            self._answers = dict(self._recorder.contents.answers)
        return self._recorder.contents

    def close(self) -> None:
        """Let the next desk have the cassette."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    async def prepare(self) -> Readiness:
        """Let the server get ready, and hold what it says of the model against the cassette."""
        try:
            found = self.open()
        except BadInput as error:
            return Readiness(reason=GateReason.CASSETTE_UNWRITTEN, told=str(error))
        readiness = await self.line.prepare()
        return self._held_against(readiness, found) if readiness.is_ready else readiness

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Return what the cassette holds, else ask, and put what arrives on the cassette before it is returned."""
        head = self._head
        if head is None:
            # Nobody has said yet whose answer it would be.
            return unanswered(GateReason.CASSETTE_UNWRITTEN)
        key = key_of(body, head.digest)
        if key in self._answers:
            return played(self._answers[key])
        began_s = self.elapsed_s()
        arrived = await self.line.call(body, deadline_s)
        arrived = msgspec.structs.replace(arrived, latency_ms=(self.elapsed_s() - began_s) * 1000)
        # Another market may have asked the very same meanwhile; the first answer stays.
        if key in self._answers:
            return played(self._answers[key])
        return self._kept(key, body, arrived, head)

    def _kept(self, key: str, body: bytes, arrived: Arrived, head: Head) -> Arrived:
        """Put an answer on the cassette; one that cannot be kept does not count."""
        if head.digest is not None and arrived.digest not in (None, head.digest):
            return msgspec.structs.replace(arrived, failure=GateReason.IDENTITY_CHANGED)
        taped = _taped(key, body, arrived)
        try:
            self._written(taped)
        except OSError:
            return msgspec.structs.replace(arrived, failure=GateReason.CASSETTE_UNWRITTEN)
        self._answers[key] = msgspec.structs.replace(taped, request="")
        return arrived

    def _written(self, line: Head | Taped) -> None:
        if self._recorder is None:
            raise OSError("the cassette is closed")
        self._recorder.write(line)

    def _held_against(self, readiness: Readiness, found: Contents) -> Readiness:
        """Begin the cassette with this model, or say that it holds another one's answers."""
        head = Head(
            backend=self.terms.backend,
            model=self.terms.model,
            digest=readiness.digest,
            server_version=readiness.server_version,
            context_tokens=readiness.context_tokens,
        )
        if self._head is None:
            try:
                self._written(head)
            except OSError as error:
                told = f"the cassette {self.terms.path} cannot be written: {error.strerror or error}"
                return Readiness(reason=GateReason.CASSETTE_UNWRITTEN, told=told)
            self._head = head
        if not is_same(self._head, head):
            told = f"the cassette {self.terms.path} holds answers of {who(self._head)}, the server now has {who(head)}"
            return Readiness(reason=GateReason.IDENTITY_CHANGED, told=f"{told}: record on another file")
        told = f"{readiness.told}; recording on {summary(self.terms.path, found)}"
        return msgspec.structs.replace(readiness, told=told)


def recorder_for(terms: CassetteTerms) -> Recorder:
    """Open a cassette to record on. Raises BadInput when another desk has it, or it is damaged or of another model."""
    recorder = Recorder(terms.path)
    try:
        if recorder.contents.head is not None:
            terms.refuse_another(recorder.contents.head)
    except BadInput:
        recorder.close()
        raise
    return recorder


def _taped(key: str, body: bytes, arrived: Arrived) -> Taped:
    text, base64 = parted(arrived.body)
    return Taped(
        key=key,
        request=body.decode(),
        status=arrived.status,
        text=text,
        base64=base64,
        failure=arrived.failure,
        digest=arrived.digest,
        server_version=arrived.server_version,
        latency_ms=arrived.latency_ms or 0.0,
    )
