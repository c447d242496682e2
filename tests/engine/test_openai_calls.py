"""The OpenAI-compatible backend on the protocol as llama.cpp's own server speaks it, nothing of ours between."""

import asyncio

import httpx
import pytest

from desk.clock import SystemClock
from domain.decisions import GateMode
from gate.chat_reader import ChatReader
from gate.check.calls import Caller
from gate.check.findings import Fit, Level, examined
from gate.openai import OpenAiLine, OpenAiWire
from gate.terms import ChatTerms
from tests.unit.gate.questions import builder, situation

WINDOW = 16_384
N_SITUATIONS = 15


@pytest.fixture(scope="module")
def engine(tiny_gguf):
    """Return the address of the engine's own server and the name it gives its model."""
    from tests.doubles.llama import Llama

    llama = Llama(tiny_gguf)
    asyncio.run(llama.load(WINDOW))
    yield llama.url, httpx.get(f"{llama.url}/v1/models", trust_env=False).json()["data"][0]["id"]
    llama.drop()


def asker(engine, **terms):
    url, model = engine
    known = {"url": url, "model": model, "deadline_s": 30.0, "context_tokens": WINDOW, **terms}
    wire = OpenAiWire(terms=ChatTerms(**known))
    return ChatReader(
        terms=wire.terms,
        mode=GateMode.VETO,
        prompt=builder(),
        wire=wire,
        line=OpenAiLine(wire),
        elapsed_s=SystemClock().elapsed_s,
    )


def test_every_answer_is_as_agreed_and_the_server_is_fit(engine):
    one = asker(engine)
    heard = asyncio.run(Caller(one, SystemClock().elapsed_s, lambda _: None).hear(N_SITUATIONS, 7))
    done = examined(heard, one.terms)
    assert done.fit is not Fit.NOT_FIT, done
    found = {finding.name: finding for finding in done.findings}
    assert found["answers"].level is Level.OK
    assert found["long questions"].level is Level.OK
    assert len({said.ruling for said in heard.plain}) > 2
    assert all(said.n_prompt_tokens > 0 for said in heard.plain)


@pytest.mark.parametrize("n_tokens", [16, 20])
def test_an_answer_that_is_cut_is_a_no(engine, n_tokens):
    one = asker(engine, reply_tokens=n_tokens)
    question = one.question(situation())
    arrived = asyncio.run(one.line.call(question.prompt.encode(), 30.0))
    assert one.wire.heard(arrived, question.prompt).reason.value == "openai_length"
