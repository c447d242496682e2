"""Notifications from end to end: real desks, a real watcher, a real target; and nothing of it in the desk's way."""

import json
import signal
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import Popen

import pytest

from tests.doubles.mailbox import Mailbox, a_mailbox
from tests.real.program import PATIENCE_S, Done, Program, complaint

JOB = ("paper", "--speed", "max", "--minutes", "1000", "--run-id", "run", "--json")
SHORT = ("paper", "--speed", "max", "--minutes", "2", "--run-id", "short", "--json")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as served:
        yield served


def chain_hash(done: Done) -> str:
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["chain_hash"])


def test_a_target_that_hangs_changes_nothing_of_a_run_and_is_told_by_the_next_desk(
    program: Program, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    untold = chain_hash(Program(tmp_path_factory.mktemp("untold")).call(*JOB))
    env = {"NOTIFY_INFO": mailbox.url("?rto=300"), "NOTIFY_CRITICAL": mailbox.url()}
    mailbox.is_hanging = True
    done = program.run(*JOB, env=env)
    assert chain_hash(done) == untold
    assert mailbox.n_asked > 0
    (kept,) = (program.folder / "state").glob("notices-*.json")
    text = kept.read_text()
    assert '"is_begun":true' in text, "what hangs is remembered"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    mailbox.is_hanging = False
    mailbox.is_over.set()
    again = program.call(*SHORT, env=env)
    assert again.returncode == 0
    (doubtful,) = (body for body in mailbox.bodies if "this may have been told before" in body)
    assert doubtful.startswith("run: ")
    shown = done.stdout + done.stderr + again.stdout + again.stderr + text
    assert "tokenish" not in shown + (program.folder / "desk.log").read_text()


def alive(program: Program, env: Mapping[str, str], until: str) -> Popen[str]:
    """Start a desk in real time, and wait until it has put this on record."""
    desk = program.start("paper", "--speed", "real", "--run-id", "real", "--json", env=env)
    program.wait_for(until)
    return desk


def test_a_watcher_speaks_up_once_when_the_desk_was_killed_and_once_when_it_is_back(
    program: Program, mailbox: Mailbox
) -> None:
    env = {"NOTIFY_CRITICAL": mailbox.url(), "NOTIFY_INFO": mailbox.url()}
    watcher = program.start("watch", env=env)
    first = alive(program, env, "active")
    first.kill()
    first.communicate()
    assert f"pid {first.pid}" in mailbox.wait_for("the desk is dead")
    second = alive(program, env, "recovered")
    assert f"pid {second.pid}" in mailbox.wait_for("a desk is back")
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0
    mailbox.wait_for("real: desk stopped")
    watcher.send_signal(signal.SIGTERM)
    out, err = watcher.communicate(timeout=PATIENCE_S)
    assert (watcher.returncode, err) == (0, "")
    assert out.startswith("watching ")
    bodies = mailbox.bodies
    assert len(bodies) == len(set(bodies)), "one thing was told twice"
    assert [title for title, _ in mailbox.letters].count("Tidegate critical") == 2


def test_a_test_says_which_targets_worked_and_shows_no_address(program: Program, mailbox: Mailbox) -> None:
    with a_mailbox() as gone:
        url = gone.url()
    done = program.call("watch", "--test", "--json", env={"NOTIFY_CRITICAL": f"{mailbox.url()},{url}"})
    assert json.loads(done.stdout) == {
        "targets": [
            {"target": "critical 1 (json)", "result": "told"},
            {"target": "critical 2 (json)", "result": "refused"},
        ]
    }
    assert (done.returncode, len(mailbox.letters)) == (1, 1)
    assert "tokenish" not in done.stdout + done.stderr


def test_nobody_to_tell_and_a_wrong_address_are_refused_and_no_address_is_shown(program: Program) -> None:
    assert "set NOTIFY_CRITICAL" in complaint(program.call("watch"), 2)
    assert "that the desk is dead" in complaint(program.call("watch", env={"NOTIFY_INFO": "ntfy://desk"}), 2)
    done = program.call("watch", env={"NOTIFY_INFO": "tgram://sekret"})
    assert done.returncode == 2
    assert "NOTIFY_INFO" in done.stderr
    shown = program.call("config", env={"NOTIFY_INFO": "ntfy://sekret"})
    assert shown.returncode == 0
    assert "sekret" not in done.stdout + done.stderr + shown.stdout + shown.stderr
