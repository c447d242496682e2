"""A model is fetched through Ollama's own client, without the habits that it has."""

import asyncio
import json
import subprocess
import sys

import pytest

from domain.errors import BadInput
from gate.pulling import Progress, digest_of, pull
from gate.terms import ChatTerms
from tests.unit.gate.ollama_double import DIGEST, MODEL, Deed, ollama, tags, told

LINES = [
    {"status": "pulling manifest"},
    {"status": "pulling 5a0d", "digest": "sha256:5a0d", "total": 100, "completed": 40},
    {"status": "pulling 5a0d", "digest": "sha256:5a0d", "total": 100, "completed": 100},
    {"status": "success"},
]


def lines(*parts, status=200, **deed):
    return Deed(b"".join(json.dumps(part).encode() + b"\n" for part in parts), status, "application/x-ndjson", **deed)


def pulled(server):
    heard = []
    asyncio.run(pull(ChatTerms(url=server.url, model=MODEL), heard.append))
    return heard


def test_a_pull_is_told_line_by_line_and_ends_in_success():
    with ollama(Deed()) as server:
        server.routes["/api/pull"] = lines(*LINES)
        heard = pulled(server)
    assert [one.status for one in heard] == ["pulling manifest", "pulling 5a0d", "pulling 5a0d", "success"]
    assert heard[1] == Progress(status="pulling 5a0d", n_bytes=40, n_bytes_whole=100)
    assert server.paths == ["POST /api/pull HTTP/1.1"]


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (lines(LINES[0], {"error": "pull model manifest: file does not exist"}), "file does not exist"),
        (Deed(b'{"error":"no such registry"}', 500), "no such registry"),
        (lines(*LINES[:2]), "stopped fetching tiny:latest after: pulling 5a0d"),
        (lines(), "stopped fetching tiny:latest after: nothing"),
        (lines([1]), "did not fetch"),
        (Deed(b"<html>"), "did not fetch"),
        (Deed(b"[]", 500), "did not fetch"),
        (Deed(b"", 307, headers=("Location: http://127.0.0.1:9/",)), "did not fetch"),
        (lines(*LINES, declared=9_999), "could not be heard to the end"),
        (lines({"status": "\x1b[31mred"}), "after:  [31mred"),
    ],
    ids=str,
)
def test_a_pull_that_does_not_end_in_success_is_one_sentence(deed, told):
    with ollama(Deed()) as server:
        server.routes["/api/pull"] = deed
        with pytest.raises(BadInput, match=".") as error:
            pulled(server)
    assert told in str(error.value)
    assert "status code" not in str(error.value)
    assert server.url in str(error.value)
    assert str(error.value).isprintable()


def test_nobody_at_the_address_is_one_sentence():
    with pytest.raises(BadInput, match="nobody answers at http://127.0.0.1:9: start the server"):
        asyncio.run(pull(ChatTerms(url="http://127.0.0.1:9", model=MODEL), print))


def test_a_key_in_the_environment_is_shown_to_nobody(monkeypatch):
    monkeypatch.setenv("OLLAMA_API_KEY", "word")
    with ollama(Deed()) as server:
        server.routes["/api/pull"] = lines(*LINES)
        pulled(server)
    assert "authorization" not in server.headers[0]


def test_an_environment_that_the_package_does_not_load_in_is_one_sentence():
    code = (
        "import asyncio\nfrom gate.pulling import pull\nfrom gate.terms import ChatTerms\n"
        "asyncio.run(pull(ChatTerms(model='m'), print))"
    )
    # The desk's own questions need no package: it is loaded by a pull alone.
    found = subprocess.run(
        [sys.executable, "-c", code], env={"ALL_PROXY": "socks5://127.0.0.1:9"}, capture_output=True, check=False
    )
    assert b"BadInput: the package ollama does not load here" in found.stderr


def test_the_digest_is_the_one_the_server_lists():
    with ollama(Deed()) as server:
        assert asyncio.run(digest_of(ChatTerms(url=server.url, model=MODEL))) == DIGEST
        server.routes["/api/tags"] = told(models=[])
        with pytest.raises(BadInput, match="the server does not have this model"):
            asyncio.run(digest_of(ChatTerms(url=server.url, model=MODEL)))
        server.routes["/api/tags"] = tags(remote_host="https://ollama.com")
        with pytest.raises(BadInput, match="another machine"):
            asyncio.run(digest_of(ChatTerms(url=server.url, model=MODEL)))
