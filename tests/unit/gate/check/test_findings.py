"""Every way in which a server or a model is not fit has its finding, and the verdict is the worst of them."""

import asyncio
import json
from contextlib import ExitStack

import msgspec
import pytest

from desk.clock import SystemClock
from domain.gate_reason import GateReason
from gate.advice import advice_on
from gate.breaker import MOST_FAILURES
from gate.check.calls import N_REPEATS, Caller, Heard, Said, n_calls_of
from gate.check.findings import Fit, Level, examined
from tests.unit.gate.ollama_double import Deed, chat, ollama, pretended, reply, show, tags, version
from tests.unit.gate.questions import reader

N = 6


def heard_from(server, steps=None, n=N, **terms):
    """Return what a check hears, and the terms it was held on."""
    one = reader(server.url, **{"deadline_s": 10.0, **terms})
    caller = Caller(one, SystemClock().elapsed_s, (steps if steps is not None else []).append)
    return asyncio.run(caller.hear(n, 7)), one.terms


def check(server, **terms):
    done = examined(*heard_from(server, **terms))
    return done, {one.name: one for one in done.findings}


def levels(found):
    return {name: one.level for name, one in found.items() if one.level is not Level.OK}


def test_a_server_that_keeps_to_everything_is_fit_and_every_step_is_told():
    steps = []
    with pretended() as server:
        heard, terms = heard_from(server, steps)
    done = examined(heard, terms)
    assert (done.fit, {one.level for one in done.findings}) == (Fit.FIT, {Level.OK})
    assert done.told == f"tiny:latest at {terms.url} is fit to serve the gate"
    assert len(steps) == n_calls_of(N)
    assert [one.name for one in done.findings] == [
        "server and model", "weights", "answers", "speed", "window", "sensitivity", "mirror", "repeatability",
        "long questions",
    ]  # fmt: skip


def test_how_many_situations_it_approves_is_told_and_one_text_is_one_text():
    with pretended() as server:
        heard, terms = heard_from(server)
    found = {one.name: one.found for one in examined(heard, terms).findings}
    n_yes = sum(one.reason is GateReason.OK for one in heard.plain)
    assert found["answers"].endswith(f"as agreed; {n_yes} of {N} situations approved")
    assert found["repeatability"] == f"one and the same text to one question asked {N_REPEATS} times"


def test_weights_that_are_pinned_are_told_apart_from_weights_that_are_not():
    with pretended() as server:
        _, loose = check(server)
        _, pinned = check(server, digest=server.installed.digest)
    assert loose["weights"].advice.endswith("set GATE_MODEL_DIGEST=abababababab")
    assert "GATE_MODEL_DIGEST pins" in pinned["weights"].found


def test_other_weights_than_the_pinned_are_not_fit():
    with pretended() as server:
        done, found = check(server, digest="cd" * 32)
    assert done.fit is Fit.NOT_FIT
    assert "is pinned" in found["server and model"].found


def test_a_model_that_writes_what_it_likes_is_not_fit():
    with pretended(ignores_schema=True) as server:
        done, found = check(server)
    assert done.fit is Fit.NOT_FIT
    assert GateReason.FORMAT_NOT_ENFORCED.label in found["server and model"].found


ROUTES = {
    "an old server": ("/api/version", version("0.9.6"), GateReason.SERVER_TOO_OLD),
    "no such model": ("/api/tags", tags(name="other:2b"), GateReason.MODEL_NOT_FOUND),
    "a model that only embeds": ("/api/show", show("embedding"), GateReason.NOT_A_CHAT_MODEL),
    "a model in a cloud": ("/api/tags", tags(remote_host="https://ollama.com"), GateReason.REMOTE_MODEL),
}


@pytest.mark.parametrize(("path", "deed", "reason"), ROUTES.values(), ids=ROUTES)
def test_whoever_is_not_ready_is_not_fit_and_is_asked_nothing(path, deed, reason):
    with ollama(Deed(chat())) as server:
        server.routes[path] = deed
        done, found = check(server)
        assert server.requests == []
    assert (done.fit, [*found]) == (Fit.NOT_FIT, ["server and model"])
    assert reason.label in found["server and model"].found
    assert found["server and model"].advice == advice_on(reason) != ""


def test_a_model_that_always_says_the_same_is_not_fit():
    with pretended(is_constant=True) as server:
        done, found = check(server)
    assert (done.fit, levels(found)) == (Fit.NOT_FIT, {"sensitivity": Level.FAILURE})
    assert "says the same whatever it is told" in found["sensitivity"].advice


def test_a_model_whose_answers_hardly_change_with_the_market_is_fit_with_warnings():
    """It looks at the trade's side alone: in another's market it says the same, upside down something else."""

    def by_side(body):
        text = body["messages"][1]["content"]
        if not text.startswith("{"):
            return Deed(b'{"error":"exceed_context_size_error"}', 400)
        return Deed(chat(reply("DENY", 20 if json.loads(text)["side"] == "BUY" else 30)))

    with ollama(by_side) as server:
        done, found = check(server)
    assert (done.fit, levels(found)) == (Fit.WITH_WARNINGS, {"sensitivity": Level.WARNING})
    assert "the market hardly matters" in found["sensitivity"].advice
    assert f"{N} of {N} rulings change" in found["mirror"].found


