"""The second reader behind any chat server: one call an entry, and no for whatever goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateAnswer, GateEvidence, GateQuestion, Readiness
from gate.breaker import Breaker
from gate.fitness import Fitness
from gate.line import Heard, Line, Wire
from gate.prompt import PromptBuilder
from gate.reply import Reply, read_reply, ruling_on
from gate.terms import ChatTerms
from gate.transport import Arrived, from_now, left_until

# After one of these the server is looked at again before the next question.
CHANGED: Final = frozenset({GateReason.IDENTITY_CHANGED, GateReason.IDENTITY_UNKNOWN, GateReason.CONTEXT_CHANGED})


class Judged(Record, frozen=True, kw_only=True):
    """What an answer comes to. reply: None unless the model's text is what was agreed on, whatever it says."""

    reason: GateReason
    heard: Heard
    reply: Reply | None = None


@dataclass(slots=True)
class ChatReader:
    """Implements `domain.ports.Reader`. elapsed_s: a clock that only moves forward, for the latency."""

    terms: ChatTerms
    mode: GateMode
    prompt: PromptBuilder
    wire: Wire
    line: Line
    elapsed_s: Callable[[], float]
    breaker: Breaker = field(init=False)
    fitness: Fitness = field(init=False)
    _open_symbols: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Begin with a closed breaker and nothing known of the server."""
        self.breaker = Breaker(open_bars=self.terms.breaker_bars)
        self.fitness = Fitness(line=self.line, elapsed_s=self.elapsed_s)

    def question(self, situation: Situation) -> GateQuestion:
        """Word the question: the body of the call, to the byte."""
        proposal, words = situation.proposal, self.prompt.words(situation)
        return GateQuestion(
            request_id=f"{proposal.symbol}-{proposal.as_of_ms}-gate",
            symbol=proposal.symbol,
            as_of_ms=proposal.as_of_ms,
            backend=self.wire.backend,
            mode=self.mode.value,
            prompt=self.wire.body(words.system, words.user),
            break_even_frac=words.break_even_frac,
        )

    async def prepare(self) -> Readiness:
        """Find out whether the model can be asked, as long as it takes."""
        return await self.fitness.look()

    async def ask(self, question: GateQuestion) -> GateAnswer:
        """Ask once, unless a question about this market is open or the server is being left alone.

        Where the server has to be looked at first, the look and the question share the one deadline.
        """
        standing = self._standing_objection(question)
        if standing is not None:
            return _unasked(question, standing)
        looks_first = self.fitness.is_due
        self._open_symbols.add(question.symbol)
        began_s, until = self.elapsed_s(), from_now(self.terms.deadline_s)
        try:
            objection = await self._found_objection(question, until) if looks_first else None
            if objection is not None:
                return _unasked(question, objection, (self.elapsed_s() - began_s) * 1000)
            arrived = await self.line.call(question.prompt.encode(), left_until(until))
        finally:
            self._open_symbols.discard(question.symbol)
        latency_ms = (self.elapsed_s() - began_s) * 1000 if arrived.latency_ms is None else arrived.latency_ms
        found = judged(arrived, question, self.wire, self.terms)
        # A question that a look left too little time says nothing of the server; the next one has its time whole.
        if not (looks_first and found.reason is GateReason.DEADLINE):
            self._hear(found.reason, question.as_of_ms)
        return self._answer(question, arrived, found, latency_ms)

    def _hear(self, reason: GateReason, as_of_ms: int) -> None:
        self.breaker.hear(reason, as_of_ms)
        if self.breaker.has_tripped or reason in CHANGED:
            self.fitness.doubt()

    def _standing_objection(self, question: GateQuestion) -> GateReason | None:
        """Say why the server is not even looked at, None when it is."""
        if question.symbol in self._open_symbols:
            return GateReason.BUSY_LOCAL
        found = self.fitness.found
        known = GateReason.OK if found is None else found.reason
        if known is not GateReason.OK and not self.breaker.has_tripped:
            self.breaker.leave_alone(question.as_of_ms)
        if not self.breaker.is_open(question.as_of_ms):
            return None
        return GateReason.CIRCUIT_OPEN if known is GateReason.OK else known

    async def _found_objection(self, question: GateQuestion, until: float) -> GateReason | None:
        """Look at the server; say why it cannot be asked, None when it can."""
        found = await self.fitness.look_within(left_until(until))
        if found is None:
            self._hear(GateReason.DEADLINE, question.as_of_ms)
            return GateReason.DEADLINE
        if found.is_ready:
            return None
        self.breaker.leave_alone(question.as_of_ms)
        return found.reason

    def _answer(self, question: GateQuestion, arrived: Arrived, found: Judged, latency_ms: float) -> GateAnswer:
        by = {"reason_code": found.reason.value, "backend": question.backend, "request_id": question.request_id}
        return GateAnswer(
            verdict=Approved(keep_frac=1.0, **by) if found.reason is GateReason.OK else Denied(**by),
            raw_reply=None if arrived.status is None else arrived.body,
            latency_ms=latency_ms,
            evidence=self._evidence(arrived, found),
        )

    def _evidence(self, arrived: Arrived, found: Judged) -> GateEvidence:
        meter = found.heard.meter
        return GateEvidence(
            source=arrived.source,
            model=self.terms.model,
            prompt_version=self.prompt.version,
            prompt_sha256=self.prompt.prompt.sha256,
            digest=arrived.digest,
            server_version=arrived.server_version,
            p_win_frac=None if found.reply is None else found.reply.p_win_frac,
            n_prompt_tokens=meter.n_prompt_tokens,
            n_reply_tokens=meter.n_reply_tokens,
            load_ms=meter.load_ms,
            prompt_ms=meter.prompt_ms,
            reply_ms=meter.reply_ms,
        )


def judged(arrived: Arrived, question: GateQuestion, wire: Wire, terms: ChatTerms) -> Judged:
    """Return OK when everything about the answer is as it must be, else the first thing that is not."""
    heard = wire.heard(arrived, question.prompt)
    if heard.reason is not GateReason.OK:
        return Judged(reason=heard.reason, heard=heard)
    reply = read_reply(heard.text)
    if not isinstance(reply, Reply):
        return Judged(reason=reply, heard=heard)
    reason = ruling_on(reply, terms.min_p_win_frac, question.break_even_frac)
    return Judged(reason=reason, heard=heard, reply=reply)


def _unasked(question: GateQuestion, reason: GateReason, latency_ms: float | None = None) -> GateAnswer:
    denied = Denied(reason_code=reason.value, backend=question.backend, request_id=question.request_id)
    return GateAnswer(verdict=denied, latency_ms=latency_ms)
