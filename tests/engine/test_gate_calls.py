"""The gate in front of a real constrained decoder: llama.cpp in this process, one thread, a model of drawn weights.

What such a model says is noise. That it says it in the agreed form, that a cut answer is a no and that a deadline
frees the engine is what is looked at here. These tests have a folder of their own, beside those on recordings: they
too need something that is not everywhere, and skip with a word where it is missing.
"""

import asyncio
import json
from collections import Counter

import pytest

from domain.decisions import Approved, Denied
from gate.check.probes import situations
from gate.reply import fits_schema
from tests.doubles.engine_fixture import engine_server
from tests.unit.gate.questions import reader, ready, situation

N_CALLS = 200
WINDOW = 16_384
JUDGED = {"ok", "llm_deny", "below_threshold", "inconsistent"}
CUT = {"ollama_done_length", "reply_not_json"}


@pytest.fixture(scope="module")
def server(request):
    with engine_server(request) as served:
        yield served


def asker(server, **terms):
    return reader(server.url, **{"context_tokens": WINDOW, "deadline_s": 30.0, **terms})


def test_two_hundred_answers_of_a_real_decoder_are_all_as_agreed_and_of_both_kinds(server):
    one = ready(asker(server))

    async def ask_all():
        return [await one.ask(one.question(each)) for each in situations(N_CALLS, seed=11)]

    answers = asyncio.run(ask_all())
    reasons = Counter(answer.verdict.reason_code for answer in answers)
    assert reasons.keys() <= JUDGED, reasons
    texts = [json.loads(answer.raw_reply)["message"]["content"] for answer in answers]
    assert all(fits_schema(text) for text in texts)
    assert {json.loads(text)["verdict"] for text in texts} == {"APPROVE", "DENY"}
    assert len({json.loads(text)["p_win_pct"] for text in texts}) > 2
    for answer in answers:
        assert isinstance(answer.verdict, Approved if answer.verdict.reason_code == "ok" else Denied)
        assert answer.evidence.digest == server.installed.digest
        assert answer.evidence.n_prompt_tokens > 0


def test_the_same_question_has_the_same_answer_whatever_was_asked_in_between(server):
    one = ready(asker(server))
    first, other = situations(2, seed=3)

    async def ask_all():
        return [await one.ask(one.question(each)) for each in (first, other, first)]

    texts = [json.loads(answer.raw_reply)["message"]["content"] for answer in asyncio.run(ask_all())]
    assert texts[0] == texts[2]


@pytest.mark.parametrize("n_tokens", [16, 20, 24, 28, 32, 36, 40])
def test_an_answer_that_is_cut_is_a_no(server, n_tokens):
    """The reply needs some forty tokens: each of these either ends in time, as agreed, or is cut and denied."""
    one = asker(server, reply_tokens=n_tokens)
    question = one.question(situation())

    async def call():
        arrived = await one.line.call(question.prompt.encode(), 30.0)
        return one.wire.heard(arrived, question.prompt), json.loads(arrived.body)

    heard, answered = asyncio.run(call())
    is_whole = fits_schema(answered["message"]["content"]) and answered["done_reason"] == "stop"
    assert heard.reason.value == ("ok" if is_whole else "ollama_done_length")
    if n_tokens <= 24:
        assert not is_whole


def test_a_question_beyond_the_window_is_refused_and_nothing_is_generated(server):
    one = asker(server, context_tokens=1_024)
    question = one.question(situation())
    n_before = len(server.chats.asked)
    arrived = asyncio.run(one.line.call(question.prompt.encode(), 30.0))
    assert one.wire.heard(arrived, question.prompt).reason.value == "bad_request"
    assert [asked.has_begun for asked in server.chats.asked[n_before:]] == [False]


def test_a_desk_that_leaves_at_its_deadline_frees_the_engine_for_the_next_question(server):
    """Five thousand words are more than the window holds: left alone, the decoder would go on to its end."""
    one = ready(asker(server))
    endless = {
        "model": one.terms.model,
        "messages": [{"role": "user", "content": "Count."}],
        "format": {"type": "array", "items": {"enum": ["APPROVE", "DENY", "volume"]}, "minItems": 5_000},
        "options": {"num_ctx": WINDOW, "num_predict": 1_000_000, "temperature": 0},
        "stream": False,
        "think": False,
        "shift": False,
    }

    async def leave_and_ask():
        gone = await one.line.call(json.dumps(endless).encode(), 0.5)
        return gone, await one.ask(one.question(situation()))

    n_before = len(server.chats.asked)
    gone, answer = asyncio.run(leave_and_ask())
    left, asked = server.chats.asked[n_before:]
    assert gone.failure.value == "deadline"
    assert answer.verdict.reason_code in JUDGED
    # It was in the middle of its work, was stopped there, and the next one had the engine to itself.
    assert left.hung_up
    assert left.has_begun
    assert left.n_pieces > 0
    assert not left.is_over
    assert asked.is_over
    assert server.chats.n_most_at_once == 1
