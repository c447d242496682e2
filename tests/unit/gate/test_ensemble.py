"""An ensemble says yes only where a quorum does, keeps the least that any yes keeps, and hides no member's words."""

import asyncio
import base64
import json
import math
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.tick import GateAnswer, GateEvidence, GateQuestion, Readiness
from gate.ensemble import EnsembleReader, EnsembleTerms, chance_of, evidence_of, ruling_on
from tests.unit.gate.metalabel.past import past, situation_of, trigger
from tests.unit.gate.metalabel.test_reader import reader as metalabel
from tests.unit.gate.ollama_double import Deed, chat, ollama, reply
from tests.unit.gate.questions import reader as model_on
from tests.unit.gate.questions import situation, ticking

YES, NO = "yes", "no"


def evidence(chance=0.7, **changes):
    known = {"source": "live", "model": "tiny", "prompt_version": "v", "prompt_sha256": "a" * 64, "digest": "d" * 64}
    return GateEvidence(**{**known, "p_win_frac": chance, **changes})


def said(word, chance=0.7, keep_frac=1.0, raw=b"{}", **changes):
    by = {"backend": "fake", "request_id": "r"}
    verdict = (
        Approved(keep_frac=keep_frac, reason_code="ok", **by) if word == YES else Denied(reason_code="llm_deny", **by)
    )
    return GateAnswer(verdict=verdict, raw_reply=raw, latency_ms=1.0, evidence=evidence(chance, **changes))


@dataclass
class Fake:
    """A reader that says what it is told to; with a barrier it answers only once all have been asked."""

    name: str
    answer: GateAnswer
    barrier: asyncio.Barrier | None = None
    readiness: Readiness | None = None
    asked: list[GateQuestion] = field(default_factory=list)

    def question(self, situation):
        made = situation.proposal
        return GateQuestion(
            request_id=f"{made.symbol}-{made.as_of_ms}-gate", symbol=made.symbol, as_of_ms=made.as_of_ms,
            backend=self.name, mode="veto", prompt=f'{{"to":"{self.name}"}}', break_even_frac=0.1 * len(self.name),
        )  # fmt: skip

    async def prepare(self):
        return self.readiness

    async def ask(self, question):
        self.asked.append(question)
        if self.barrier is not None:
            await self.barrier.wait()
        return self.answer


def ensemble(*members, quorum=None, names=None, least=0.5):
    names = tuple(one.name for one in members) if names is None else names
    terms = EnsembleTerms(names=names, quorum=len(members) if quorum is None else quorum, min_p_win_frac=least)
    return EnsembleReader(terms=terms, mode=GateMode.VETO, members=members, elapsed_s=ticking())


def asked(one, about=None):
    question = one.question(situation() if about is None else about)
    return question, asyncio.run(one.ask(question))


CHANCES = st.one_of(st.none(), st.floats(0, 1), st.floats(), st.sampled_from([0.5, math.nan, -0.1, 1.1]))
ANSWERS = st.one_of(
    st.builds(
        said, st.sampled_from([YES, YES, NO]), CHANCES, st.floats(0.001, 1.0), st.one_of(st.none(), st.binary()),
        load_ms=st.one_of(st.none(), st.floats()), server_version=st.one_of(st.none(), st.text()),
    ),
    st.builds(lambda answer: msgspec.structs.replace(answer, evidence=None), st.builds(said, st.just(YES))),
)  # fmt: skip
COUNCILS = st.lists(ANSWERS, min_size=2, max_size=5)


def is_yes(answer, least):
    """The oracle: an approval with a chance that is one, of at least the minimum."""
    chance = None if answer.evidence is None else answer.evidence.p_win_frac
    return isinstance(answer.verdict, Approved) and chance is not None and least <= chance <= 1.0


@given(COUNCILS, st.data(), st.floats(0, 1))
def test_it_approves_exactly_where_a_quorum_does_and_never_keeps_more_than_any_of_them(answers, data, least):
    quorum = data.draw(st.integers(1, len(answers)))
    one = ensemble(*(Fake(f"m{n}", answer) for n, answer in enumerate(answers)), quorum=quorum, least=least)
    _, answer = asked(one)
    yeses = [each.verdict.keep_frac for each in answers if is_yes(each, least)]
    assert isinstance(answer.verdict, Approved) == (len(yeses) >= quorum)
    if isinstance(answer.verdict, Approved):
        assert answer.verdict.keep_frac == min(yeses)
        assert answer.evidence.p_win_frac >= least
    else:
        assert answer.verdict.reason_code == GateReason.NO_QUORUM == "no_quorum"


@given(COUNCILS, st.data(), st.floats(0, 1))
def test_a_yes_that_becomes_a_no_never_turns_the_whole_into_a_yes(answers, data, least):
    quorum, place = data.draw(st.integers(1, len(answers))), data.draw(st.integers(0, len(answers) - 1))
    terms = EnsembleTerms(names=tuple(map(str, range(len(answers)))), quorum=quorum, min_p_win_frac=least)
    worse = [*answers]
    denied = Denied(reason_code="llm_deny", backend="fake", request_id="r")
    worse[place] = msgspec.structs.replace(answers[place], verdict=denied)
    before, after = (ruling_on(each, terms, "r") for each in (answers, worse))
    assert isinstance(before, Approved) or isinstance(after, Denied)


@given(COUNCILS, st.data())
def test_its_chance_is_the_highest_that_a_quorum_shares(answers, data):
    quorum = data.draw(st.integers(1, len(answers)))
    terms = EnsembleTerms(names=tuple(map(str, range(len(answers)))), quorum=quorum)
    chance = evidence_of(answers, terms).p_win_frac
    known = [one for one in map(chance_of, answers) if one is not None]
    if len(known) < quorum:
        assert chance is None
    else:
        assert sum(one >= chance for one in known) >= quorum > sum(one > chance for one in known)


