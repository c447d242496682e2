"""The program with a model server on the loopback: killed while it waits, and with nobody there at all."""

import subprocess

import pytest

from tests.real.evaluated import evaluated
from tests.real.program import ROOT, Program
from tests.unit.gate.ollama_double import MODEL, Deed, chat, ollama, reply

HANGING, YES = Deed(has_head=False, ending="hang"), Deed(chat(reply()))
SELECT = "SELECT reason_code, count(*) FROM gate_outcomes GROUP BY reason_code ORDER BY reason_code"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def trading(url, *more):
    knobs = {
        "GATE_MODE": "veto",
        "GATE_BACKEND": "ollama",
        "GATE_MODEL": MODEL,
        "GATE_URL": url,
        "GATE_DEADLINE_S": "20",
        "GATE_EVALUATION": "1",
    }
    given = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    return ["paper", "--feed", "sim", "--minutes", "900", "--speed", "max", "--run-id", "run", "--json", *given, *more]


def reasons(program):
    return dict(program.query(SELECT))


def ordered_on_the_first_question(program):
    query = "SELECT count(*) FROM orders WHERE tick_no = (SELECT min(tick_no) FROM gate_requests)"
    return program.query(query)[0][0]


def test_a_desk_killed_while_it_waits_for_the_model_denies_that_trade_and_its_evidence_holds(program):
    """SIGKILL between request and outcome: the question is on record, no order is, and the run goes on."""
    evaluated(program)
    deeds = iter([HANGING])
    with ollama(lambda _: next(deeds, YES)) as server:
        first = subprocess.Popen(program.command(*trading(server.url)), cwd=ROOT, env=program.env)
        assert server.was_asked.wait(60)
        first.kill()
        first.wait(30)
        assert reasons(program) == {}
        done = program.run(*trading(server.url))
        assert done.returncode == 0, done.stderr
        n_asked = len(server.requests)
    found = reasons(program)
    assert found.pop("interrupted") == 1
    assert found.pop("ok") == n_asked - 1 > 0
    assert found == {}
    assert ordered_on_the_first_question(program) == 0
    assert program.run("audit", "verify", "run").returncode == 0
    again = program.run("audit", "replay", "run")
    assert (again.returncode, again.stdout.split()[0]) == (0, "identical")


def test_with_nobody_at_the_address_the_desk_trades_nothing_and_ends_well(program):
    evaluated(program)
    done = program.run(*trading("http://127.0.0.1:9"))
    assert done.returncode == 0, done.stderr
    assert reasons(program).keys() == {"unreachable", "circuit_open"}
    assert program.query("SELECT count(*) FROM orders") == [(0,)]


def test_a_search_refuses_a_gate_that_would_be_asked(program):
    grid = program.folder / "grid.json"
    grid.write_text('{"E3_VOLUME_Z": [1.5, 2.0]}')
    done = program.run(
        "sweep",
        "--grid",
        str(grid),
        "--set",
        "GATE_MODE=shadow",
        "--set",
        "GATE_BACKEND=ollama",
        "--set",
        "GATE_MODEL=a",
    )
    assert done.returncode == 2
    assert "GATE_MODE=shadow asks a model at every entry" in " ".join(done.stderr.split())
