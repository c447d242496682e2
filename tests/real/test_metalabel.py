"""The program with a model of its own behind the gate: it learns as the run goes, and again when the run is relived."""

import json

import pytest

from cli.gate_identity import gate_identity
from settings import load_settings
from tests.real.evaluated import evaluated
from tests.real.program import Program

N_MINUTES = 3_600
KNOBS = {
    "GATE_MODE": "veto",
    "GATE_BACKEND": "metalabel",
    "GATE_METALABEL_MIN_TRIGGERS": "40",
    "GATE_MIN_P_WIN_PCT": "40",
    "GATE_EVALUATION": "1",
}
ANSWERS = "SELECT request_id, reason_code, raw_reply FROM gate_outcomes ORDER BY id"


def traded(folder, **knobs):
    """Return the program after a run on the simulated market."""
    folder.mkdir()
    program = Program(folder)
    gate = gate_identity(load_settings(None, {**KNOBS, **knobs}))
    evaluated(program, backend=gate.backend, model=gate.model, prompt_version=gate.prompt_version, digest=None)
    given = [word for name, value in {**KNOBS, **knobs}.items() for word in ("--set", f"{name}={value}")]
    market = ["--feed", "sim", "--minutes", str(N_MINUTES), "--speed", "max"]
    done = program.fork("paper", *market, "--run-id", "run", "--json", *given)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return traded(tmp_path_factory.mktemp("whole") / "desk")


def test_it_abstains_first_then_answers_and_every_answer_can_be_worked_out_from_its_question(whole):
    reasons = [reason for _, reason, _ in whole.query(ANSWERS)]
    first = next(place for place, reason in enumerate(reasons) if reason != "abstained")
    assert first >= 1
    assert "abstained" not in reasons[first:]
    assert len(reasons) - first > 20
    asked = whole.query("SELECT request_id, prompt FROM gate_requests ORDER BY id")
    for (asked_id, prompt), (answered_id, _, raw) in zip(asked, whole.query(ANSWERS), strict=True):
        assert asked_id == answered_id
        assert json.loads(prompt)["weights_sha256"] == json.loads(raw)["weights_sha256"]


def test_a_run_lived_again_learns_the_same_weights(whole):
    again = whole.fork("audit", "replay", "run")
    assert (again.returncode, again.stdout.split()[0]) == (0, "identical"), again.stderr
    assert whole.fork("audit", "verify", "run").returncode == 0


def test_with_no_server_there_a_quorum_of_one_leaves_the_choice_to_the_model_of_its_own(whole, tmp_path):
    """The other's failure is a no of its own, on record beside it; nothing else of the run differs."""
    members = {"GATE_BACKEND": "ensemble", "GATE_MEMBERS": "ollama,metalabel", "GATE_QUORUM": "1"}
    server = {"GATE_MODEL": "tiny", "GATE_URL": "http://127.0.0.1:9"}
    program = traded(tmp_path / "desk", **members, **server)
    alone = {request: reason for request, reason, _ in whole.query(ANSWERS)}
    together = program.query(ANSWERS)
    assert alone.keys() == {request for request, _, _ in together}
    for request, reason, raw in together:
        first, second = json.loads(raw)
        assert first["reason"] in {"unreachable", "circuit_open"}
        assert second["reason"] == alone[request]
        assert reason == ("ok" if alone[request] == "ok" else "no_quorum")