def test_a_model_that_never_says_the_same_is_fit_with_warnings_and_its_changes_count_for_little():
    with pretended(is_fickle=True) as server:
        done, found = check(server)
    assert (done.fit, levels(found)) == (
        Fit.WITH_WARNINGS, {"repeatability": Level.WARNING, "sensitivity": Level.WARNING},
    )  # fmt: skip
    assert f"{N_REPEATS} different texts" in found["repeatability"].found
    assert "change too" in found["sensitivity"].advice


def test_a_server_that_cuts_what_is_too_long_is_not_fit():
    with pretended() as server:
        server.chats.honours_truncate = False
        done, found = check(server)
    assert (done.fit, levels(found)) == (Fit.NOT_FIT, {"long questions": Level.FAILURE})
    assert "cut and answered" in found["long questions"].found


def test_a_window_that_hardly_holds_the_question_is_fit_with_warnings():
    with pretended() as server:
        _, found = check(server)
        longest = int(found["window"].found.split()[4])
        done, found = check(server, context_tokens=longest + 250, reply_tokens=200)
    assert (done.fit, levels(found)) == (Fit.WITH_WARNINGS, {"window": Level.WARNING})


def test_a_server_that_stops_answering_is_given_up_after_a_few_calls():
    with ollama(Deed(b'{"error":"model runner has unexpectedly stopped"}', 500)) as server:
        done, found = check(server)
        assert len(server.requests) == MOST_FAILURES
    assert done.fit is Fit.NOT_FIT
    assert "given up: the server reported an error of its own" in found["answers"].found
    assert "long questions" not in found


def test_nobody_at_the_address_is_not_fit():
    with ExitStack() as stack:
        server = stack.enter_context(pretended())
        url = server.url
    one = reader(url)
    done = examined(asyncio.run(Caller(one, SystemClock().elapsed_s, lambda _: None).hear(2, 7)), one.terms)
    assert done.fit is Fit.NOT_FIT
    assert GateReason.UNREACHABLE.label in done.findings[0].found


def said(reason=GateReason.LLM_DENY, p_win_frac=0.3, latency_ms=100.0, text="x"):
    sound = reason is GateReason.LLM_DENY
    return Said(
        reason=reason, text=text, p_win_frac=p_win_frac if sound else None, n_prompt_tokens=900, latency_ms=latency_ms
    )


@pytest.fixture
def heard():
    """Return what is heard from a fit server: twenty answers, each another."""
    with pretended() as server:
        ready, terms = heard_from(server, n=2)
    plain = tuple(said(p_win_frac=number / 100) for number in range(20))
    kept = msgspec.structs.replace(ready, plain=plain, shuffled=plain[::-1], mirrored=plain, repeated=plain[:1] * 5)
    return kept, terms


def with_plain(heard, *changed):
    kept, terms = heard
    plain = (*changed, *kept.plain[len(changed) :])
    return {one.name: one for one in examined(msgspec.structs.replace(kept, plain=plain), terms).findings}


@pytest.mark.parametrize(("latency_ms", "level"), [(100.0, "ok"), (5_001.0, "warning"), (10_000.0, "failure")])
def test_speed_is_held_against_the_deadline(heard, latency_ms, level):
    """The deadline is ten seconds; the slowest of twenty calls is their 99th percentile."""
    assert with_plain(heard, said(latency_ms=latency_ms))["speed"].level.value == level


def test_one_answer_after_the_deadline_is_a_failure_of_speed(heard):
    found = with_plain(heard, said(GateReason.DEADLINE, latency_ms=9_000.0))
    assert found["speed"].level is Level.FAILURE


@pytest.mark.parametrize(("n_bad", "level"), [(0, "ok"), (6, "warning"), (7, "failure")])
def test_answers_that_are_not_as_agreed_are_counted_and_named(heard, n_bad, level):
    """Sixty-five answers in all: one in ten may be bad before the model counts as unfit."""
    found = with_plain(heard, *[said(GateReason.OLLAMA_DONE_LENGTH)] * n_bad)["answers"]
    assert found.level.value == level
    assert f"{65 - n_bad} of 65" in found.found
    assert ("ollama_done_length" in found.found) is (n_bad > 0)


def test_a_server_that_does_not_tell_its_weights_is_fit_with_warnings(heard):
    kept, terms = heard
    ready = msgspec.structs.replace(kept.readiness, digest=None)
    done = examined(msgspec.structs.replace(kept, readiness=ready), terms)
    assert done.fit is Fit.WITH_WARNINGS
    assert done.told.endswith("is fit with warnings to serve the gate: weights")


@pytest.mark.parametrize(
    ("reason", "level"),
    [
        (GateReason.BAD_REQUEST, "ok"),
        (GateReason.OK, "failure"),
        (GateReason.PROMPT_TRUNCATED, "failure"),
        (GateReason.DEADLINE, "warning"),
    ],
)
def test_a_long_question_must_be_refused(heard, reason, level):
    kept, terms = heard
    done = examined(msgspec.structs.replace(kept, long_prompt=reason), terms)
    assert done.findings[-1].level.value == level


def test_where_nothing_was_heard_there_is_nothing_to_say_of_speed():
    with pretended() as server:
        ready, terms = heard_from(server, n=2)
    silent = Heard(readiness=ready.readiness, plain=(said(GateReason.DEADLINE),), was_given_up=True)
    assert [one.name for one in examined(silent, terms).findings] == ["server and model", "weights", "answers"]
