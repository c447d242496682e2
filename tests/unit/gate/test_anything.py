"""No bytes, status, delay or ending of an answer approve a trade unless the oracle, which stands alone, does."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from domain.decisions import Approved
from gate.breaker import Breaker
from tests.unit.gate.ollama_double import MODEL, Deed, chat, ollama, reply
from tests.unit.gate.oracle import NoJson, Text, is_approval
from tests.unit.gate.questions import question_of, reader, ready

DEADLINE_S = 0.25
WHOLE = chat()
PIECES = [
    b'"APPROVE"', b'\\"APPROVE\\"', b'\\"DENY\\"', b'"done": true', b'"stop"', b'"length"', b'"model": "tiny:latest"',
    b"\\u0000", b"\\ud800", b"\\u202e", b"1e999", b"Infinity", b"NaN", b"-0", b"007", b"{", b"}", b"[" * 60, b"\0",
    b"\xff", b"\xef\xbb\xbf", b"\n", b"//", b"'", b",", b'"error": null,', b'"remote_host": "",', b'"done": false,',
]  # fmt: skip


@st.composite
def damaged(draw):
    """Return a sound approval with a few pieces put in, cut out or put over."""
    body = WHOLE
    for _ in range(draw(st.integers(0, 3))):
        place, length = draw(st.integers(0, len(body))), draw(st.integers(0, 12))
        body = body[:place] + draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3))) + body[place + length :]
    return body


ANALYSES = st.one_of(
    st.text(max_size=12), st.sampled_from(["a" * 240, "a" * 241, "", "\u00e4\U0001f642", "\ud83d\ude42"])
)
REPLIES = st.builds(
    reply,
    st.sampled_from(["APPROVE", "APPROVE", "APPROVE", "DENY", "APPROVE ", "\u0410PPROVE", True]),
    st.one_of(st.integers(45, 101), st.sampled_from([70.0, True, "70", None, float("inf"), 10**400])),
    ANALYSES,
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([MODEL, "tiny", None]),
        "done": st.sampled_from([True, 1, False]),
        "done_reason": st.sampled_from(["stop", "length", None]),
        "prompt_eval_count": st.sampled_from([300, 800, 3_896, 3_897, True, 800.0, -1]),
        "message": st.sampled_from([{}, {"content": reply()}, {"content": reply(), "tool_calls": [1]}, reply()]),
        "error": st.sampled_from([None, "", "boom"]),
        "remote_host": st.sampled_from(["", "https://ollama.com", None]),
        "extra": st.sampled_from([1, [[[[]]]], {"a": 1e308}]),
    },
)
BODIES = st.one_of(
    st.binary(max_size=200),
    damaged(),
    st.builds(chat, REPLIES),
    st.builds(lambda text, changes: chat(text, **changes), REPLIES, CHANGES),
)
# Most of what is drawn comes whole and in time: an answer that never arrives tests no more than the deadline.
DEEDS = st.builds(
    Deed,
    body=BODIES,
    status=st.sampled_from([200] * 10 + [201, 204, 301, 404, 500, 503]),
    declared=st.one_of(*[st.none()] * 6, st.integers(0, 2_000)),
    ending=st.sampled_from(["close"] * 12 + ["reset", "hang", "drip"]),
    has_head=st.sampled_from([True] * 15 + [False]),
    delay_s=st.sampled_from([0.0] * 15 + [0.01, 9.0]),
)


@pytest.fixture(scope="module")
def asked():
    """Return what comes of a deed of one server that stays up, and how many milliseconds it took."""
    deeds = []
    with ollama(lambda _: deeds[-1]) as server:
        one = ready(reader(server.url, deadline_s=DEADLINE_S))
        question = question_of(one)

        def come_of(deed):
            deeds.append(deed)
            one.breaker = Breaker(open_bars=0)
            return question, asyncio.run(one.ask(question))

        yield come_of


def oracle_says(question, deed):
    told = sum(len(message["content"].encode()) for message in json.loads(question.prompt)["messages"])
    declared = len(deed.body) if deed.declared is None else deed.declared
    is_whole = deed.has_head and declared <= len(deed.body)
    return is_whole and is_approval(
        deed.status, deed.body[:declared], model=MODEL, least_tokens=told / 8, most_tokens=4096 - 200, least_pct=50
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deed=DEEDS)
@example(deed=Deed(WHOLE))
@example(deed=Deed(WHOLE, declared=len(WHOLE) + 1))
@example(deed=Deed(WHOLE + b" ", declared=len(WHOLE)))
@example(deed=Deed(WHOLE, ending="hang"))
@example(deed=Deed(WHOLE, ending="drip"))
@example(deed=Deed(WHOLE, delay_s=9.0))
@example(deed=Deed(WHOLE + WHOLE))
@example(deed=Deed(chat(reply(analysis="a" * 1_000_000))))
def test_whatever_comes_is_approved_only_where_the_oracle_reads_an_approval(asked, deed):
    question, answer = asked(deed)
    says = oracle_says(question, deed)
    event(answer.verdict.reason_code)
    if isinstance(answer.verdict, Approved):
        assert says
        assert answer.raw_reply == deed.body[: deed.declared]
    elif deed.ending == "close" and deed.delay_s == 0.0:
        assert not says or answer.verdict.reason_code == "deadline"


@settings(max_examples=400)
@given(body=BODIES)
@example(body=WHOLE)
def test_the_oracle_reads_json_as_json_is(body):
    """A check of the oracle: what it reads as a value, the library reads as the same value."""
    try:
        found = Text(body.decode()).whole()
    except (UnicodeDecodeError, NoJson):
        return
    assert json.loads(body) == found
