"""The doctor says whether whom the settings name can be asked, and whether paper would let them veto."""

from contextlib import ExitStack

import pytest
from typer.testing import CliRunner

import main
from cli.plan import gate_plan
from console.gate_checkup import check_gate
from db.evaluations import Evaluation, store_evaluation
from db.opening import open_journal
from settings import load_settings
from tests.unit.gate.ollama_double import MODEL, pretended

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'j.db'}"


def checked(database_url, **knobs):
    given = {"GATE_MODEL": MODEL, "GATE_BACKEND": "ollama", "GATE_MODE": "shadow", **knobs}
    plan = gate_plan(load_settings(None, {}, given), main.build_chat_reader)
    return list(check_gate(plan, database_url))


def test_without_a_gate_there_is_nothing_to_note(database_url):
    (one,) = checked(database_url, GATE_MODE="off", GATE_BACKEND="off")
    assert (one.ok, one.found, one.advice) == (True, "off: nobody is asked before an entry", "")


def test_a_backend_that_nobody_asks_is_noted(database_url):
    (one,) = checked(database_url, GATE_MODE="off", GATE_URL=NOBODY)
    assert one.ok
    assert "GATE_MODE=shadow asks and records" in one.advice


def test_a_mode_without_a_backend_is_noted(database_url):
    (one,) = checked(database_url, GATE_BACKEND="off")
    assert one.ok
    assert one.advice == "GATE_MODE is shadow and GATE_BACKEND off: nobody is asked, and nothing will be measured"


def test_a_server_that_can_be_asked_is_told_with_its_model(database_url):
    with pretended() as server:
        (one,) = checked(database_url, GATE_URL=server.url)
    assert (one.ok, one.advice) == (True, "")
    assert one.found.startswith(f"shadow, ollama: {MODEL} {server.installed.digest[:12]} on Ollama")


def test_a_server_that_cannot_be_asked_is_noted_with_what_to_do(database_url):
    (one,) = checked(database_url, GATE_URL=NOBODY)
    assert one.ok
    assert "nobody answers at the server's address" in one.found
    assert "start the server" in one.advice


def test_every_member_of_an_ensemble_is_looked_at(database_url):
    first, second = checked(database_url, GATE_BACKEND="ensemble", GATE_MEMBERS="ollama,metalabel", GATE_URL=NOBODY)
    assert (bool(first.advice), second.advice) == (True, "")
    assert "metalabel" in second.found


def test_a_cassette_that_is_not_there_fails_and_one_that_would_be_recorded_is_not_made(database_url, tmp_path):
    tape = tmp_path / "tape.jsonl"
    (replayed,) = checked(database_url, GATE_CASSETTE="replay", GATE_CASSETTE_FILE=str(tape))
    assert not replayed.ok
    with pretended() as server:
        (recorded,) = checked(database_url, GATE_URL=server.url, GATE_CASSETTE="record", GATE_CASSETTE_FILE=str(tape))
    assert recorded.ok
    assert not tape.exists()


@pytest.mark.parametrize("finding", ["evidence_for", "too_few"])
def test_a_veto_on_paper_needs_a_stored_evaluation_of_this_gate(database_url, finding):
    with ExitStack() as stack:
        server = stack.enter_context(pretended())
        with open_journal(database_url, writable=True) as store:
            number = store_evaluation(
                store,
                Evaluation(
                    created_ms=1, backend="ollama", model=MODEL, digest=None, prompt_version="veto-2",
                    prompt_sha256="ab" * 32, run_ids=("r",), n_triggers=9, n_resolved=9, finding=finding,
                    report_json="{}",
                ),
            )  # fmt: skip
        _, without = checked(database_url, GATE_MODE="veto", GATE_URL=server.url)
        _, veto = checked(database_url, GATE_MODE="veto", GATE_URL=server.url, GATE_EVALUATION=str(number))
    assert not without.ok
    assert "needs GATE_EVALUATION" in without.found
    assert (veto.ok, bool(veto.advice)) == (True, finding == "too_few")


def test_the_doctor_looks_at_the_gate(tmp_path):
    knobs = {"GATE_MODE": "shadow", "GATE_BACKEND": "ollama", "GATE_MODEL": MODEL, "GATE_URL": NOBODY}
    given = [part for name, value in knobs.items() for part in ("--set", f"{name}={value}")]
    command = ["doctor", "--json", "--env-file", "none", "--db", f"sqlite:///{tmp_path / 'j.db'}", *given]
    told = CliRunner().invoke(main.app, command)
    assert '"name": "gate", "ok": true' in told.stdout
