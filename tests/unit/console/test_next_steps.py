"""What is advised can be pasted: same journal, same options, no password."""

import shlex
from pathlib import Path

import pytest

from console.next_steps import next_steps, resume_command


def test_a_plain_run_gets_plain_commands() -> None:
    assert next_steps("r1", ["paper"], is_stopped=False) == [
        "python main.py audit decisions r1",
        "python main.py audit verify r1",
        "python main.py audit replay r1",
    ]


def test_a_run_with_a_gate_can_be_asked_what_the_gate_was_worth() -> None:
    steps = next_steps("r1", ["paper", "--db", "a.db"], is_stopped=False, has_gate=True)
    assert steps[-1] == "python main.py gate score r1 --db a.db"


@pytest.mark.parametrize("given", [["--db", "sqlite:///a b.db"], ["--db=sqlite:///a b.db"]])
def test_the_journal_and_the_settings_file_of_the_run_are_named(given: list[str]) -> None:
    steps = next_steps("r1", ["paper", *given, "--env-file", "my.env", "--json"], is_stopped=False)
    for step in steps:
        assert shlex.split(step)[5:] == [*given, "--env-file", "my.env"]


def test_a_stopped_run_goes_on_with_what_was_typed_and_its_own_id() -> None:
    typed = ["backtest", "--run-id", "old", "--data", "a.csv", "--set", "E3_VOLUME_Z=2", "--run-id=old"]
    steps = next_steps("r1", typed, is_stopped=True)
    assert steps[0] == "python main.py backtest --data a.csv --set E3_VOLUME_Z=2 --run-id r1"
    assert len(steps) == 4


def test_without_a_command_it_was_paper() -> None:
    assert resume_command("r1", []) == "python main.py paper --run-id r1"


def test_a_password_is_never_advised() -> None:
    typed = ["paper", "--db", "postgresql://desk:hunter2@host/journal"]
    assert "hunter2" not in " ".join(next_steps("r1", typed, is_stopped=True))


def test_without_an_activated_environment_the_commands_name_the_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv/bin/python"))
    assert resume_command("r1", []) == ".venv/bin/python main.py paper --run-id r1"
    monkeypatch.setattr("sys.executable", "/opt/python")
    assert resume_command("r1", []) == "/opt/python main.py paper --run-id r1"


def test_a_run_started_by_its_mode_is_gone_on_with_by_the_command_of_that_mode() -> None:
    for run_id, command in (("live-2026", "live"), ("dry-run-2026", "dry-run"), ("paper-2026", "paper")):
        assert resume_command(run_id, []) == f"python main.py {command} --run-id {run_id}"
