"""One Ollama protocol: the double, the front over the real decoder and a server of the user's own keep it alike.

OLLAMA_TEST_HOST and OLLAMA_TEST_MODEL name a real server on this machine and a model that it has.
"""

import json
import os
import re
import time
from dataclasses import dataclass

import httpx
import pytest

from gate.reply import SCHEMA
from tests.doubles.engine_fixture import engine_server
from tests.unit.gate.ollama_double import MODEL, pretended

REAL = os.environ.get("OLLAMA_TEST_HOST", "")
PLUGS = ["double", "engine", *(["real"] if REAL else [])]
WINDOW = 2048
QUESTION = [{"role": "user", "content": "Shall it pass? Answer in JSON."}]
LONG = [{"role": "system", "content": "Say no."}, {"role": "user", "content": "0 9 8 7 " * WINDOW}]
METRICS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


@dataclass
class Peer:
    """One server under the suite, asked over plain HTTP."""

    url: str
    model: str
    line: httpx.Client

    def get(self, path):
        return self.line.get(path)

    def chat(self, **asked):
        options = {"num_ctx": WINDOW, "temperature": 0, "seed": 7, "num_predict": 300, **asked.pop("options", {})}
        body = {"model": self.model, "messages": QUESTION, "stream": False, "options": options, **asked}
        return self.line.post("/api/chat", json={name: value for name, value in body.items() if value is not ...})

    def can(self, capability):
        shown = self.line.post("/api/show", json={"model": self.model}).json()
        return capability in shown["capabilities"]


@pytest.fixture(scope="module", params=PLUGS)
def peer(request):
    """Return each server in turn; the one over the real decoder skips, and says so, where there is no decoder."""
    if request.param == "real":
        with httpx.Client(base_url=REAL, timeout=120, trust_env=False) as line:
            yield Peer(REAL, os.environ["OLLAMA_TEST_MODEL"], line)
        return
    opened = pretended() if request.param == "double" else engine_server(request)
    with opened as server, httpx.Client(base_url=server.url, timeout=60, trust_env=False) as line:
        yield Peer(server.url, MODEL, line)


def lines_of(response):
    return [json.loads(line) for line in response.text.splitlines()]


def test_the_root_says_that_it_runs(peer):
    answer, head = peer.get("/"), peer.line.head("/")
    assert (answer.status_code, answer.text) == (200, "Ollama is running")
    assert (head.status_code, head.content) == (200, b"")
    assert peer.line.head("/api/version").status_code == 200


def test_the_version_is_three_numbers(peer):
    answer = peer.get("/api/version")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json().keys() == {"version"}
    assert re.match(r"\d+\.\d+\.\d+", answer.json()["version"])


def test_the_models_are_listed_with_their_fingerprints(peer):
    listed = {model["name"]: model for model in peer.get("/api/tags").json()["models"]}
    mine = listed[peer.model]
    assert mine["model"] == peer.model
    assert re.fullmatch(r"[0-9a-f]{64}", mine["digest"])
    assert INSTANT.fullmatch(mine["modified_at"])
    assert isinstance(mine["size"], int)
    assert mine["details"].keys() >= {"format", "family", "parameter_size", "quantization_level"}


def test_a_model_is_described_with_its_window_and_what_it_can(peer):
    shown = peer.line.post("/api/show", json={"model": peer.model}).json()
    architecture = shown["model_info"]["general.architecture"]
    assert shown["model_info"][f"{architecture}.context_length"] > 0
    assert "completion" in shown["capabilities"]
    assert shown["details"]["format"] == "gguf"


def test_a_model_that_is_not_there_is_not_described(peer):
    answer = peer.line.post("/api/show", json={"model": "nobody-has-this"})
    assert (answer.status_code, answer.json()) == (404, {"error": "model 'nobody-has-this' not found"})


