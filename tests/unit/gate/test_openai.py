"""Whatever an OpenAI-compatible server does, the desk gets a reasoned no, unless all of the answer is right."""

import asyncio
import json
import math

import pytest

from db.answered import told as on_record
from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from gate.chat_reader import ChatReader
from gate.openai import OpenAiLine, OpenAiWire
from gate.terms import ChatTerms
from gate.transport import MOST_BYTES
from tests.unit.gate.ollama_double import MODEL, Deed, reply, told
from tests.unit.gate.openai_double import choice, completion, models, openai
from tests.unit.gate.questions import ask, builder, question_of, ready, ticking

TOOL = [{"id": "1", "type": "function", "function": {"name": "buy", "arguments": "{}"}}]


def said(content, **changes):
    return Deed(completion(choice(content, **changes)))


def used(**usage):
    return Deed(completion(usage=usage))


# What the server does, and the reason it must end in. What the text itself must be has its cases with Ollama's.
ANSWERS = {
    "approves": (said(reply()), "ok"),
    "approves and tells what it left out": (
        said(reply(), refusal=None, tool_calls=[], function_call=None, reasoning_content=None), "ok",
    ),
    "approves without a fingerprint": (Deed(completion(system_fingerprint=...)), "ok"),
    "denies": (said(reply("DENY", 20)), "llm_deny"),
    "denies what it counts as good": (said(reply("DENY", 90)), "inconsistent"),
    "approves what pays, below the threshold": (said(reply(chance=49)), "below_threshold"),
    "wants a key": (Deed(b'{"error":{"message":"Invalid API Key","code":401}}', 401), "forbidden_host"),
    "has had enough": (Deed(b"{}", 429), "server_busy"),
    "is loading": (Deed(b'{"error":{"message":"Loading model","code":503}}', 503), "server_busy"),
    "does not have the model": (Deed(b'{"error":{"code":404}}', 404), "model_not_found"),
    "refuses the question": (Deed(b'{"error":{"code":400}}', 400), "bad_request"),
    "fails": (Deed(b"oops", 500), "server_error"),
    "points elsewhere": (Deed(b"", 308, headers=("Location: http://127.0.0.1:9/evil",)), "redirected"),
    "reports an error in a 200": (Deed(b'{"error":{"message":"boom"}}'), "server_error"),
    "reports an error beside an approval": (Deed(completion(error="boom")), "server_error"),
    "says nothing": (Deed(b""), "protocol_violation"),
    "streams": (Deed(b'data: {"choices":[]}\n\ndata: [DONE]\n\n', 200, "text/event-stream"), "protocol_violation"),
    "answers twice": (Deed(completion() + completion()), "protocol_violation"),
    "names a field twice": (Deed(b'{"model":"x",' + completion()[1:]), "protocol_violation"),
    "counts in NaN": (Deed(completion(timings={"prompt_ms": math.nan})), "protocol_violation"),
    "gives no choice": (Deed(completion(choices=[])), "protocol_violation"),
    "gives two choices": (Deed(completion(choice(), choice(index=1))), "protocol_violation"),
    "gives the second choice": (Deed(completion(choice(index=1))), "protocol_violation"),
    "counts choices in false": (Deed(completion(choice(index=False))), "protocol_violation"),
    "gives a choice in words": (Deed(completion("APPROVE")), "protocol_violation"),
    "gives choices that are no list": (Deed(completion(choices={})), "protocol_violation"),
    "leaves out the message": (Deed(completion({"index": 0, "finish_reason": "stop"})), "protocol_violation"),
    "speaks for the user": (said(None, role="user"), "protocol_violation"),
    "speaks for nobody": (said(None, role=...), "protocol_violation"),
    "gives parts for a content": (said([{"type": "text", "text": reply()}]), "protocol_violation"),
    "gives no content": (said(...), "reply_empty"),
    "gives an empty content": (said(""), "reply_empty"),
    "answers in prose": (said("Yes."), "reply_not_json"),
    "answers with one key more": (said(reply()[:-1] + ',"size":2}'), "reply_schema"),
    "is cut off at its length": (said('{"analysis":"th', finish="length"), "openai_length"),
    "is cut off with a whole reply": (said(None, finish="length"), "openai_length"),
    "gives no reason to be done": (said(None, finish=None), "protocol_violation"),
    "is not done": (said(None, finish=""), "protocol_violation"),
    "wants a tool": (said(None, tool_calls=TOOL), "reply_tool_call"),
    "stops for a tool": (said(None, finish="tool_calls"), "reply_tool_call"),
    "wants a function": (said(None, function_call={"name": "buy"}), "reply_tool_call"),
    "refuses": (said(None, refusal="I cannot give advice."), "reply_refused"),
    "refuses without a word": (said(None, refusal=""), "reply_refused"),
    "filters": (said(None, finish="content_filter"), "reply_refused"),
    "names no model": (Deed(completion(model=...)), "protocol_violation"),
    "answers with another model": (Deed(completion(model="other")), "identity_changed"),
    "answers with another build": (Deed(completion(system_fingerprint="b2")), "identity_changed"),
    "tells no usage": (Deed(completion(usage=...)), "protocol_violation"),
    "tells no count": (used(total_tokens=840), "protocol_violation"),
    "counts what it read as true": (used(prompt_tokens=True), "protocol_violation"),
    "counts what it read in parts": (used(prompt_tokens=800.0), "protocol_violation"),
    "read half of the question": (used(prompt_tokens=120), "prompt_truncated"),
    "read more than the window holds": (used(prompt_tokens=3_897), "prompt_truncated"),
    "answers with a megabyte": (said(reply(analysis="a" * 1_000_000)), "reply_too_long"),
    "ends in the middle": (Deed(completion()[:40], declared=999), "connection_lost"),
}  # fmt: skip

