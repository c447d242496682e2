"""No bytes and no status end in an approval unless an oracle, written on its own, reads an approval in them."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.gate_reason import GateReason
from gate.chat_reader import judged
from gate.ollama import OllamaWire
from gate.reply import KEYS, SCHEMA, Reply, read_reply, ruling_on
from gate.terms import ChatTerms
from gate.transport import Arrived
from tests.unit.gate.ollama_double import MODEL, chat, reply
from tests.unit.gate.questions import question_of, reader

TERMS = ChatTerms(model=MODEL)
QUESTION = question_of(reader(TERMS.url))
LEAST_TOKENS = sum(len(one["content"]) for one in json.loads(QUESTION.prompt)["messages"]) / 8

# The oracle reads a reply as text: it knows nothing of objects, and so shares no step with the code under test.
ORDERED = re.compile(
    r'[ \t\r\n]*\{[ \t\r\n]*"analysis"[ \t\r\n]*:[ \t\r\n]*"(?P<analysis>(?:[^"\\\x00-\x1f]|\\.)+)"[ \t\r\n]*,'
    r'[ \t\r\n]*"p_win_pct"[ \t\r\n]*:[ \t\r\n]*(?P<chance>0|[1-9][0-9]?|100)[ \t\r\n]*,'
    r'[ \t\r\n]*"verdict"[ \t\r\n]*:[ \t\r\n]*"APPROVE"[ \t\r\n]*\}[ \t\r\n]*'
)


def oracle_approves(status, fields):
    """Say whether an answer of these fields may pass: each condition of the contract, one by one."""
    text = fields["message"]["content"] if isinstance(fields.get("message"), dict) else None
    found = ORDERED.fullmatch(text) if isinstance(text, str) else None
    tokens = fields.get("prompt_eval_count")
    return (
        status == 200
        and fields.get("model") == MODEL
        and fields.get("done") is True
        and fields.get("done_reason") == "stop"
        and "error" not in fields
        and not fields.get("remote_host")
        and not fields.get("remote_model")
        and not fields["message"].get("tool_calls")
        and isinstance(tokens, int)
        and not isinstance(tokens, bool)
        and LEAST_TOKENS <= tokens <= 4096 - 200
        and found is not None
        and len(found["analysis"]) <= 240
        and int(found["chance"]) >= 50
    )


def reason_of(status, body):
    return judged(Arrived(status=status, body=body, failure=None), QUESTION, OllamaWire(terms=TERMS), TERMS).reason


CHANCES = st.one_of(st.integers(-5, 110), st.floats(), st.booleans(), st.none(), st.text(max_size=3))
VERDICTS = st.sampled_from(["APPROVE", "DENY", "approve", "APPROVE ", "", None, 1, ["APPROVE"]])
# Plain letters: what escapes and controls do to an analysis has its own cases among the server's.
ANALYSES = st.one_of(st.text("abc xyz.", min_size=0, max_size=250), st.none())
TEXTS = st.one_of(
    st.builds(reply, VERDICTS, CHANCES, ANALYSES),
    st.builds(reply, st.just("APPROVE"), st.integers(40, 100), st.text("abc ", min_size=1, max_size=245)),
    st.builds(lambda tail: reply() + tail, st.sampled_from(["", " ", "\n", ",", "}", "APPROVE", "\0"])),
    st.text(max_size=40),
)
ODD = st.one_of(st.none(), st.booleans(), st.integers(-10, 5_000), st.text(max_size=5))
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([MODEL, "tiny", "", None]),
        "done": ODD,
        "done_reason": st.sampled_from(["stop", "length", "load", "", None, True]),
        "prompt_eval_count": ODD,
        "remote_host": st.sampled_from(["", "https://ollama.com:443", None]),
        "error": ODD,
        "unknown": ODD,
    },
)


@given(status=st.sampled_from([200, 200, 200, 201, 204, 307, 404, 500]), text=TEXTS, changes=FIELDS)
@example(status=200, text=reply(), changes={})
def test_only_what_the_oracle_approves_is_approved_and_all_of_it(status, text, changes):
    body = chat(text, **changes)
    assert (reason_of(status, body) is GateReason.OK) == oracle_approves(status, json.loads(body))


@given(status=st.integers(100, 599), body=st.binary(max_size=300))
def test_no_bytes_at_random_approve(status, body):
    assert reason_of(status, body) is not GateReason.OK


WHOLE = chat(reply())


@given(place=st.integers(0, len(WHOLE) - 1), byte=st.binary(min_size=0, max_size=3))
def test_a_damaged_approval_stays_one_only_where_the_damage_says_nothing(place, byte):
    body = WHOLE[:place] + byte + WHOLE[place + 1 :]
    if reason_of(200, body) is GateReason.OK:
        fields = json.loads(body)
        assert fields["model"] == MODEL
        assert fields["done"] is True
        assert fields["done_reason"] == "stop"
        assert json.loads(fields["message"]["content"])["verdict"] == "APPROVE"
        assert json.loads(fields["message"]["content"])["p_win_pct"] >= 50


@given(cut=st.integers(0, len(WHOLE) - 1))
def test_an_approval_cut_short_is_none(cut):
    assert reason_of(200, WHOLE[:cut]) is GateReason.PROTOCOL_VIOLATION


@pytest.mark.parametrize("chance", range(101))
@pytest.mark.parametrize("verdict", ["APPROVE", "DENY"])
def test_a_verdict_passes_only_where_its_own_figure_carries_it(verdict, chance):
    given_reply = read_reply(reply(verdict, chance))
    assert isinstance(given_reply, Reply)
    ruling = ruling_on(given_reply, min_p_win_frac=0.6, break_even_frac=0.37)
    assert (ruling is GateReason.OK) == (verdict == "APPROVE" and chance >= 60)
    assert (ruling is GateReason.BELOW_THRESHOLD) == (verdict == "APPROVE" and 37 <= chance < 60)
    assert (ruling is GateReason.LLM_DENY) == (verdict == "DENY" and chance < 60)


def test_a_trade_that_can_never_pay_is_never_approved():
    sure = read_reply(reply(chance=100))
    assert isinstance(sure, Reply)
    assert ruling_on(sure, min_p_win_frac=0.0, break_even_frac=1.01) is GateReason.INCONSISTENT


def test_the_schema_that_is_sent_asks_for_what_is_checked():
    assert SCHEMA["properties"].keys() == KEYS == set(SCHEMA["required"])
    assert SCHEMA["additionalProperties"] is False