def test_a_call_without_messages_loads_the_model_and_one_with_no_time_to_keep_it_unloads_it(peer):
    loaded = peer.chat(messages=[]).json()
    assert (loaded["done"], loaded["done_reason"], loaded["message"]["content"]) == (True, "load", "")
    held = {model["name"]: model for model in peer.get("/api/ps").json()["models"]}[peer.model]
    digests = {model["name"]: model["digest"] for model in peer.get("/api/tags").json()["models"]}
    assert (held["context_length"], held["digest"]) == (WINDOW, digests[peer.model])
    assert INSTANT.fullmatch(held["expires_at"])
    unloaded = peer.chat(messages=[], keep_alive=0).json()
    assert (unloaded["done"], unloaded["done_reason"]) == (True, "unload")
    # A real server gives the memory back behind the answer.
    for _ in range(100):
        if peer.model not in {model["name"] for model in peer.get("/api/ps").json()["models"]}:
            return
        time.sleep(0.1)
    pytest.fail("the model is still in memory")


def test_another_window_loads_the_model_anew(peer):
    for window in (WINDOW, WINDOW * 2):
        peer.chat(messages=[], options={"num_ctx": window})
        held = {model["name"]: model for model in peer.get("/api/ps").json()["models"]}
        assert held[peer.model]["context_length"] == window


def test_an_answer_is_whole_fits_the_schema_and_is_counted(peer):
    answer = peer.chat(format=SCHEMA, think=False)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    found = answer.json()
    assert (found["model"], found["done"], found["done_reason"]) == (peer.model, True, "stop")
    assert INSTANT.fullmatch(found["created_at"])
    assert found["message"]["role"] == "assistant"
    replied = json.loads(found["message"]["content"])
    assert list(replied) == ["analysis", "p_win_pct", "verdict"]
    assert 1 <= len(replied["analysis"]) <= 240
    assert type(replied["p_win_pct"]) is int
    assert 0 <= replied["p_win_pct"] <= 100
    assert replied["verdict"] in ("APPROVE", "DENY")


def test_what_it_took_is_told_in_whole_nanoseconds_and_nothing_of_it_is_zero(peer):
    found = peer.chat(format=SCHEMA, think=False).json()
    told = {name: found[name] for name in METRICS if name in found}
    assert told.keys() >= {"total_duration", "prompt_eval_count", "eval_count"}
    assert all(type(figure) is int and figure > 0 for figure in told.values())
    assert found["total_duration"] >= found.get("eval_duration", 0)


@pytest.mark.parametrize("asked", [{"stream": True}, {"stream": ...}], ids=["asked for", "by default"])
def test_a_stream_is_lines_whose_text_is_the_same_and_whose_last_is_empty_and_counted(peer, asked):
    whole = peer.chat(format=SCHEMA, think=False).json()
    answer = peer.chat(format=SCHEMA, think=False, **asked)
    assert answer.headers["content-type"] == "application/x-ndjson"
    *pieces, last = lines_of(answer)
    assert "".join(piece["message"]["content"] for piece in pieces) == whole["message"]["content"]
    assert not any(piece["done"] or "eval_count" in piece for piece in pieces)
    assert (last["done"], last["done_reason"], last["message"]["content"]) == (True, "stop", "")
    assert last["eval_count"] == whole["eval_count"]


@pytest.mark.parametrize("n", [1, 8, 20])
def test_an_answer_that_may_not_be_longer_is_cut_and_says_so(peer, n):
    found = peer.chat(format=SCHEMA, think=False, options={"num_predict": n}).json()
    assert (found["done"], found["done_reason"], found["eval_count"]) == (True, "length", n)
    with pytest.raises(json.JSONDecodeError):
        json.loads(found["message"]["content"])


def test_a_prompt_beyond_the_window_is_refused_where_that_was_asked_for(peer):
    answer = peer.chat(messages=LONG, truncate=False, shift=False, think=False)
    assert answer.status_code == 400
    assert "context" in answer.json()["error"]


def test_a_prompt_beyond_the_window_is_else_cut_without_a_word(peer):
    found = peer.chat(messages=LONG, think=False, options={"num_predict": 5}).json()
    assert found["done"] is True
    assert found["prompt_eval_count"] <= WINDOW


