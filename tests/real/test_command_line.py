"""The command line as a user meets it: stopping, halting, resuming, the terminal, and what is logged."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.real.program import ROOT, Program, complaint

LONG = ("paper", "--speed", "max", "--minutes", "400000", "--json")
KNOBS = {"JOURNAL_BATCH_TICKS": "64", "E3_VOLUME_Z": "0.5", "RISK_COOLDOWN_AFTER_TRADE_S": "0"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> dict[str, object]:
    """Ask a desk to stop; it must do so well and say what it came to."""
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    told: dict[str, object] = json.loads(out)
    return told


def test_a_stopped_run_stays_open_and_goes_on_as_if_it_had_never_stopped(program: Program) -> None:
    desk = program.start(*LONG, "--run-id", "stopped", env=KNOBS)
    program.wait_for("active")
    told = stop(desk, signal.SIGINT)
    n_bars = int(str(told["n_bars"]))
    assert 0 <= n_bars < 400_000
    assert program.n_ticks() == n_bars
    assert program.events()[-1] == ("stopped", f"by a signal after {n_bars} ticks")
    n_minutes = str(n_bars + 200)
    for run_id in ("stopped", "whole"):
        words = ("paper", "--speed", "max", "--minutes", n_minutes, "--run-id", run_id, "--json")
        told[run_id] = json.loads(program.call(*words, env=KNOBS).stdout)["chain_hash"]
    assert told["stopped"] == told["whole"]
    assert program.answer("audit", "verify", "stopped")["is_sound"]
    assert program.answer("audit", "replay", "stopped")["is_identical"]


def test_a_stop_that_flattens_leaves_no_position(program: Program) -> None:
    desk = program.start(*LONG, env={**KNOBS, "ON_STOP": "flatten"})
    program.wait_for("active")
    told = stop(desk, signal.SIGTERM)
    assert told["open_positions"] == []
    assert program.query("SELECT position_lots FROM ticks ORDER BY id DESC LIMIT 1") in ([(0,)], [])


def test_a_halt_from_another_terminal_is_seen_obeyed_and_on_record(program: Program) -> None:
    desk = program.start(*LONG, env=KNOBS)
    program.wait_for("active")
    halted = program.call("halt")
    assert "asked to be halted" in halted.stdout
    assert program.wait_for("switch") == "the switch says halted"
    resumed = program.call("resume")
    assert "was asked to be halted" in resumed.stdout
    while program.wait_for("switch") != "the switch says active":
        time.sleep(0.05)
    stop(desk, signal.SIGTERM)
    states = [state for (state,) in program.query("SELECT DISTINCT state FROM ticks")]
    assert set(states) <= {"active", "halted"}
    assert program.query("SELECT count(*) FROM ticks WHERE state = 'halted' AND outcome = 'entered'") == [(0,)]
    assert "no halt was set" in program.call("resume").stdout


def test_a_desk_started_under_a_halt_says_so_and_enters_nothing(program: Program) -> None:
    program.call("halt", "--reduce")
    done = program.call("paper", "--speed", "max", "--minutes", "2000", env=KNOBS)
    assert "asked to be reducing" in done.stderr
    assert program.query("SELECT count(*) FROM orders") == [(0,)]
    assert program.query("SELECT DISTINCT state FROM ticks") == [("reducing",)]
    assert "reducing since" in " ".join(program.call("doctor").stdout.split())


def test_a_second_interrupt_does_not_wait_and_loses_nothing_committed(program: Program) -> None:
    desk = program.start(*LONG, "--run-id", "twice", env=KNOBS)
    while program.n_ticks() < 40_000:
        time.sleep(0.05)
    stop(desk, signal.SIGINT)
    before = program.n_ticks()
    again = program.start(*LONG[:-1], "--run-id", "twice", env=KNOBS)
    assert again.stderr is not None
    for word in ("resuming twice", "stopping after this minute"):
        line = ""
        while word not in line:
            line = again.stderr.readline()
            assert line, f"it ended before it said: {word}"
        again.send_signal(signal.SIGINT)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 130, errors
    assert errors.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in errors
    assert program.n_ticks() == before
    assert program.answer("audit", "verify", "twice")["is_sound"]


def test_a_run_is_not_resumed_with_other_settings(program: Program) -> None:
    desk = program.start(*LONG, "--run-id", "mine", env=KNOBS)
    program.wait_for("active")
    stop(desk, signal.SIGTERM)
    before = program.n_ticks()
    told = complaint(program.call(*LONG, "--run-id", "mine", env={**KNOBS, "E3_VOLUME_Z": "3"}), 2)
    assert "settings differ" in told
    assert program.n_ticks() == before


BARE = {"VIRTUAL_ENV": ""}
"""No environment is activated: the advice has to name the interpreter."""


def test_the_commands_it_advises_work_as_they_stand(program: Program) -> None:
    done = program.call(
        "paper", "--speed", "max", "--minutes", "300", "--db", f"sqlite:///{program.folder}/other.db", env=BARE
    )
    advised = [line.strip() for line in done.stdout.splitlines() if "main.py audit" in line]
    assert len(advised) == 3
    env = {name: value for name, value in program.env.items() if name != "DATABASE_URL"}
    for line in advised:
        again = subprocess.run(line, shell=True, cwd=ROOT, env=env, capture_output=True, check=False)  # noqa: S602 - as a user pastes it
        assert again.returncode == 0, again.stderr


def test_a_terminal_gets_the_live_view_and_the_log_a_line_a_tick(program: Program) -> None:
    ours, theirs = pty.openpty()
    call = program.command("paper", "--minutes", "20")
    env = {**program.env, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    desk = subprocess.Popen(call, cwd=ROOT, env=env, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert desk.wait(timeout=30) == 0
    text = seen.decode()
    assert "SIMULATED MARKET" in text
    assert "20 of 20 minutes" in text
    lines = [json.loads(line) for line in (program.folder / "desk.log").read_text().splitlines()]
    ticks = [line["tick_id"] for line in lines if "tick_id" in line]
    assert ticks == [f"SOL-PERP-{number}" for number in range(1, 21)]


def test_at_full_speed_only_deeds_and_trouble_are_logged(program: Program) -> None:
    words = ("paper", "--speed", "max", "--minutes", "2000", "--json")
    told = json.loads(program.call(*words, env=KNOBS).stdout)
    lines = [json.loads(line) for line in (program.folder / "desk.log").read_text().splitlines()]
    assert told["n_orders"] <= len(lines) < told["n_bars"] / 10
    assert all(line["order_ids"] or line["n_fills"] or line["n_trades"] for line in lines)