def test_the_question_holds_every_members_own_and_each_is_asked_just_that():
    members = Fake("ollama", said(YES)), Fake("metalabel", said(NO))
    question, _ = asked(ensemble(*members))
    assert json.loads(question.prompt) == [
        {"backend": "ollama", "break_even_frac": 0.1 * 6, "prompt": '{"to":"ollama"}'},
        {"backend": "metalabel", "break_even_frac": 0.1 * 9, "prompt": '{"to":"metalabel"}'},
    ]
    assert question.break_even_frac == 0.1 * 9
    for member in members:
        assert member.asked == [member.question(situation())]
        assert member.asked[0].request_id == question.request_id == "SOL-PERP-60000-gate"


def test_every_members_reason_chance_and_raw_bytes_are_on_record():
    raw = b'\xff\x00{"half'
    _, answer = asked(ensemble(Fake("ollama", said(YES, 0.8, raw=raw)), Fake("metalabel", said(NO, 0.3, raw=None))))
    first, second = json.loads(answer.raw_reply)
    assert base64.b64decode(first["raw_reply_base64"]) == raw
    assert (first["member"], first["reason"], first["p_win_frac"], first["keep_frac"]) == ("ollama", "ok", 0.8, 1.0)
    assert (second["reason"], second["p_win_frac"], second["keep_frac"]) == ("llm_deny", 0.3, None)
    assert second["raw_reply_base64"] is None
    assert msgspec.convert(first["evidence"], GateEvidence) == evidence(0.8)
    assert answer.evidence.model == "ensemble(ollama,metalabel)"


def test_all_are_asked_at_the_same_time():
    """Each fake waits for the others: members asked one after the other would never be done."""

    async def go():
        barrier = asyncio.Barrier(3)
        one = ensemble(*(Fake(name, said(YES), barrier) for name in "abc"))
        return await asyncio.wait_for(one.ask(one.question(situation())), 10)

    assert isinstance(asyncio.run(go()).verdict, Approved)


def test_the_source_is_live_where_any_member_was_and_tokens_are_summed():
    terms = EnsembleTerms(names=("a", "b"), quorum=1)
    embedded = said(YES, source="embedded", n_prompt_tokens=None)
    live = said(YES, n_prompt_tokens=800, n_reply_tokens=40)
    assert evidence_of([embedded, live], terms).source == "live"
    assert evidence_of([embedded, embedded], terms).source == "embedded"
    assert evidence_of([embedded, said(YES, source="cassette")], terms).source == "cassette"
    found = evidence_of([live, live, embedded], terms)
    assert (found.n_prompt_tokens, found.n_reply_tokens) == (1_600, 80)
    assert evidence_of([live, said(YES, digest=None)], terms).digest is None


READY, AWAY = (
    Readiness(reason=GateReason.OK, told="there"),
    Readiness(reason=GateReason.UNREACHABLE, told="nobody there"),
)


@pytest.mark.parametrize(("quorum", "reason"), [(1, GateReason.OK), (2, GateReason.UNREACHABLE)])
def test_it_is_ready_when_a_quorum_is_and_tells_of_every_member(quorum, reason):
    members = Fake("a", said(YES), readiness=READY), Fake("b", said(YES), readiness=AWAY)
    found = asyncio.run(ensemble(*members, quorum=quorum).prepare())
    assert found.reason is reason
    assert found.told == "a: there; b: nobody there"


@pytest.mark.parametrize(
    ("names", "quorum", "least"),
    [(("a",), 1, 0.5), ((), 1, 0.5), (("a", "a"), 1, 0.5), (("a", "b"), 0, 0.5), (("a", "b"), 3, 0.5),
     (("a", "b"), 2, 1.5)],
)  # fmt: skip
def test_what_is_no_ensemble_is_refused(names, quorum, least):
    with pytest.raises(ValueError, match="ensemble|impossible"):
        EnsembleTerms(names=names, quorum=quorum, min_p_win_frac=least)


def test_names_and_members_are_as_many():
    with pytest.raises(ValueError, match="2 members for 3 names"):
        ensemble(Fake("a", said(YES)), Fake("b", said(YES)), quorum=1, names=("a", "b", "c"))


PAST, _ = past(300)
LIKELY = trigger(1_000, RETURN_BPS=40.0)


@pytest.mark.parametrize(
    ("deed", "quorum", "reason"),
    [
        (Deed(chat(reply())), 2, "ok"),
        (Deed(chat(reply("DENY", 20))), 2, "no_quorum"),
        (Deed(chat(reply("DENY", 20))), 1, "ok"),
        (Deed(b"", 500), 2, "no_quorum"),
        (Deed(b"", 500), 1, "ok"),
    ],
)
def test_a_server_and_the_meta_label_model_make_an_ensemble(deed, quorum, reason):
    with ollama(deed) as server:
        one = ensemble(model_on(server.url), metalabel(), quorum=quorum, names=("ollama:tiny:latest", "metalabel-1"))
        question, answer = asked(one, situation_of(LIKELY, PAST))
    assert answer.verdict.reason_code == reason
    first, second = json.loads(answer.raw_reply)
    assert base64.b64decode(first["raw_reply_base64"]) == deed.body
    assert second["reason"] == "ok"
    assert answer.evidence.model == "ensemble(ollama:tiny:latest,metalabel-1)"
    assert server.requests == [json.loads(json.loads(question.prompt)[0]["prompt"])]
