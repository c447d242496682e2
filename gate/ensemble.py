"""Several readers as one: k of n must approve, each with a chance of profit above what is asked.

**The chance of the whole** is the k-th highest that its members gave, yes or no alike. At least k members say that
much or more, and k do not agree on anything higher; with k = n it is the least of all. Being one formula for approvals
and denials, it can be scored like any reader's chance. Where fewer than k gave one there is none.

**Turning a yes into a no never helps.** A member counts as a yes when it approves with a chance of at least the
minimum. Were the least chance of all who approve asked to reach it instead, a weak yes would stop what a no lets pass.
"""

import asyncio
import base64
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.ports import Reader
from domain.record import Record
from domain.situation import Situation
from domain.tick import GateAnswer, GateEvidence, GateQuestion, Readiness

BACKEND: Final = "ensemble"
VERSION: Final = "ensemble-1"


class EnsembleTerms(Record, frozen=True, kw_only=True):
    """names: what each member is called, in order. quorum: yeses that are needed. min_p_win_frac: asked of each."""

    names: tuple[str, ...]
    quorum: int
    min_p_win_frac: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is no ensemble, and a quorum that nobody or anybody reaches."""
        if len(self.names) < 2 or len(set(self.names)) < len(self.names):
            raise ValueError(f"{', '.join(self.names) or 'nobody'}: an ensemble has two members or more, each once")
        if not (1 <= self.quorum <= len(self.names) and 0.0 <= self.min_p_win_frac <= 1.0):
            raise ValueError(f"quorum {self.quorum} of {len(self.names)} or threshold is impossible")


@dataclass(slots=True)
class EnsembleReader:
    """Implements `domain.ports.Reader` over others, asked at the same time, each under its own equal deadline.

    members: one for each name of the terms. A member that fails answers with a denial; that is its no, on record.
    elapsed_s: a clock that only moves forward, for the latency.
    """

    terms: EnsembleTerms
    mode: GateMode
    members: Sequence[Reader]
    elapsed_s: Callable[[], float]

    def __post_init__(self) -> None:
        """Refuse names and members that are not as many."""
        if len(self.members) != len(self.terms.names):
            raise ValueError(f"{len(self.members)} members for {len(self.terms.names)} names")

    def question(self, situation: Situation) -> GateQuestion:
        """Word the question: the list of what each member is asked, to the byte. They share one request id.

        The break-even chance is the highest of the members': what each of them asks for, it asks for itself.
        """
        asked = [member.question(situation) for member in self.members]
        return GateQuestion(
            request_id=asked[0].request_id,
            symbol=asked[0].symbol,
            as_of_ms=asked[0].as_of_ms,
            backend=BACKEND,
            mode=self.mode.value,
            prompt=_canonical(
                [
                    {"backend": one.backend, "break_even_frac": one.break_even_frac, "prompt": one.prompt}
                    for one in asked
                ]
            ),
            break_even_frac=max(one.break_even_frac for one in asked),
        )

    async def prepare(self) -> Readiness:
        """Prepare all members; ready when enough of them are for a quorum, and every one of them is told of."""
        found = await asyncio.gather(*(member.prepare() for member in self.members))
        told = "; ".join(f"{name}: {one.told}" for name, one in zip(self.terms.names, found, strict=True))
        unready = [one.reason for one in found if not one.is_ready]
        is_enough = len(found) - len(unready) >= self.terms.quorum
        return Readiness(reason=GateReason.OK if is_enough else unready[0], told=told)

    async def ask(self, question: GateQuestion) -> GateAnswer:
        """Ask every member at the same time and count."""
        began_s = self.elapsed_s()
        questions = _questions_in(question)
        pairs = zip(self.members, questions, strict=True)
        answers = await asyncio.gather(*(member.ask(one) for member, one in pairs))
        return GateAnswer(
            verdict=ruling_on(answers, self.terms, question.request_id),
            raw_reply=_canonical([_told(*pair) for pair in zip(self.terms.names, answers, strict=True)]).encode(),
            latency_ms=(self.elapsed_s() - began_s) * 1000,
            evidence=evidence_of(answers, self.terms),
        )


def ruling_on(answers: Sequence[GateAnswer], terms: EnsembleTerms, request_id: str) -> Approved | Denied:
    """Return the smallest size that a quorum of yeses leaves, or the denial that no quorum came about."""
    kept = [kept_by(answer, terms.min_p_win_frac) for answer in answers]
    yeses = [part for part in kept if part is not None]
    if len(yeses) < terms.quorum:
        return Denied(reason_code=GateReason.NO_QUORUM.value, backend=BACKEND, request_id=request_id)
    return Approved(keep_frac=min(yeses), reason_code=GateReason.OK.value, backend=BACKEND, request_id=request_id)


def kept_by(answer: GateAnswer, min_p_win_frac: float) -> float | None:
    """Return the part of the size that a yes leaves; None where the answer does not count as one."""
    verdict, chance = answer.verdict, chance_of(answer)
    if not isinstance(verdict, Approved) or chance is None:
        return None
    return verdict.keep_frac if chance >= min_p_win_frac else None


def chance_of(answer: GateAnswer) -> float | None:
    """Return the chance of profit an answer gives, None where it gives none that is one."""
    chance = None if answer.evidence is None else answer.evidence.p_win_frac
    return chance if chance is not None and 0.0 <= chance <= 1.0 else None


def model_name(names: Sequence[str]) -> str:
    """Return what an ensemble of these members is called as a model."""
    return f"ensemble({','.join(names)})"


def evidence_of(answers: Sequence[GateAnswer], terms: EnsembleTerms) -> GateEvidence:
    """Return the evidence of the whole. source: "live" where any member's was; tokens are summed."""
    found = [answer.evidence for answer in answers if answer.evidence is not None]
    sources = {one.source for one in found}
    digests = [None if answer.evidence is None else answer.evidence.digest for answer in answers]
    chances = sorted((chance for answer in answers if (chance := chance_of(answer)) is not None), reverse=True)
    return GateEvidence(
        source=next((source for source in ("live", "cassette") if source in sources), "embedded"),
        model=model_name(terms.names),
        prompt_version=VERSION,
        prompt_sha256=_sha256([terms.names, terms.quorum, [one.prompt_sha256 for one in found]]),
        digest=None if None in digests else _sha256(digests),
        p_win_frac=chances[terms.quorum - 1] if len(chances) >= terms.quorum else None,
        n_prompt_tokens=_sum([one.n_prompt_tokens for one in found]),
        n_reply_tokens=_sum([one.n_reply_tokens for one in found]),
    )


