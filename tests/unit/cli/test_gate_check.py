"""`main.py gate check`: one verdict line, the findings, JSON for machines, and an exit code that says it."""

import json

import pytest
from typer.testing import CliRunner

import main
from domain.errors import BadInput
from tests.doubles.engine_fixture import engine_server
from tests.unit.gate.ollama_double import MODEL, pretended


def invoked(url, *words, **knobs):
    given = {"GATE_BACKEND": "ollama", "GATE_MODEL": MODEL, "GATE_URL": url, **knobs}
    overrides = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    command = ["gate", "check", "--calls", "4", "--env-file", "none", *words, *overrides]
    return CliRunner().invoke(main.app, command, env={"COLUMNS": "200"})


def test_a_fit_server_is_told_in_one_line_with_its_findings():
    with pretended() as server:
        answer = invoked(server.url)
    assert answer.exit_code == 0
    verdict, *rest = answer.stdout.splitlines()
    assert verdict == f"{MODEL} at {server.url} is fit to serve the gate"
    assert any(line.startswith("ok") and "speed" in line and "p99" in line for line in rest)
    assert f"GATE_MODEL_DIGEST={server.installed.digest[:12]}\n" in answer.stdout.replace(" ", "")


def test_an_unfit_model_leaves_with_one():
    with pretended(is_constant=True) as server:
        answer = invoked(server.url)
    assert answer.exit_code == 1
    assert "is not fit to serve the gate: sensitivity" in answer.stdout


def test_machines_get_one_object():
    with pretended(is_fickle=True) as server:
        answer = invoked(server.url, "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["fit"], told["verdict"]) == (0, True, "fit with warnings")
    assert {one["name"] for one in told["findings"]} >= {"answers", "speed", "sensitivity", "repeatability"}


def test_a_cassette_does_not_answer_for_the_server(tmp_path):
    with pretended() as server:
        answer = invoked(server.url, "--json", GATE_CASSETTE="replay", GATE_CASSETTE_FILE=str(tmp_path / "none"))
        assert len(server.requests) == 18 + 1
    assert answer.exit_code == 0


def test_it_is_asked_of_a_server_that_the_settings_name():
    answer = invoked("http://127.0.0.1:9", GATE_BACKEND="off")
    assert isinstance(answer.exception, BadInput)
    assert str(answer.exception) == "GATE_BACKEND=off is no server to check; it must be ollama or openai"


@pytest.mark.parametrize(("name", "value"), [("GATE_MODEL", ""), ("GATE_URL", "http://192.0.2.1:11434")])
def test_settings_that_cannot_be_meant_are_refused_before_anyone_is_asked(name, value):
    answer = invoked(**{"url": "http://127.0.0.1:9", name: value})
    assert isinstance(answer.exception, BadInput)
    assert name in str(answer.exception)


def told_of_the_engine(server):
    answer = invoked(server.url, "--json", GATE_DEADLINE_S="45", GATE_CONTEXT_TOKENS="16384")
    told = json.loads(answer.stdout)
    assert answer.exit_code == (0 if told["fit"] else 1)
    return told


def test_a_real_decoder_with_drawn_weights_is_fit_by_form(request):
    """What it says is noise, and the check does not look at worth: that is what the score is for."""
    with engine_server(request) as server:
        told = told_of_the_engine(server)
    assert told["fit"], told
    found = {one["name"]: one for one in told["findings"]}
    assert found["long questions"]["level"] == "ok"
    assert found["repeatability"]["level"] == "ok"
    assert found["answers"]["found"].startswith("17 of 17")


def test_a_real_decoder_whose_weights_read_nothing_is_found_out(tiny_gguf, tmp_path):
    from tests.doubles.engine_server import engine_ollama
    from tests.doubles.tiny_gguf import write_tiny_gguf

    path = tmp_path / "constant.gguf"
    write_tiny_gguf(path, is_constant=True)
    assert path.stat().st_size == tiny_gguf.stat().st_size
    with engine_ollama(path) as server:
        told = told_of_the_engine(server)
    assert [one["name"] for one in told["findings"] if one["level"] == "failure"] == ["sensitivity"]