# What is found before the first question.
UNFIT = {
    "no such model": (("/v1/models", told(object="list", data=[])), "model_not_found"),
    "a list that is none": (("/v1/models", told(object="list")), "protocol_violation"),
    "one model twice": (("/v1/models", told(data=[{"id": MODEL}] * 2)), "protocol_violation"),
    "no list at all": (("/v1/models", Deed(b"not found", 404)), "protocol_violation"),
    "an entry as deep as a pit": (
        ("/v1/models", Deed(b'{"data":[{"id":"%s","x":%s}]}' % (MODEL.encode(), b"[" * 800 + b"]" * 800))),
        "protocol_violation",
    ),
    "a window too small": (("/v1/models", models(max_model_len=2048)), "context_changed"),
    "a window too small, as llama.cpp tells it": (("/v1/models", models(meta={"n_ctx": 2048})), "context_changed"),
    "a poem": (("canary", said("The tide comes in")), "format_not_enforced"),
    "a poem without end": (("canary", said("The tide", finish="length")), "openai_length"),
}
AFTERWARDS = {
    "an entry that tells of other weights": (models(meta={"n_params": 5_000}), "identity_changed"),
    "no entry": (told(data=[]), "model_not_found"),
    "an error": (Deed(b"{}", 500), "server_error"),
}
CASES = {**ANSWERS, **UNFIT, **AFTERWARDS}


def reader(url, **terms):
    wire = OpenAiWire(terms=ChatTerms(**{"url": url, "model": MODEL, "deadline_s": 5.0, **terms}))
    return ChatReader(
        terms=wire.terms,
        mode=GateMode.VETO,
        prompt=builder(),
        wire=wire,
        line=OpenAiLine(wire),
        elapsed_s=ticking(),
    )