def _questions_in(question: GateQuestion) -> list[GateQuestion]:
    return [
        msgspec.structs.replace(
            question, backend=one["backend"], prompt=one["prompt"], break_even_frac=one["break_even_frac"]
        )
        for one in json.loads(question.prompt)
    ]


def _told(name: str, answer: GateAnswer) -> dict[str, Any]:
    raw, evidence = answer.raw_reply, answer.evidence
    return {
        "backend": answer.verdict.backend,
        "evidence": None if evidence is None else _finite(msgspec.structs.asdict(evidence)),
        "keep_frac": answer.verdict.keep_frac if isinstance(answer.verdict, Approved) else None,
        "latency_ms": answer.latency_ms,
        "member": name,
        "p_win_frac": chance_of(answer),
        "raw_reply_base64": None if raw is None else base64.b64encode(raw).decode(),
        "reason": answer.verdict.reason_code,
    }


def _finite(told: dict[str, Any]) -> dict[str, Any]:
    """Return a record's fields with what JSON cannot write, a figure that is not finite, as absent."""
    is_odd = {name for name, value in told.items() if isinstance(value, float) and not math.isfinite(value)}
    return {name: None if name in is_odd else value for name, value in told.items()}


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _sha256(told: object) -> str:
    return hashlib.sha256(_canonical(told).encode()).hexdigest()


def _canonical(told: object) -> str:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
