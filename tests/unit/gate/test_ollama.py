"""Whatever an Ollama server does, the desk gets a reasoned no in time, unless everything about the answer is right."""

import asyncio
import gzip
import json
import socket

import pytest

from domain.decisions import Approved, Denied
from gate.breaker import MOST_FAILURES
from gate.terms import ChatTerms
from gate.transport import MOST_BYTES
from tests.unit.gate.ollama_double import MODEL, Deed, chat, ollama, reply
from tests.unit.gate.questions import ask, question_of, reader, ready, timed

GRACE_S = 0.25
DEADLINE_S = 0.6
TOOL = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "buy", "arguments": {}}}]}


def said(content, **changes):
    return Deed(chat(content, **changes))


def message(**fields):
    return Deed(chat(message={"role": "assistant", **fields}))


# What the server does, and the reason it must end in. Names tell the case.
CASES = {
    "approves": (said(reply()), "ok"),
    "approves with blanks around the object": (said(f"\n {reply()}\n"), "ok"),
    "approves at the break-even and threshold": (said(reply(chance=50)), "ok"),
    "approves and stays on the line": (Deed(chat(), ending="hang"), "ok"),
    "approves after a while": (Deed(chat(), delay_s=0.05), "ok"),
    "denies": (said(reply("DENY", 20)), "llm_deny"),
    "denies what it counts as good": (said(reply("DENY", 90)), "inconsistent"),
    "approves what would not pay for its costs": (said(reply(chance=36)), "inconsistent"),
    "approves what pays, below the threshold": (said(reply(chance=49)), "below_threshold"),
    "does not have the model": (Deed(b'{"error":"model \'tiny\' not found"}', 404), "model_not_found"),
    "refuses the question": (Deed(b'{"error":"exceed_context_size_error"}', 400), "bad_request"),
    "forbids this host": (Deed(b"", 403), "forbidden_host"),
    "says the question was withdrawn": (Deed(b'{"error":"request canceled"}', 499), "cancelled"),
    "has a full queue": (Deed(b'{"error":"server busy, please try again."}', 503), "server_busy"),
    "fails": (Deed(b'{"error":"model runner has unexpectedly stopped"}', 500), "server_error"),
    "fails with a list": (Deed(b'["x"]', 500), "server_error"),
    "is a proxy with a page of its own": (Deed(b"<html>502</html>", 502, "text/html"), "server_error"),
    "asks for a payment": (Deed(b"{}", 402), "protocol_violation"),
    "points elsewhere": (Deed(b"", 307, headers=("Location: http://127.0.0.1:9/evil",)), "redirected"),
    "points to a name that is none": (Deed(b"", 307, headers=("Location: http://xn--a/",)), "redirected"),
    "points to no address at all": (Deed(b"", 308, headers=("Location: mailto:x",)), "redirected"),
    "points to half an address": (Deed(b"", 301, headers=("Location: http://[::1",)), "redirected"),
    "says nothing": (Deed(b""), "protocol_violation"),
    "says no JSON": (Deed(b"hello"), "protocol_violation"),
    "says a list": (Deed(b"[]"), "protocol_violation"),
    "says a string": (Deed(b'"APPROVE"'), "protocol_violation"),
    "says bytes that are no text": (Deed(b'{"model":"\xff\xfe"}'), "protocol_violation"),
    "says a NUL": (Deed(chat() + b"\0"), "protocol_violation"),
    "packs its answer": (Deed(gzip.compress(chat()), headers=("Content-Encoding: gzip",)), "protocol_violation"),
    "wants a key": (Deed(b"{}", 401), "forbidden_host"),
    "has had enough": (Deed(b"{}", 429), "server_busy"),
    "answers twice": (Deed(chat() + b"\n" + chat()), "protocol_violation"),
    "names a field twice": (Deed(b'{"done":false,' + chat()[1:]), "protocol_violation"),
    "counts in NaN": (said(None, eval_count=float("nan")), "protocol_violation"),
    "is as deep as a pit": (Deed(b"[" * 60_000), "protocol_violation"),
    "reports an error in a 200": (Deed(b'{"error":"boom"}'), "server_error"),
    "sends no message": (said(None, message=...), "protocol_violation"),
    "sends a message that is text": (said(None, message=reply()), "protocol_violation"),
    "sends a content that is an object": (message(content={"verdict": "APPROVE"}), "protocol_violation"),
    "sends no content": (message(content=None), "reply_empty"),
    "sends an empty content": (said(""), "reply_empty"),
    "sends blanks": (said(" \n"), "reply_empty"),
    "names no model": (said(None, model=...), "protocol_violation"),
    "answers with another model": (said(None, model="tiny:other"), "identity_changed"),
    "answers from a cloud": (said(None, remote_host="https://ollama.com:443"), "remote_model"),
    "answers with a cloud's model": (said(None, model="x", remote_model="big:cloud"), "remote_model"),
    "gives up": (said(None, done=False, done_reason=...), "ollama_incomplete"),
    "does not say whether it is done": (said(None, done=...), "protocol_violation"),
    "says done as text": (said(None, done="true"), "protocol_violation"),
    "is cut off at its length": (said('{"analysis":"th', done_reason="length"), "ollama_done_length"),
    "is cut off with a whole reply": (said(None, done_reason="length"), "ollama_done_length"),
    "only loaded the model": (said(None, done_reason="load"), "protocol_violation"),
    "gives no reason to be done": (said(None, done_reason=...), "protocol_violation"),
    "read half of the question": (said(None, prompt_eval_count=120), "prompt_truncated"),
    "read more than the window holds": (said(None, prompt_eval_count=3_897), "prompt_truncated"),
    "does not count what it read": (said(None, prompt_eval_count=...), "protocol_violation"),
    "counts what it read in words": (said(None, prompt_eval_count="many"), "protocol_violation"),
    "counts what it read as true": (said(None, prompt_eval_count=True), "protocol_violation"),
    "wants a tool": (Deed(chat(message=TOOL)), "reply_tool_call"),
    "answers with a megabyte": (said(reply(analysis="a" * 1_000_000)), "reply_too_long"),
    "answers in a fence": (said(f"```json\n{reply()}\n```"), "reply_not_json"),
    "answers in prose": (said("I would APPROVE this trade."), "reply_not_json"),
    "answers with prose after the object": (said(reply() + " Good luck!"), "reply_not_json"),
    "answers with a byte order mark": (said("\ufeff" + reply()), "reply_not_json"),
    "answers with two objects": (said(reply() + reply()), "reply_not_json"),
    "answers as deep as a pit": (said("[" * 50_000), "reply_not_json"),
    "answers with a number without end": (said('{"p_win_pct":' + "9" * 5_000 + "}"), "reply_not_json"),
    "answers with one key twice": (said('{"verdict":"DENY",' + reply()[1:]), "reply_duplicate_key"),
    "answers with NaN": (said(reply(chance=float("nan"))), "reply_nonfinite"),
    "answers with a number beyond all": (said(reply().replace("70", "7887e3393888")), "reply_nonfinite"),
    "answers with a list": (said(f"[{reply()}]"), "reply_schema"),
    "answers without a key": (said('{"p_win_pct": 70, "verdict": "APPROVE"}'), "reply_schema"),
    "answers with one key more": (said(reply()[:-1] + ', "size": 2}'), "reply_schema"),
    "answers with a chance above all": (said(reply(chance=101)), "reply_schema"),
    "answers with a chance below none": (said(reply(chance=-1)), "reply_schema"),
    "answers with a broken chance": (said(reply(chance=70.0)), "reply_schema"),
    "answers with a chance in words": (said(reply(chance="70")), "reply_schema"),
    "answers with a chance that is true": (said(reply(chance=True)), "reply_schema"),
    "answers in lower case": (said(reply("approve")), "reply_schema"),
    "answers with a look-alike": (said(reply("\u0410PPROVE")), "reply_schema"),
    "answers with a blank more": (said(reply("APPROVE ")), "reply_schema"),
    "answers with a list of verdicts": (said(reply(["APPROVE"])), "reply_schema"),
    "answers without an analysis": (said(reply(analysis="")), "reply_schema"),
    "answers with too long an analysis": (said(reply(analysis="a" * 241)), "reply_schema"),
    "answers with a NUL": (said(reply(analysis="a\0b")), "reply_schema"),
    "answers with half a surrogate": (said(reply(analysis="a\ud800")), "reply_schema"),
    "answers with text that turns around": (said(reply(analysis="a\u202eb")), "reply_schema"),
    "closes before it speaks": (Deed(has_head=False), "connection_lost"),
    "resets the connection": (Deed(b'{"model":', declared=999, ending="reset"), "connection_lost"),
    "ends in the middle": (Deed(chat()[:40], declared=999), "connection_lost"),
    "speaks something else": (Deed(b"SSH-2.0-OpenSSH_9.6\r\n", has_head=False), "connection_lost"),
    "never speaks": (Deed(has_head=False, ending="hang"), "deadline"),
    "stops in the middle": (Deed(chat()[:40], declared=999, ending="hang"), "deadline"),
    "approves too late": (Deed(chat(), delay_s=30.0), "deadline"),
    "drips": (Deed(chat(), ending="drip"), "deadline"),
}
IN_TIME = {name: case for name, case in CASES.items() if case[1] != "deadline"}


