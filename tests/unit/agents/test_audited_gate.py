"""A question is on record before it is asked, its answer before anything rests on it, and a relived run asks nobody."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from agents.audited_gate import AuditedGate
from db.off import JournalOff
from domain.cassette import CassetteMode
from domain.decisions import Approved, Denied
from domain.errors import CassetteMiss, JournalCorrupt, JournalUnavailable
from domain.gate_reason import GateReason
from domain.tick import GateAnswer, GateEvidence, GateQuestion, Readiness, TradingState
from tests.unit.gate.questions import situation

ID = "SOL-PERP-60000-gate"
YES = GateAnswer(
    verdict=Approved(keep_frac=1.0, reason_code="ok", backend="double", request_id=ID), raw_reply=b"yes",
    evidence=GateEvidence(source="live", model="m", prompt_version="1", prompt_sha256="ab", load_ms=2.0),
)  # fmt: skip
NO = GateAnswer(verdict=Denied(reason_code="llm_deny", backend="double", request_id=ID), raw_reply=b"\xff no")


@dataclass
class Reader:
    told: list[str]
    answer: GateAnswer = YES

    def question(self, situation):
        wanted = situation.proposal
        return GateQuestion(
            request_id=ID, symbol=wanted.symbol, as_of_ms=wanted.as_of_ms, backend="double", mode="veto",
            prompt="may I?", break_even_frac=0.4,
        )  # fmt: skip

    async def ask(self, question):
        self.told.append(f"asked {question.prompt}")
        return self.answer

    async def prepare(self):
        self.told.append("prepared")
        return Readiness(reason=GateReason.OK, told="ready")


@dataclass
class Ledger:
    told: list[str]
    trouble: Exception | None = None
    known: dict[str, GateAnswer] = field(default_factory=dict)
    takes_approvals: bool = True

    def recorded_answer(self, request_id):
        return self.known.get(request_id)

    def record_request(self, tick_no, request_id, backend, mode, prompt, *, is_sent):
        if self.trouble is not None:
            raise self.trouble
        self.told.append(f"tick {tick_no} will {'ask' if is_sent else 'hear'} {prompt}")

    def record_answer(self, request_id, answer, wall_ms):
        if not self.takes_approvals and isinstance(answer.verdict, Approved):
            raise JournalUnavailable("an approval without evidence")
        self.told.append(f"at {wall_ms} heard {answer.verdict.reason_code}")


@dataclass
class Clock:
    at_ms: int = 99

    def now_ms(self):
        return self.at_ms


def review(ledger, reader):
    gate = AuditedGate(reader=reader, journal=ledger, clock=Clock())
    return asyncio.run(gate.review(situation(), 7))


@pytest.mark.parametrize("answer", [YES, NO])
def test_the_question_is_on_record_then_asked_then_its_answer_is_taken(answer):
    told = []
    exchange = review(Ledger(told), Reader(told, answer))
    assert told == ["tick 7 will ask may I?", "asked may I?", f"at 99 heard {answer.verdict.reason_code}"]
    assert (exchange.verdict, exchange.raw_reply, exchange.prompt) == (answer.verdict, answer.raw_reply, "may I?")
    assert exchange.evidence == answer.evidence


def test_a_question_that_cannot_be_put_on_record_is_not_asked_and_is_a_no():
    told = []
    exchange = review(Ledger(told, JournalUnavailable("the disk is full")), Reader(told))
    assert told == []
    assert exchange.verdict == Denied(reason_code="audit_failed", backend="double", request_id=ID)


def test_an_approval_that_could_not_be_kept_is_a_no_and_what_arrived_is_kept_with_it():
    told = []
    exchange = review(Ledger(told, takes_approvals=False), Reader(told, YES))
    assert exchange.verdict == Denied(reason_code="audit_failed", backend="double", request_id=ID)
    assert (exchange.raw_reply, exchange.evidence) == (YES.raw_reply, YES.evidence)
    assert told[1:] == ["asked may I?", "at 99 heard audit_failed"]


def test_without_a_journal_nobody_is_asked():
    told = []
    assert review(JournalOff(), Reader(told)).verdict.reason_code == "audit_failed"
    assert told == []


def test_evidence_that_does_not_hold_together_is_no_ordinary_no():
    with pytest.raises(JournalCorrupt):
        review(Ledger([], JournalCorrupt("another question")), Reader([]))


@pytest.mark.parametrize("trouble", [None, JournalUnavailable("the disk is full")])
def test_a_run_that_is_lived_again_hears_what_it_heard_and_asks_nobody(trouble):
    told = []
    exchange = review(Ledger(told, trouble, {ID: NO}), Reader(told, YES))
    assert "asked may I?" not in told
    assert (exchange.verdict, exchange.raw_reply) == (NO.verdict, NO.raw_reply)


def opened(ledger, reader, bar_clock):
    """Return what comes of a question after the gate was opened in a run whose bars close by `bar_clock`."""
    gate = AuditedGate(reader=reader, journal=ledger, clock=Clock(), max_age_s=20.0)

    async def go():
        found = await gate.open(bar_clock)
        assert found.is_ready
        return await gate.review(situation(), 7)

    return asyncio.run(go())


@pytest.mark.parametrize(("age_ms", "reason"), [(0, "ok"), (20_000, "ok"), (20_001, "stale"), (10**9, "stale")])
def test_an_approval_of_a_bar_too_old_is_a_no_with_its_bytes(age_ms, reason):
    told = []
    exchange = opened(Ledger(told), Reader(told), Clock(60_000 + age_ms))
    assert (exchange.verdict.reason_code, exchange.raw_reply) == (reason, b"yes")
    assert isinstance(exchange.verdict, Denied) is (reason == "stale")
    assert told == ["prepared", "tick 7 will ask may I?", "asked may I?", f"at 99 heard {reason}"]


@pytest.mark.parametrize(("waited_ms", "reason"), [(None, "ok"), (20_000.0, "ok"), (20_000.5, "stale")])
def test_on_a_tape_only_the_wait_itself_makes_an_approval_stale(waited_ms, reason):
    answer = msgspec.structs.replace(YES, latency_ms=waited_ms)
    assert opened(Ledger([]), Reader([], answer), None).verdict.reason_code == reason


def test_a_no_that_came_too_late_keeps_its_reason():
    assert opened(Ledger([]), Reader([], NO), Clock(10**9)).verdict == NO.verdict


def test_a_run_that_is_lived_again_does_not_ask_how_old_the_bar_is_now():
    assert opened(Ledger([], known={ID: YES}), Reader([]), Clock(10**9)).verdict == YES.verdict


@pytest.mark.parametrize("asked", TradingState)
@pytest.mark.parametrize(("answer", "known"), [(YES, {}), (NO, {}), (YES, {ID: YES})], ids=["yes", "no", "on record"])
def test_an_approval_that_finds_the_desk_called_off_is_a_no_with_its_bytes(asked, answer, known):
    gate = AuditedGate(
        reader=Reader([], answer), journal=Ledger([], known=known), clock=Clock(), asked_state=lambda: asked
    )
    exchange = asyncio.run(gate.review(situation(), 7))
    is_called_off = answer is YES and not known and asked is not TradingState.ACTIVE
    assert exchange.verdict.reason_code == ("called_off" if is_called_off else answer.verdict.reason_code)
    assert isinstance(exchange.verdict, Denied) is (is_called_off or answer is NO)
    assert exchange.raw_reply == answer.raw_reply


MISS = GateAnswer(verdict=Denied(reason_code="cassette_miss", backend="double", request_id=ID))


def test_a_strict_replay_stops_at_a_miss_once_it_is_on_record_and_every_time_it_is_resumed():
    told = []
    for ledger in (Ledger(told), Ledger(told, known={ID: MISS})):
        gate = AuditedGate(
            reader=Reader(told, MISS), journal=ledger, clock=Clock(), cassette=CassetteMode.REPLAY_STRICT
        )
        with pytest.raises(
            CassetteMiss, match="tick 7: the cassette holds no answer to the request SOL-PERP-60000-gate"
        ):
            asyncio.run(gate.review(situation(), 7))
    assert told == ["tick 7 will hear may I?", "asked may I?", "at 99 heard cassette_miss", "tick 7 will hear may I?"]


def test_any_other_replay_hears_a_miss_as_a_no():
    assert review(Ledger([]), Reader([], MISS)).verdict == MISS.verdict
