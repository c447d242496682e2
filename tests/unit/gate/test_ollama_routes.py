"""A server is asked only when everything it tells of itself fits, and an answer counts only from the pinned weights."""

import asyncio

import pytest

from domain.decisions import Denied
from domain.gate_reason import GateReason
from tests.unit.gate.ollama_double import (
    DIGEST,
    MODEL,
    Deed,
    chat,
    ollama,
    pretended,
    ps,
    reply,
    show,
    tags,
    told,
    version,
)  # fmt: skip
from tests.unit.gate.questions import ask, question_of, reader, ready, timed

OTHER = "cd" * 32
POEM = Deed(chat("The tide comes in, the lamps are lit"))
CLOUD = {"remote_host": "https://ollama.com:443", "remote_model": "tiny"}
LOST = Deed(b"{", declared=99)

# What a route tells before the first question, and the reason why the model is not asked then.
UNFIT = {
    "an old version": ({"/api/version": version("0.29.9")}, "server_too_old"),
    "a build without a version": ({"/api/version": version("0.0.0")}, "server_too_old"),
    "a version in words": ({"/api/version": version("new")}, "protocol_violation"),
    "a version that is a number": ({"/api/version": version(0.3)}, "protocol_violation"),
    "no version": ({"/api/version": told()}, "protocol_violation"),
    "a page where the version should be": ({"/api/version": Deed(b"<html>", 200, "text/html")}, "protocol_violation"),
    "another server": ({"/api/version": Deed(b"404 page not found", 404)}, "protocol_violation"),
    "a locked door": ({"/api/version": Deed(b"", 403)}, "forbidden_host"),
    "a way to another host": (
        {"/api/version": Deed(b"", 307, headers=("Location: http://127.0.0.1:9/",))}, "redirected",
    ),
    "no such model": ({"/api/tags": told(models=[])}, "model_not_found"),
    "models that are no list": ({"/api/tags": told(models={})}, "protocol_violation"),
    "models that are words": ({"/api/tags": told(models=[MODEL])}, "model_not_found"),
    "a model in a cloud": ({"/api/tags": tags(**CLOUD)}, "remote_model"),
    "a model without a digest": ({"/api/tags": tags(digest=None)}, "protocol_violation"),
    "a model with half a digest": ({"/api/tags": tags(digest=DIGEST[:12])}, "protocol_violation"),
    "one model twice": ({"/api/tags": told(models=[{"name": MODEL, "digest": DIGEST}] * 2)}, "protocol_violation"),
    "a model for embeddings": ({"/api/show": show("embedding")}, "not_a_chat_model"),
    "a model that only hides its cloud": ({"/api/show": show(**CLOUD)}, "remote_model"),
    "nothing of what it can": ({"/api/show": told()}, "protocol_violation"),
    "a model gone since": ({"/api/show": Deed(b'{"error":"model not found"}', 404)}, "model_not_found"),
    "a poem": ({"canary": POEM}, "format_not_enforced"),
    "a reply with a key more": ({"canary": Deed(chat(reply()[:-1] + ',"poem":""}'))}, "format_not_enforced"),
    "a chance that is no whole number": ({"canary": Deed(chat(reply(chance=0.5)))}, "format_not_enforced"),
    "a poem without end": ({"canary": Deed(chat("The tide", done_reason="length"))}, "ollama_done_length"),
    "a failing model": ({"canary": Deed(b'{"error":"runner stopped"}', 500)}, "server_error"),
    "a full queue": ({"canary": Deed(b'{"error":"server busy"}', 503)}, "server_busy"),
    "a connection that ends": ({"/api/show": LOST}, "connection_lost"),
    "another window": ({"/api/ps": ps(2048)}, "context_changed"),
    "a name that is a list": ({"/api/tags": tags(name=[])}, "model_not_found"),
    "a name that is an object, in memory": ({"/api/ps": ps(name={})}, "identity_unknown"),
    "a window in words": ({"/api/ps": ps("4096")}, "protocol_violation"),
    "nothing in memory": ({"/api/ps": told(models=[])}, "identity_unknown"),
    "other weights in memory": ({"/api/ps": ps(digest=OTHER)}, "identity_changed"),
    "silence": ({"/api/tags": Deed(has_head=False, ending="hang")}, "deadline"),
}  # fmt: skip

# What `/api/ps` tells after an answer that was in order, and what then becomes of the answer.
AFTERWARDS = {
    "other weights": (ps(digest=OTHER), "identity_changed"),
    "another window": (ps(8192), "context_changed"),
    "no model": (told(models=[]), "identity_unknown"),
    "another model": (ps(name="other:1b"), "identity_unknown"),
    "an error": (Deed(b"{}", 500), "server_error"),
    "no JSON": (Deed(b"ok"), "protocol_violation"),
    "a field twice": (Deed(b'{"models":[],"models":[]}'), "protocol_violation"),
    "a megabyte times five": (Deed(b" " * 5_000_000), "reply_too_long"),
    "half of it": (LOST, "connection_lost"),
    "silence": (Deed(has_head=False, ending="hang"), "deadline"),
}
CASES = {**UNFIT, **AFTERWARDS}


def changed(server, changes):
    for place, deed in changes.items():
        if place == "canary":
            server.canary = deed
        else:
            server.routes[place] = deed