@pytest.mark.parametrize(("deed", "reason"), IN_TIME.values(), ids=IN_TIME)
def test_each_answer_ends_in_its_reason_and_its_bytes_are_kept(deed, reason):
    with ollama(deed) as server:
        answer = ask(ready(reader(server.url)))
    assert answer.verdict.reason_code == reason
    assert isinstance(answer.verdict, Approved if reason == "ok" else Denied)
    assert answer.verdict.request_id == "SOL-PERP-60000-gate"
    if deed.ending == "reset":
        # A reset may overtake what was sent before it.
        assert deed.body.startswith(answer.raw_reply or b"")
    else:
        assert answer.raw_reply == (deed.body[:MOST_BYTES] if deed.has_head else None)
    assert answer.latency_ms == 1000.0


@pytest.mark.parametrize("name", [name for name in CASES if name not in IN_TIME])
def test_a_server_that_takes_its_time_is_left_at_the_deadline_and_sees_it(name):
    """A crowded machine may hold a process back: the best of three tries counts."""
    deed = CASES[name][0]
    tries_s = []
    while not tries_s or (min(tries_s) > DEADLINE_S + GRACE_S and len(tries_s) < 3):
        with ollama(deed) as server:
            one = ready(reader(server.url, deadline_s=DEADLINE_S))
            question = question_of(one)
            answer, took_s = timed(one, question)
            tries_s.append(took_s)
            assert server.hung_up.wait(5)
    assert answer.verdict == Denied(reason_code="deadline", backend="ollama", request_id=question.request_id)
    assert DEADLINE_S - 0.01 <= min(tries_s) <= DEADLINE_S + GRACE_S
    assert deed.body.startswith(answer.raw_reply or b"")
    assert (answer.raw_reply is None) is (not deed.has_head or deed.delay_s > 0)


