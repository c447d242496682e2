"""The program and a model server on the loopback: killed while it waits, its disk full, nobody there at all."""

import fcntl
import os
import resource
import subprocess
from contextlib import closing

import pytest

from tests.real.evaluated import evaluated
from tests.real.program import ROOT, Program
from tests.unit.gate.ollama_double import MODEL, Deed, chat, ollama, reply

HANGING, YES = Deed(has_head=False, ending="hang"), Deed(chat(reply()))
SELECT = "SELECT reason_code, count(*) FROM gate_outcomes GROUP BY reason_code ORDER BY reason_code"


SENT = "SELECT client_order_id FROM order_refusals WHERE rule = 'journal' AND reason LIKE 'sent before%'"
LEAST_PIPE_BYTES = 4_096


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    evaluated(program)
    return program


def trading(url, *more, n_minutes=900):
    knobs = {
        "GATE_MODE": "veto",
        "GATE_BACKEND": "ollama",
        "GATE_MODEL": MODEL,
        "GATE_URL": url,
        "GATE_DEADLINE_S": "20",
        "GATE_EVALUATION": "1",
    }
    given = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    own = ["--minutes", str(n_minutes), "--speed", "max", "--run-id", "run"]
    return ["paper", "--feed", "sim", *own, *given, *more]


def reasons(program):
    return dict(program.query(SELECT))


def ordered_on_the_first_question(program):
    query = "SELECT count(*) FROM orders WHERE tick_no = (SELECT min(tick_no) FROM gate_requests)"
    return program.query(query)[0][0]


def test_a_desk_killed_while_it_waits_for_the_model_denies_that_trade_and_its_evidence_holds(program):
    """SIGKILL between request and outcome: the question is on record, no order is, and the run goes on."""
    deeds = iter([HANGING])
    with ollama(lambda _: next(deeds, YES)) as server:
        first = subprocess.Popen(program.command(*trading(server.url)), cwd=ROOT, env=program.env)
        assert server.was_asked.wait(60)
        first.kill()
        first.wait(30)
        assert reasons(program) == {}
        done = program.fork(*trading(server.url))
        assert done.returncode == 0, done.stderr
        n_asked = len(server.requests)
    found = reasons(program)
    assert found.pop("interrupted") == 1
    assert found.pop("ok") == n_asked - 1 > 0
    assert found == {}
    assert ordered_on_the_first_question(program) == 0
    assert program.fork("audit", "verify", "run").returncode == 0
    again = program.fork("audit", "replay", "run")
    assert (again.returncode, again.stdout.split()[0]) == (0, "identical")


def fill_the_disk(process, is_full):
    """Let no file of a running process be written past its first page, or let them grow again."""
    limit = 4_096 if is_full else resource.RLIM_INFINITY
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def watch(process, wanted):
    """Read what a process tells until each of these words was among it; it can be but a page ahead of what is read."""
    told = b""
    while not all(word in told for word in wanted):
        more = os.read(process.stderr.fileno(), 256)
        assert more, told.decode()
        told += more


def test_a_question_that_a_full_disk_does_not_take_is_not_asked_while_exits_leave_and_the_run_goes_on(program):
    """The disk fills while one market is held and another asked about, and has room again when both have happened."""
    knobs = {"JOURNAL_BATCH_TICKS": "100000", "EXIT_MAX_HOLD_BARS": "100", "EXIT_TRAIL_PCT": "0"}
    more = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    asked = []

    def answer(question):
        asked.append(question)
        if len(asked) == 2:
            # Everything up to the question is durable, and the desk waits for this answer.
            ((held,),) = program.query("SELECT count(*) FROM orders WHERE reduce_only = 0")
            assert held == 1
            fill_the_disk(process, is_full=True)
            return Deed(chat(reply("DENY", 20)))
        return YES

    with ollama(answer) as server:
        words = trading(server.url, "--symbol", "SOL-PERP", "--symbol", "BTC-PERP", *more, n_minutes=3_000)
        command = program.command(*words)
        process = subprocess.Popen(
            command, cwd=ROOT, env=program.env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        with closing(process.stderr):
            fcntl.fcntl(process.stderr.fileno(), fcntl.F_SETPIPE_SZ, LEAST_PIPE_BYTES)
            watch(process, [b"(time)", b"audit_failed"])
            n_asked = len(asked)
            fill_the_disk(process, is_full=False)
            process.stderr.read()
            assert process.wait(60) == 0
    found = reasons(program)
    assert n_asked == 2
    assert found["audit_failed"] >= 1
    assert found["ok"] + found["llm_deny"] == len(asked) > 2
    assert any(order.endswith("-time") for (order,) in program.query(SENT))
    assert program.fork("audit", "verify", "run").returncode == 0
    again = program.fork("audit", "replay", "run")
    assert (again.returncode, again.stdout.split()[0]) == (0, "identical")


def test_with_nobody_at_the_address_the_desk_trades_nothing_and_ends_well(program):
    done = program.fork(*trading("http://127.0.0.1:9"))
    assert done.returncode == 0, done.stderr
    assert reasons(program).keys() == {"unreachable"}
    (told,) = program.query("SELECT detail FROM events WHERE kind = 'gate_unfit'")
    assert "tiny:latest at http://127.0.0.1:9 cannot be asked: nobody answers" in told[0]
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
