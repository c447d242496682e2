"""A run that is lived again finds each answer where it was left: with its tick, in the event, or nowhere."""

import re

import pytest

from db.answered import told
from db.opening import open_journal
from domain.decisions import Approved, Denied
from domain.errors import JournalCorrupt
from domain.tick import GateAnswer
from tests.contract.journal_samples import EVIDENCE, header, sample

ID = "SOL-PERP-1-gate"
YES = Approved(keep_frac=0.5, reason_code="ok", backend="double", request_id=ID)
NO = Denied(reason_code="deadline", backend="double", request_id=ID)
RAW = b'{"half": "\xff\x00'


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'journal.db'}"


def asked(url, answer=None):
    """Record a question, its answer where one is given, and what an order would make durable; then be gone."""
    with open_journal(url, writable=True) as store:
        journal = store.begin(header(), 1)
        journal.record_request(1, ID, "double", "veto", "may I?")
        if answer is not None:
            journal.record_answer(ID, answer, 2)
            journal.commit()


def answer_again(url):
    with open_journal(url, writable=True) as store:
        return store.resume("first", header()).recorded_answer(ID)


@pytest.mark.parametrize("verdict", [YES, NO])
def test_an_answer_whose_tick_was_lost_is_in_the_event_to_the_byte(url, verdict):
    answer = GateAnswer(verdict=verdict, raw_reply=RAW, latency_ms=12.5, evidence=EVIDENCE)
    asked(url, answer)
    assert answer_again(url) == answer


def test_a_question_without_an_answer_was_denied(url):
    asked(url)
    assert answer_again(url) == GateAnswer(verdict=Denied(reason_code="interrupted", backend="double", request_id=ID))


def test_an_answer_that_was_not_durable_is_none(url):
    with open_journal(url, writable=True) as store:
        journal = store.begin(header(), 1)
        journal.record_request(1, ID, "double", "veto", "may I?")
        journal.record_answer(ID, GateAnswer(verdict=YES, raw_reply=RAW), 2)
    assert answer_again(url).verdict.reason_code == "interrupted"


def test_a_question_that_was_never_asked_is_new(url):
    asked(url)
    with open_journal(url, writable=True) as store:
        assert store.resume("first", header()).recorded_answer("SOL-PERP-2-gate") is None
    with open_journal(url, writable=True) as store:
        assert store.begin(header("second"), 1).recorded_answer(ID) is None


def test_a_whole_tick_gives_its_answer_back(url):
    with open_journal(url, writable=True) as store:
        journal = store.begin(header(), 1)
        for tick_no in range(1, 10):
            journal.append(sample(tick_no))
        journal.commit()
        again = store.compare("first")
        for tick_no in (5, 8):
            exchange = sample(tick_no).gate
            found = again.recorded_answer(exchange.request_id)
            assert (found.verdict, found.raw_reply) == (exchange.verdict, exchange.raw_reply)
            assert (found.latency_ms, found.evidence) == (exchange.latency_ms, exchange.evidence)


def test_the_event_is_ascii_whatever_arrived():
    assert told(ID, GateAnswer(verdict=NO, raw_reply=RAW)).isascii()


@pytest.mark.parametrize(
    ("detail", "why"),
    [
        ("not JSON", "holds no answer"),
        ('{"request_id":"a"}', "holds no answer"),
        (told(ID, GateAnswer(verdict=YES)).replace("0.5", "1.5"), "outside (0, 1]"),
    ],
)
def test_an_event_that_no_gate_can_have_given_is_damage(url, detail, why):
    with open_journal(url, writable=True) as store:
        journal = store.begin(header(), 1)
        journal.record_request(1, ID, "double", "veto", "may I?")
        journal.event("gate_answered", detail, 2)
        journal.commit()
    with pytest.raises(JournalCorrupt, match=re.escape(why)):
        answer_again(url)
