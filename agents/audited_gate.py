"""The gate as evidence: a question is on record before it is asked, its answer no later than what it allowed."""

from msgspec.structs import replace

from domain.decisions import Denied
from domain.errors import JournalUnavailable
from domain.gate_reason import GateReason
from domain.ports import Clock, Journal, Reader
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateAnswer, GateExchange, GateQuestion


class AuditedGate(Record, frozen=True, kw_only=True):
    """Implements `domain.ports.Gate` over a reader. A run that is lived through again asks nobody.

    An approval that the journal could not keep as evidence is a denial; what arrived stays with it.
    """

    reader: Reader
    journal: Journal
    clock: Clock

    async def review(self, situation: Situation, tick_no: int) -> GateExchange:
        """Record, ask, record; or answer from the record. Without a durable record nobody is asked."""
        question = self.reader.question(situation)
        # Looked up first: with the request's own row a resumed run may have caught up with its record.
        answer = self.journal.recorded_answer(question.request_id)
        is_on_record = self._put_on_record(question, tick_no)
        if answer is None:
            answer = await self._asked(question) if is_on_record else GateAnswer(verdict=_audit_failed(question))
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

    def _put_on_record(self, question: GateQuestion, tick_no: int) -> bool:
        try:
            self.journal.record_request(tick_no, question.request_id, question.backend, question.mode, question.prompt)
        except JournalUnavailable:
            return False
        return True

    async def _asked(self, question: GateQuestion) -> GateAnswer:
        answer = await self.reader.ask(question)
        try:
            self.journal.record_answer(question.request_id, answer, self.clock.now_ms())
        except JournalUnavailable:
            answer = replace(answer, verdict=_audit_failed(question))
            self.journal.record_answer(question.request_id, answer, self.clock.now_ms())
        return answer


def _audit_failed(question: GateQuestion) -> Denied:
    reason = GateReason.AUDIT_FAILED.value
    return Denied(reason_code=reason, backend=question.backend, request_id=question.request_id)
