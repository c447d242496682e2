"""What the gate answered when a run was first lived: a run that is lived through again asks nobody.

An answer is on record twice: in the event `gate_answered`, durable before the order it allowed, and in
`gate_outcomes` and `gate_replies`, durable with its tick. A process killed between the two leaves only the event.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from db.gate_tables import GATE_REPLIES
from db.pages import KEY_MASK
from db.tables import EVENTS, GATE_OUTCOMES, GATE_REQUESTS
from domain.decisions import Approved, Denied, Verdict
from domain.errors import JournalCorrupt
from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import GateAnswer, GateEvidence

ANSWERED: Final = "gate_answered"


class ToldAnswer(Record, frozen=True, kw_only=True):
    """An answer as it is on record. keep_frac: None when denied. raw_reply: base64 in an event's JSON.

    request_id: what the verdict itself names; None in verdicts that answer no request.
    """

    request_id: str | None
    reason_code: str
    keep_frac: float | None
    backend: str
    raw_reply: bytes | None
    latency_ms: float | None
    evidence: GateEvidence | None = None

    def answer(self) -> GateAnswer:
        """Return the answer itself. Raises JournalCorrupt when no gate can have given it."""
        return GateAnswer(
            verdict=self._verdict(), raw_reply=self.raw_reply, latency_ms=self.latency_ms, evidence=self.evidence
        )

    def _verdict(self) -> Verdict:
        code, backend, request_id = self.reason_code, self.backend, self.request_id
        if self.keep_frac is None:
            return Denied(reason_code=code, backend=backend, request_id=request_id)
        try:
            return Approved(keep_frac=self.keep_frac, reason_code=code, backend=backend, request_id=request_id)
        except ValueError as error:
            raise JournalCorrupt(f"the recorded answer to {request_id}: {error}") from error


class AnswerEvent(Record, frozen=True, kw_only=True):
    """The detail of the event `gate_answered`: which question, and what it brought."""

    request_id: str
    told: ToldAnswer


def told(request_id: str, answer: GateAnswer) -> str:
    """Return the detail of the event that tells of an answer, as JSON in ASCII."""
    verdict = answer.verdict
    event = AnswerEvent(
        request_id=request_id,
        told=ToldAnswer(
            request_id=verdict.request_id,
            reason_code=verdict.reason_code,
            keep_frac=verdict.keep_frac if isinstance(verdict, Approved) else None,
            backend=verdict.backend,
            raw_reply=answer.raw_reply,
            latency_ms=answer.latency_ms,
            evidence=answer.evidence,
        ),
    )
    return msgspec.json.encode(event).decode()


def recorded_answers(connection: Connection, base: int) -> Mapping[str, GateAnswer]:
    """Return what every question of a run brought; one without an answer on record was denied.

    base: the first key of the run. Raises JournalCorrupt for an answer that no gate can have given.
    """
    requests, outcomes, events = GATE_REQUESTS.c, GATE_OUTCOMES.c, EVENTS.c
    last = base + KEY_MASK
    asked = select(requests.request_id, requests.backend).where(requests.id.between(base, last))
    found = {request_id: _unanswered(request_id, backend) for request_id, backend in connection.execute(asked)}
    heard = select(events.detail).where(events.id.between(base, last), events.kind == ANSWERED)
    for detail in connection.scalars(heard.order_by(events.id)):
        event = _event(detail)
        found[event.request_id] = event.told.answer()
    evidence = recorded_evidence(connection, base, last)
    for row in connection.execute(select(GATE_OUTCOMES).where(outcomes.id.between(base, last))):
        found[row.request_id] = ToldAnswer(
            request_id=row.answers_request_id,
            reason_code=row.reason_code,
            keep_frac=row.keep_frac,
            backend=row.answered_by,
            raw_reply=None if row.raw_reply is None else bytes(row.raw_reply),
            latency_ms=row.latency_ms,
            evidence=evidence.get(row.request_id),
        ).answer()
    return found


def recorded_evidence(connection: Connection, first: int, last: int) -> dict[str, GateEvidence]:
    """Return who answered, by question, out of the rows with keys in this range."""
    replies = select(GATE_REPLIES).where(GATE_REPLIES.c.id.between(first, last))
    return {row.request_id: evidence_of(row._mapping) for row in connection.execute(replies)}


def evidence_of(row: Mapping[Any, Any]) -> GateEvidence:
    """Return what a row of `gate_replies` tells."""
    return GateEvidence(**{name: row[name] for name in GateEvidence.__struct_fields__})


def _event(detail: str) -> AnswerEvent:
    try:
        return msgspec.json.decode(detail, type=AnswerEvent)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"an event {ANSWERED} holds no answer: {error}") from error


def _unanswered(request_id: str, backend: str) -> GateAnswer:
    reason = GateReason.INTERRUPTED.value
    return GateAnswer(verdict=Denied(reason_code=reason, backend=backend, request_id=request_id))
