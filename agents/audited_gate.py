"""The gate as evidence: a question is on record before it is asked, its answer no later than what it allowed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from domain.cassette import CassetteMode
from domain.decisions import Denied
from domain.errors import CassetteMiss, JournalUnavailable
from domain.gate_reason import GateReason
from domain.ports import Clock, Journal, Reader
from domain.situation import Situation
from domain.tick import GateAnswer, GateExchange, GateQuestion, Readiness, TradingState


@dataclass(slots=True, kw_only=True)
class AuditedGate:
    """Implements `domain.ports.Gate` over a reader. A run that is lived through again asks nobody.

    max_age_s: how old the bar may be when an approval of its trade arrives. That is decided once, when it arrives,
    and stands on record with the answer.
    cassette: where the answers come from; in a strict replay a question that the cassette does not answer ends the run.
    asked_state: what the human's switch says. It is looked at when an approval arrives, because the tick looked before
    it waited; this too stands on record with the answer.

    An approval that the journal could not keep as evidence is a denial; what arrived stays with it.
    """

    reader: Reader
    journal: Journal
    clock: Clock
    max_age_s: float = 20.0
    cassette: CassetteMode = CassetteMode.OFF
    asked_state: Callable[[], TradingState] = lambda: TradingState.ACTIVE
    _bar_clock: Clock | None = field(default=None, init=False)

    async def open(self, bar_clock: Clock | None) -> Readiness:
        """Let the reader get ready, and say whether it is. bar_clock: what the bars close by; None on a tape."""
        self._bar_clock = bar_clock
        return await self.reader.prepare()

    async def review(self, situation: Situation, tick_no: int) -> GateExchange:
        """Record, ask, record; or answer from the record. Without a durable record nobody is asked.

        Raises CassetteMiss where a strict replay has no answer, once that is on record.
        """
        question = self.reader.question(situation)
        # Looked up first: with the request's own row a resumed run may have caught up with its record.
        answer = self.journal.recorded_answer(question.request_id)
        is_on_record = self._put_on_record(question, tick_no)
        if answer is None or (is_on_record and self._can_be_heard_again(answer)):
            answer = await self._asked(question) if is_on_record else _unrecorded(question)
        # Asked of recorded answers too: a strict run that is resumed must not go on past the miss that stopped it.
        if self.cassette is CassetteMode.REPLAY_STRICT and answer.verdict.reason_code == GateReason.CASSETTE_MISS:
            raise CassetteMiss(f"tick {tick_no}: the cassette holds no answer to the request {question.request_id}")
        return GateExchange(
            request_id=question.request_id,
            backend=question.backend,
            mode=question.mode,
            prompt=question.prompt,
            raw_reply=answer.raw_reply,
            verdict=answer.verdict,
            latency_ms=answer.latency_ms,
            evidence=answer.evidence,
        )

    def _can_be_heard_again(self, answer: GateAnswer) -> bool:
        """Say whether a desk was cut off between a question and its answer, and the answer is on a cassette.

        What a server said then nobody knows; a cassette says it again. Once its tick is on record it is too late.
        """
        is_cut_off = answer.verdict.reason_code == GateReason.INTERRUPTED
        return is_cut_off and self.cassette.is_replay and not self.journal.is_catching_up

    def _put_on_record(self, question: GateQuestion, tick_no: int) -> bool:
        try:
            self.journal.record_request(
                tick_no,
                question.request_id,
                question.backend,
                question.mode,
                question.prompt,
                is_sent=not self.cassette.is_replay,
            )
        except JournalUnavailable:
            return False
        return True

    async def _asked(self, question: GateQuestion) -> GateAnswer:
        answer = self._in_time(question, await self.reader.ask(question))
        try:
            self.journal.record_answer(question.request_id, answer, self.clock.now_ms())
        except JournalUnavailable:
            answer = msgspec.structs.replace(answer, verdict=_denied(question, GateReason.AUDIT_FAILED))
            self.journal.record_answer(question.request_id, answer, self.clock.now_ms())
        return answer

    def _in_time(self, question: GateQuestion, answer: GateAnswer) -> GateAnswer:
        """Turn an approval that came too late, or after the desk was called off, into a no; a no stays what it is."""
        if isinstance(answer.verdict, Denied):
            return answer
        if self._age_ms(question, answer) > self.max_age_s * 1000:
            return msgspec.structs.replace(answer, verdict=_denied(question, GateReason.STALE))
        if self.asked_state() is not TradingState.ACTIVE:
            return msgspec.structs.replace(answer, verdict=_denied(question, GateReason.CALLED_OFF))
        return answer

    def _age_ms(self, question: GateQuestion, answer: GateAnswer) -> float:
        """Return how long ago the bar closed. Where bars are a tape's, nothing has passed but the wait itself."""
        if self._bar_clock is None:
            return answer.latency_ms or 0.0
        return self._bar_clock.now_ms() - question.as_of_ms


def _unrecorded(question: GateQuestion) -> GateAnswer:
    return GateAnswer(verdict=_denied(question, GateReason.AUDIT_FAILED))


def _denied(question: GateQuestion, reason: GateReason) -> Denied:
    return Denied(reason_code=reason.value, backend=question.backend, request_id=question.request_id)