@pytest.mark.parametrize(("changes", "reason"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_before_the_first_question_is_found_and_no_question_is_asked(changes, reason):
    with ollama(Deed(chat())) as server:
        changed(server, changes)
        one = reader(server.url, warmup_s=0.5 if reason == "deadline" else 30.0)
        found, answer = asyncio.run(one.prepare()), ask(one)
    assert (found.reason, found.is_ready) == (GateReason(reason), False)
    assert found.reason.label in found.told
    assert answer.verdict == Denied(reason_code=reason, backend="ollama", request_id="SOL-PERP-60000-gate")
    assert server.requests == []


@pytest.mark.parametrize(("deed", "reason"), AFTERWARDS.values(), ids=AFTERWARDS)
def test_an_answer_counts_only_when_the_pinned_weights_stand_in_memory_after_it(deed, reason):
    with ollama(Deed(chat())) as server:
        one = ready(reader(server.url, deadline_s=0.6 if reason == "deadline" else 5.0))
        server.routes["/api/ps"] = deed
        answer = ask(one)
    assert answer.verdict.reason_code == reason
    assert answer.raw_reply == chat()


def test_a_server_that_answers_and_then_tells_nothing_is_left_at_the_deadline():
    """A crowded machine may hold a process back: the best of three tries counts."""
    tries_s = []
    while not tries_s or (min(tries_s) > 0.85 and len(tries_s) < 3):
        with ollama(Deed(chat(), delay_s=0.3)) as server:
            one = ready(reader(server.url, deadline_s=0.6))
            server.routes["/api/ps"] = Deed(has_head=False, ending="hang")
            answer, took_s = timed(one, question_of(one))
            tries_s.append(took_s)
            assert server.hung_up.wait(5)
    assert answer.verdict.reason_code == "deadline"
    assert 0.59 <= min(tries_s) <= 0.85


def test_a_server_that_fits_is_told_of_in_one_sentence_and_loaded_by_the_canary():
    with ollama(Deed(chat())) as server:
        server.routes["/api/show"] = show("completion", "thinking", "tools")
        found = asyncio.run(reader(server.url).prepare())
    assert found.is_ready
    assert (found.digest, found.server_version, found.context_tokens) == (DIGEST, "0.30.1", 4096)
    assert found.told == (
        f"tiny:latest {DIGEST[:12]} on Ollama 0.30.1 keeps to the schema in a window of 4096 tokens; its weights are "
        "pinned by what was found now; it can think and is asked not to"
    )
    assert [path.split()[1] for path in server.paths] == [
        "/api/version", "/api/tags", "/api/show", "/api/chat", "/api/ps",
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["0.30.0", "0.31.2-rc1", "1.0.0", "0.30"])
def test_versions_that_are_new_enough_fit(number):
    with ollama(Deed(chat())) as server:
        server.routes["/api/version"] = version(number)
        assert asyncio.run(reader(server.url).prepare()).server_version == number


@pytest.mark.parametrize("pin", [DIGEST, DIGEST[:12]])
def test_the_weights_that_the_settings_pin_are_asked(pin):
    with ollama(Deed(chat())) as server:
        found = asyncio.run(reader(server.url, digest=pin).prepare())
    assert found.is_ready
    assert "pinned by GATE_MODEL_DIGEST" in found.told


def test_weights_other_than_the_settings_pin_are_not_asked_for_anything():
    with ollama(Deed(chat())) as server:
        found = asyncio.run(reader(server.url, digest=OTHER[:12]).prepare())
        assert not any("chat" in path for path in server.paths)
    assert found.reason is GateReason.IDENTITY_CHANGED
    assert f"{DIGEST[:12]} is there, cdcdcdcdcdcd is pinned" in found.told


def test_weights_swapped_under_one_name_stay_refused_until_the_first_are_back():
    with ollama(Deed(chat())) as server:
        one = ready(reader(server.url, breaker_bars=1))
        server.routes |= {"/api/ps": ps(digest=OTHER), "/api/tags": tags(digest=OTHER)}
        codes = [ask(one, minute * 60_000).verdict.reason_code for minute in range(1, 5)]
        server.routes |= {"/api/ps": ps(), "/api/tags": tags()}
        codes += [ask(one, minute * 60_000).verdict.reason_code for minute in range(5, 8)]
    assert codes[:4] == ["identity_changed"] * 4
    assert codes[-1] == "ok"
    assert len(server.requests) == 1 + codes.count("ok")


def test_a_name_without_a_tag_is_short_for_its_latest():
    with ollama(Deed(chat(model="tiny"))) as server:
        server.canary = Deed(chat(reply(), model="tiny"))
        assert ask(ready(reader(server.url, model="tiny"))).verdict.reason_code == "ok"


def test_the_canary_is_a_question_like_any_other_but_for_its_words():
    with ollama(Deed(chat())) as server:
        ask(ready(reader(server.url)))
    canary, question = ({**body, "messages": None} for body in (*server.canaries, *server.requests))
    assert canary == question
    assert "poem" in server.canaries[0]["messages"][1]["content"]


def test_looking_loads_the_model_once_and_no_question_loads_it_again():
    with pretended() as server:
        one = ready(reader(server.url))
        codes = [ask(one, minute * 60_000).verdict.reason_code for minute in range(1, 4)]
        assert (server.chats.n_loads, server.installed.loaded_tokens) == (1, 4096)
    assert not {"identity_changed", "context_changed", "identity_unknown"} & {*codes}


def test_a_model_that_loads_longer_than_a_question_waits_is_there_for_a_later_one():
    async def go(one, chats):
        chats.may_load.shut()
        first = await one.ask(question_of(one))
        chats.may_load.open()
        found = await one.prepare()
        return first.verdict.reason_code, found.is_ready, (await one.ask(question_of(one, 120_000))).verdict.reason_code

    with pretended() as server:
        first, is_ready, second = asyncio.run(go(reader(server.url, deadline_s=1.0), server.chats))
        assert server.chats.n_loads == 1
    assert (first, is_ready) == ("deadline", True)
    assert second in {"ok", "llm_deny", "inconsistent", "below_threshold"}
