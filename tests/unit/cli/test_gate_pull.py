"""`gate pull` fetches the model that the settings name and prints what can pin it."""

import json

from typer.testing import CliRunner

import main
from tests.unit.gate.ollama_double import DIGEST, MODEL, Deed, ollama
from tests.unit.gate.test_pulling import LINES, lines


def invoke(url, *more, backend="ollama"):
    knobs = {"GATE_BACKEND": backend, "GATE_MODEL": MODEL, "GATE_URL": url}
    given = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    return CliRunner().invoke(main.app, ["gate", "pull", *given, *more])


def test_a_pull_prints_each_status_once_and_the_digest():
    with ollama(Deed()) as server:
        server.routes["/api/pull"] = lines(*LINES[:2], LINES[1], *LINES[2:])
        done = invoke(server.url)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "pulling manifest", "pulling 5a0d 40 %", "pulling 5a0d 100 %", "success",
        f"{MODEL} is at {server.url}, digest {DIGEST}",
    ]  # fmt: skip


def test_a_pull_for_machines_is_one_object():
    with ollama(Deed()) as server:
        server.routes["/api/pull"] = lines(*LINES)
        done = invoke(server.url, "--json")
    assert json.loads(done.output) == {"model": MODEL, "digest": DIGEST}


def test_only_an_ollama_server_fetches_models():
    done = invoke("http://127.0.0.1:9", backend="openai")
    assert "only an Ollama server fetches models" in str(done.exception)