WRONG = {
    "no body": (b"", 400, "missing request body"),
    "no JSON": (b"{", 400, ""),
    "no object": (b"[]", 400, "json: cannot unmarshal array into Go value of type api.ChatRequest"),
    "no model": (b'{"messages": []}', 400, "model is required"),
    "a model nobody has": (b'{"model": "nobody-has-this"}', 404, "model 'nobody-has-this' not found"),
    "a stream in words": (b'{"model": "x", "stream": "no"}', 400, "json: cannot unmarshal string"),
    "too many odds": (b'{"model": "x", "top_logprobs": 21}', 400, "top_logprobs must be between 0 and 20"),
    "a thought nobody knows": (b'{"model": "x", "think": "deep"}', 400, "invalid think value"),
}


@pytest.mark.parametrize(("body", "status", "error"), WRONG.values(), ids=WRONG)
def test_a_call_that_is_none_is_refused_in_the_servers_words(peer, body, status, error):
    answer = peer.line.post("/api/chat", content=body)
    assert answer.status_code == status
    assert error in answer.json()["error"]


def test_an_option_of_the_wrong_type_is_an_error_and_one_nobody_knows_is_none(peer):
    wrong = peer.chat(options={"num_predict": "many"})
    assert wrong.status_code >= 400
    assert 'option "num_predict" must be of type integer' in wrong.json()["error"]
    assert peer.chat(options={"nobody_knows_this": 1, "num_predict": 1}, think=False).status_code == 200


def test_a_format_that_is_none_is_an_error(peer):
    wrong = peer.chat(format=7, think=False)
    assert wrong.status_code >= 400
    assert "invalid format" in wrong.json()["error"]


def test_a_model_that_cannot_think_refuses_to(peer):
    if peer.can("thinking"):
        pytest.skip("this model can think")
    wrong = peer.chat(think=True)
    assert (wrong.status_code, wrong.json()["error"]) == (400, f'"{peer.model}" does not support thinking')


def test_a_path_nobody_serves_and_a_word_nobody_takes_are_refused_in_plain_text(peer):
    unknown, wrong = peer.get("/api/nobody-serves-this"), peer.get("/api/chat")
    assert (unknown.status_code, unknown.text) == (404, "404 page not found")
    assert (wrong.status_code, wrong.text) == (405, "405 method not allowed")
    assert peer.line.post("/api/tags", json={}).status_code == 405


def test_a_host_from_elsewhere_is_forbidden_without_a_word(peer):
    answer = peer.line.get("/api/version", headers={"host": "evil.example"})
    assert (answer.status_code, answer.content) == (403, b"")


def test_a_client_that_hangs_up_leaves_the_server_free_for_the_next(peer):
    with peer.line.stream("POST", "/api/chat", json={"model": peer.model, "messages": QUESTION}) as answer:
        assert answer.status_code == 200
    assert peer.chat(format=SCHEMA, think=False).json()["done_reason"] == "stop"


class TestOllamasOwnClient:
    """What the `ollama` package, as it comes, makes of each server."""

    @pytest.fixture
    def client(self, peer):
        package = pytest.importorskip("ollama", reason="the real decoder's extra `engine` is not here: ollama")
        with package.Client(peer.url, trust_env=False) as client:
            yield client

    def test_finds_the_model_and_what_it_can(self, peer, client):
        assert peer.model in [model.model for model in client.list().models]
        assert "completion" in client.show(peer.model).capabilities
        client.chat(peer.model, [], options={"num_ctx": WINDOW})
        held = {model.model: model.context_length for model in client.ps().models}
        assert held[peer.model] == WINDOW

    def test_chats_in_one_piece_and_in_many(self, peer, client):
        asked = {
            "format": SCHEMA,
            "think": False,
            "options": {"num_ctx": WINDOW, "temperature": 0, "seed": 7, "num_predict": 300},
        }
        whole = client.chat(peer.model, QUESTION, **asked)
        pieces = list(client.chat(peer.model, QUESTION, stream=True, **asked))
        assert whole.done_reason == pieces[-1].done_reason == "stop"
        assert "".join(piece.message.content for piece in pieces) == whole.message.content
        assert json.loads(whole.message.content).keys() == set(SCHEMA["required"])
        assert whole.eval_count == pieces[-1].eval_count > 0

    def test_says_that_a_model_is_not_there(self, client):
        package = pytest.importorskip("ollama")
        with pytest.raises(package.ResponseError, match="model 'nobody-has-this' not found") as told:
            client.chat("nobody-has-this", QUESTION)
        assert told.value.status_code == 404