@pytest.mark.parametrize(("deed", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_each_answer_ends_in_its_reason_and_its_bytes_are_kept(deed, reason):
    with openai(deed) as server:
        answer = ask(ready(reader(server.url)))
    assert answer.verdict.reason_code == reason
    assert isinstance(answer.verdict, Approved if reason == "ok" else Denied)
    assert answer.verdict.backend == "openai"
    assert answer.raw_reply == deed.body[:MOST_BYTES]


@pytest.mark.parametrize(("change", "reason"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_before_the_first_question_is_found_and_no_question_is_asked(change, reason):
    place, deed = change
    with openai(Deed(completion())) as server:
        server.canary, server.routes = (deed if place == "canary" else server.canary), {**server.routes}
        if place != "canary":
            server.routes[place] = deed
        one = reader(server.url)
        found, answer = asyncio.run(one.prepare()), ask(one)
    assert (found.reason, answer.verdict.reason_code) == (GateReason(reason), reason)
    assert server.requests == []


@pytest.mark.parametrize(("deed", "reason"), AFTERWARDS.values(), ids=AFTERWARDS)
def test_an_answer_counts_only_when_the_pinned_entry_is_there_after_it(deed, reason):
    with openai(Deed(completion())) as server:
        one = ready(reader(server.url))
        server.routes["/v1/models"] = deed
        assert ask(one).verdict.reason_code == reason


@pytest.mark.parametrize(
    "changes",
    [{"created": 2}, {"permission": [{"id": "modelperm-2", "created": 9}]}, {"status": {"value": "loaded"}}],
    ids=str,
)
def test_what_only_says_when_is_no_other_model(changes):
    with openai(Deed(completion())) as server:
        one = ready(reader(server.url))
        server.routes["/v1/models"] = models(**changes)
        assert ask(one).verdict.reason_code == "ok"


def test_a_build_that_changes_between_two_looks_is_found():
    with openai(Deed(completion())) as server:
        one = ready(reader(server.url))
        server.canary = Deed(completion(system_fingerprint="b2"))
        assert asyncio.run(one.prepare()).reason is GateReason.IDENTITY_CHANGED


@pytest.mark.parametrize("fingerprint", ["\ud800", "b10488-abc\x00", 7, ["b10488-abc"]], ids=ascii)
def test_a_build_that_no_record_could_hold_counts_as_not_told(fingerprint):
    with openai(Deed(completion(system_fingerprint=fingerprint))) as server:
        answer = ask(ready(reader(server.url)))
    assert (answer.verdict.reason_code, answer.evidence.server_version) == ("ok", None)
    assert on_record("SOL-PERP-60000-gate", answer)


def test_the_entry_that_the_settings_pin_is_asked_and_another_is_not():
    with openai(Deed(completion())) as server:
        found = asyncio.run(reader(server.url).prepare())
        assert "its weights are not told" in found.told
        assert asyncio.run(reader(server.url, digest=found.digest[:12]).prepare()).is_ready
        other = asyncio.run(reader(server.url, digest="0" * 12).prepare())
    assert (other.reason, other.is_ready) == (GateReason.IDENTITY_CHANGED, False)


def test_the_question_that_is_sent_is_the_one_on_record_and_asks_for_the_schema():
    with openai(Deed(completion())) as server:
        one = ready(reader(server.url))
        question, n_before = question_of(one), len(server.paths)
        asyncio.run(one.ask(question))
    assert server.paths[n_before:] == ["POST /v1/chat/completions HTTP/1.1", "GET /v1/models HTTP/1.1"]
    sent = server.requests[0]
    assert json.dumps(sent, sort_keys=True, separators=(",", ":")) == question.prompt
    assert (sent["model"], sent["stream"], sent["temperature"], sent["seed"], sent["max_tokens"]) == (
        MODEL, False, 0, 7, 200,
    )  # fmt: skip
    schema = sent["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert list(schema["schema"]["properties"]) == schema["schema"]["required"]


def test_the_evidence_tells_who_answered_and_what_it_cost_for_a_no_as_well():
    with openai(said(reply("DENY", 20))) as server:
        found = ask(ready(reader(server.url))).evidence
    assert (found.source, found.model, found.server_version) == ("live", MODEL, "b10488-abc")
    assert (found.p_win_frac, found.n_prompt_tokens, found.n_reply_tokens) == (0.2, 800, 40)
    assert (found.load_ms, found.prompt_ms, found.reply_ms) == (None, 20.5, 30.0)
    assert len(found.digest) == 64


@pytest.mark.parametrize("odd", [True, "20", -1, 10**400, {}, None])
def test_timings_that_are_none_are_left_out(odd):
    with openai(Deed(completion(timings={"prompt_ms": odd, "predicted_ms": 1}))) as server:
        answer = ask(ready(reader(server.url)))
    assert (answer.verdict.reason_code, answer.evidence.prompt_ms) == ("ok", None)
