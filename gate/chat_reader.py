"""The second reader behind any chat server: one call an entry, and no for whatever goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateAnswer, GateEvidence, GateQuestion, Readiness
from gate.breaker import Breaker
from gate.line import Heard, Line, Wire
from gate.prompt import Costs, Prompt, break_even_frac, user_text
from gate.reply import Reply, read_reply, ruling_on
from gate.terms import ChatTerms
from gate.transport import Arrived


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
    costs: Costs
    prompt: Prompt
    wire: Wire
    line: Line
    elapsed_s: Callable[[], float]
    breaker: Breaker = field(init=False)
    _open_symbols: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Begin with a closed breaker."""
        self.breaker = Breaker(open_bars=self.terms.breaker_bars)

    def question(self, situation: Situation) -> GateQuestion:
        """Word the question: the body of the call, to the byte."""
        proposal, snapshot = situation.proposal, situation.snapshot
        user = user_text(proposal, snapshot, situation.features, self.costs, self.prompt.version)
        return GateQuestion(
            request_id=f"{proposal.symbol}-{proposal.as_of_ms}-gate",
            symbol=proposal.symbol,
            as_of_ms=proposal.as_of_ms,
            backend=self.wire.backend,
            mode=self.mode.value,
            prompt=self.wire.body(self.prompt.system, user),
            break_even_frac=break_even_frac(proposal.exit_plan, self.costs.round_trip_bps(snapshot)),
        )

    async def prepare(self) -> Readiness:
        """Find out whether the model can be asked."""
        return await self.line.prepare()

    async def ask(self, question: GateQuestion) -> GateAnswer:
        """Ask once, unless a question about this market is open or the server is being left alone."""
        if question.symbol in self._open_symbols:
            return _unasked(question, GateReason.BUSY_LOCAL)
        if self.breaker.is_open(question.as_of_ms):
            return _unasked(question, GateReason.CIRCUIT_OPEN)
        self._open_symbols.add(question.symbol)
        began_s = self.elapsed_s()
        try:
            arrived = await self.line.call(question.prompt.encode(), self.terms.deadline_s)
        finally:
            self._open_symbols.discard(question.symbol)
        latency_ms = (self.elapsed_s() - began_s) * 1000
        found = judged(arrived, question, self.wire, self.terms)
        self.breaker.hear(found.reason, question.as_of_ms)
        return self._answer(question, arrived, found, latency_ms)

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
            prompt_sha256=self.prompt.sha256,
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


def _unasked(question: GateQuestion, reason: GateReason) -> GateAnswer:
    denied = Denied(reason_code=reason.value, backend=question.backend, request_id=question.request_id)
    return GateAnswer(verdict=denied)
