"""The program measures its gate: a run in shadow mode, its score, and a veto that rests on it."""

import pytest

from tests.real.evaluated import evaluated
from tests.real.program import Program, complaint
from tests.real.test_gate import YES, trading
from tests.unit.gate.ollama_double import ollama

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def test_a_gate_that_was_never_measured_does_not_veto_on_paper(program):
    """One sentence with the two commands that mend it, and nothing begins."""
    told = complaint(program.fork(*trading(NOBODY)), 2)
    assert "GATE_EVALUATION=1 is not in the journal" in told
    assert "paper --set GATE_MODE=shadow" in told
    assert "gate score RUN --store" in told
    assert program.query("SELECT count(*) FROM runs") == [(0,)]
    told = complaint(program.fork(*trading(NOBODY, "--set", "GATE_EVALUATION=")), 2)
    assert "GATE_MODE=veto needs GATE_EVALUATION" in told


def test_a_measured_gate_without_evidence_vetoes_and_that_is_said_loudly_and_recorded(program):
    evaluated(program, finding="no_evidence", n_resolved=812)
    words = [word for word in trading(NOBODY) if word != "--json"]
    done = program.fork(*words)
    assert done.returncode == 0, done.stderr
    assert "WARNING: this gate vetoes trades" in " ".join(done.stderr.split())
    (detail,) = [detail for kind, detail in program.events() if kind == "gate_unproven"]
    assert "evaluation 1 found no evidence on 812 triggers" in detail
    assert program.fork("audit", "verify", "run").returncode == 0
    again = program.fork("audit", "replay", "run")
    assert (again.returncode, again.stdout.split()[0]) == (0, "identical")


def test_shadow_mode_is_measured_and_what_was_found_can_be_vetoed_on(program):
    """The whole way: a run in shadow mode, its score kept, a run that vetoes by its number."""
    with ollama(YES) as server:
        shadow = [word if word != "run" else "shadow" for word in trading(server.url, "--set", "GATE_MODE=shadow")]
        done = program.fork(*shadow)
        assert done.returncode == 0, done.stderr
        page = program.folder / "score.html"
        told = program.answer("gate", "score", "shadow", "--store", "--html", str(page))
        assert told["scores"][0]["n_asked"] == len(server.requests) > 0
        assert told["scores"][0]["verdict"]["finding"] == "too_few"
        assert (told["evaluation"], told["n_trials"], told["is_simulated"]) == (1, 1, True)
        assert "<script" not in page.read_text(encoding="utf-8")
        done = program.fork(*trading(server.url))
        assert done.returncode == 0, done.stderr
    assert [kind for kind, _ in program.events()].count("gate_unproven") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "nothing"),
        (("nothing", "--until", "soon"), "--until soon is not a time"),
        (("nothing", "--draws", "10"), "--draws"),
    ],
)
def test_a_score_of_nothing_is_one_sentence(program, words, told):
    evaluated(program)
    done = program.call("gate", "score", *words)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