def test_nobody_at_the_address_is_a_no():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = ask(reader(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert (answer.verdict.reason_code, answer.raw_reply) == ("unreachable", None)


def test_the_question_that_is_sent_is_the_one_on_record_and_asks_for_no_truncation():
    with ollama(said(reply())) as server:
        one = ready(reader(server.url))
        question, n_before = question_of(one), len(server.paths)
        asyncio.run(one.ask(question))
    assert server.paths[n_before:] == ["POST /api/chat HTTP/1.1", "GET /api/ps HTTP/1.1"]
    sent = server.requests[0]
    assert json.dumps(sent, sort_keys=True, separators=(",", ":")) == question.prompt
    assert (sent["model"], sent["stream"], sent["think"], sent["truncate"], sent["shift"]) == (MODEL, *[False] * 4)
    assert sent["options"] == {"num_ctx": 4096, "num_predict": 200, "seed": 7, "temperature": 0}
    assert list(sent["format"]["properties"]) == sorted(sent["format"]["properties"]) == sent["format"]["required"]


def test_the_environments_proxy_is_not_asked(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with ollama(said(reply())) as server:
        assert ask(reader(server.url)).verdict.reason_code == "ok"


def test_a_second_question_about_a_market_is_refused_while_the_first_is_open_and_another_market_is_not():
    async def two(one):
        first = asyncio.create_task(one.ask(question_of(one)))
        await asyncio.sleep(0)
        second = await one.ask(question_of(one))
        other = await one.ask(question_of(one, symbol="BTC-PERP"))
        return [answer.verdict.reason_code for answer in (await first, second, other)]

    with ollama(said(reply())) as server:
        one = reader(server.url)
        assert asyncio.run(two(one)) == ["ok", "busy_local", "ok"]
        assert ask(one).verdict.reason_code == "ok"
    assert len(server.requests) == 3


def test_a_server_that_fails_three_times_in_a_row_is_left_alone_for_the_bars_and_one_failure_reopens():
    with ollama(Deed(b"{}", 500)) as server:
        one = reader(server.url, breaker_bars=2)
        codes = [ask(one, minute * 60_000).verdict.reason_code for minute in range(1, 10)]
    failed, left = "server_error", "circuit_open"
    assert codes == [failed, failed, failed, left, left, failed, left, left, failed]
    assert len(server.requests) == 5


def test_replies_that_a_model_got_wrong_do_not_open_the_breaker_and_end_a_row_of_failures():
    deeds = iter([Deed(b"", 500), Deed(b"", 500), said("prose"), *[Deed(b"", 500)] * (MOST_FAILURES - 1), said("x")])
    with ollama(lambda _: next(deeds)) as server:
        one = reader(server.url)
        codes = [ask(one, minute * 60_000).verdict.reason_code for minute in range(1, 7)]
    assert "circuit_open" not in codes
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "terms",
    [
        {"url": "http://192.168.1.5:11434"},
        {"url": "http://ollama.com"},
        {"url": "http://127.0.0.1.evil.com:1"},
        {"url": "http://user:word@127.0.0.1:1"},
        {"url": "ftp://127.0.0.1"},
        {"url": "http://127.0.0.1:99999"},
        {"url": "http://127.0.0.1:1/api"},
        {"url": "127.0.0.1:11434"},
        {"deadline_s": 0.0},
        {"deadline_s": float("nan")},
        {"min_p_win_frac": 1.01},
        {"reply_tokens": 4096},
    ],
    ids=str,
)
def test_terms_that_cannot_be_meant_are_refused(terms):
    with pytest.raises(ValueError, match="is not|impossible|leave nothing"):
        ChatTerms(**terms)


def test_another_machine_is_asked_only_where_that_is_allowed():
    assert ChatTerms(url="https://192.168.1.5:11434", allows_remote=True).allows_remote
    assert ChatTerms(url="http://[::1]:11434").url
    assert ChatTerms(url="http://localhost:11434/").url
