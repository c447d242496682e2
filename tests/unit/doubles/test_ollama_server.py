"""What the double does beyond the protocol that every server keeps: loading, queueing, giving up, breaking off."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.unit.gate.ollama_double import MODEL, pretended

ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "Shall it pass?"}], "stream": False}
POLITE = {"properties": {"b": {"type": "integer"}, "a": {"const": 1}}, "required": ["b", "a"], "type": "object"}


def ask(server, **changes):
    with httpx.Client(timeout=20, trust_env=False) as line:
        return line.post(f"{server.url}/api/chat", json={**ASKED, **changes})


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as threads:
        yield threads


def until(condition):
    """Wait for what another thread is about to do."""
    waiting = threading.Event()
    for _ in range(2_000):
        if condition():
            return
        waiting.wait(0.005)
    pytest.fail("it never happened")


def test_one_is_answered_at_a_time_in_the_order_they_came_and_the_others_hear_nothing(pool):
    with pretended() as server:
        ask(server)
        server.chats.decoder.may_write.shut()
        waiting = []
        for number in range(3):
            waiting.append(pool.submit(ask, server, options={"seed": number}))
            until(lambda: len(server.chats.asked) == len(waiting) + 1)
        until(lambda: server.chats.asked[1].has_begun)
        assert [asked.has_begun for asked in server.chats.asked[1:]] == [True, False, False]
        assert not any(one.done() for one in waiting)
        server.chats.decoder.may_write.open()
        assert [one.result().status_code for one in waiting] == [200, 200, 200]
        assert server.chats.n_most_at_once == 1


def test_a_full_queue_is_refused_only_while_the_model_is_loading(pool):
    with pretended() as server:
        server.chats.max_queue = 1
        server.chats.may_load.shut()
        first, second = pool.submit(ask, server), pool.submit(ask, server)
        until(lambda: len(server.chats.asked) == 2)
        refused = ask(server)
        assert refused.status_code == 503
        assert refused.json()["error"] == "server busy, please try again.  maximum pending requests exceeded"
        server.chats.may_load.open()
        assert [one.result().status_code for one in (first, second)] == [200, 200]
        assert server.chats.n_loads == 1


@pytest.mark.parametrize(
    "changes", [{"options": {"num_ctx": 8192}}, {"options": {"num_thread": 3}}, {"shift": False}], ids=str
)
def test_other_terms_load_the_model_anew_and_the_same_do_not(changes):
    with pretended() as server:
        for _ in range(2):
            ask(server)
        assert server.chats.n_loads == 1
        for _ in range(2):
            ask(server, **changes)
        assert server.chats.n_loads == 2


def test_an_answer_that_is_not_kept_leaves_no_model_behind():
    with pretended() as server:
        assert ask(server, keep_alive="0s").json()["done_reason"] == "stop"
        assert server.installed.loaded_tokens is None


def test_a_long_prompt_loses_its_front_and_half_the_window_and_two_tokens_are_read():
    text = " ".join(map(str, range(9_000)))
    with pretended() as server:
        found = ask(server, messages=[{"role": "user", "content": text}], options={"num_ctx": 2048}).json()
    assert found["prompt_eval_count"] == 2048 // 2 + 2


def test_an_old_server_cuts_a_long_prompt_whatever_it_is_told():
    with pretended() as server:
        server.chats.honours_truncate = False
        answer = ask(server, messages=[{"role": "user", "content": "0 " * 9_000}], truncate=False)
    assert (answer.status_code, answer.json()["done_reason"]) == (200, "stop")


def test_a_model_that_can_think_does_until_it_is_told_not_to():
    with pretended() as server:
        server.installed.capabilities = ("completion", "thinking")
        thought, plain = ask(server).json(), ask(server, think=False).json()
    assert thought["message"]["thinking"]
    assert "thinking" not in plain["message"]


def test_a_thought_that_takes_all_there_is_leaves_no_content():
    with pretended() as server:
        server.installed.capabilities = ("completion", "thinking")
        found = ask(server, think=True, options={"num_predict": 4}).json()
    assert (found["message"]["content"], found["done"], found["done_reason"]) == ("", True, "length")


def test_a_token_that_comes_more_than_thirty_times_ends_the_answer_without_a_reason():
    with pretended(repeats=True) as server:
        found = ask(server).json()
        lines = ask(server, stream=True).text.splitlines()
    assert found["done"] is False
    assert found.keys() == {"model", "created_at", "message", "done"}
    assert not any(json.loads(line)["done"] for line in lines)


def test_a_runner_that_stops_is_an_error_of_the_server_before_the_first_piece_and_a_line_after_it():
    with pretended(fails_after=0) as server:
        assert ask(server, stream=True).status_code == 500
    with pretended(fails_after=2) as server:
        assert ask(server).json() == {"error": "model runner has unexpectedly stopped"}
        answer = ask(server, stream=True)
    *pieces, last = map(json.loads, answer.text.splitlines())
    assert (answer.status_code, len(pieces), last) == (200, 2, {"error": "model runner has unexpectedly stopped"})


def test_the_keys_of_a_schema_pass_through_a_map_that_sorts_them_or_do_not():
    with pretended() as server:
        assert list(json.loads(ask(server, format=POLITE).json()["message"]["content"])) == ["a", "b"]
        server.chats.sorts_schema = False
        assert list(json.loads(ask(server, format=POLITE).json()["message"]["content"])) == ["b", "a"]


def test_a_client_that_leaves_is_noted_and_what_was_written_for_it_stops(pool):
    with pretended() as server:
        ask(server)
        server.chats.decoder.may_write.shut()
        with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.2, trust_env=False) as line:
            line.post(f"{server.url}/api/chat", json=ASKED)
        assert server.hung_up.wait(10)
        assert [asked.hung_up for asked in server.chats.asked] == [False, True]
        server.chats.decoder.may_write.open()
        assert ask(server).status_code == 200


def test_at_no_heat_the_seed_says_nothing_and_at_some_it_says_all():
    with pretended() as server:
        cold = {ask(server, options={"temperature": 0, "seed": seed}).json()["message"]["content"] for seed in (1, 2)}
        warm = [
            ask(server, options={"temperature": 1, "seed": seed}).json()["message"]["content"] for seed in (1, 2, 1)
        ]
    assert len(cold) == 1
    assert warm[0] == warm[2] != warm[1]
