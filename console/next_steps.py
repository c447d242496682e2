"""The commands to try next, so that they work as they stand: with the options the run was started with."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from console.redaction import scrub

TO_FIND_THE_JOURNAL = ("--db", "--env-file")


def program() -> str:
    """Return how to call the program from the project's folder: by the interpreter that runs it now.

    `python` where an environment is activated; else the path of the interpreter, short where it lies below.
    """
    if os.environ.get("VIRTUAL_ENV"):
        return "python main.py"
    here = Path(sys.executable)
    return f"{here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here} main.py"


def next_steps(run_id: str, typed: Sequence[str], *, is_stopped: bool, has_gate: bool = False) -> list[str]:
    """Return what to type to question a run, and to go on with it where it was stopped.

    typed: the arguments of the command that ran. Passwords in them are hidden. has_gate: a gate was asked, and what it
    was worth can be questioned too.
    """
    where = "".join(f" {part}" for part in _given(typed, TO_FIND_THE_JOURNAL))
    steps = [f"{program()} audit {word} {run_id}{where}" for word in ("decisions", "verify", "replay")]
    steps += [f"{program()} gate score {run_id}{where}"] if has_gate else []
    return [resume_command(run_id, typed), *steps] if is_stopped else steps


def resume_command(run_id: str, typed: Sequence[str]) -> str:
    """Return the command that goes on with a run: as it was typed, with its id."""
    kept = _without(typed, "--run-id") or [_command_of(run_id)]
    return scrub(f"{program()} {shlex.join(kept)} --run-id {shlex.quote(run_id)}")


def _command_of(run_id: str) -> str:
    """Return what to type for a run that was started without a command: it bears the name of what MODE stood for."""
    return next((command for command in ("live", "dry-run") if run_id.startswith(f"{command}-")), "paper")


def _given(typed: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the named options with their values, fit for a shell."""
    found: list[str] = []
    for place, part in enumerate(typed):
        name, sign, _ = part.partition("=")
        if name in names:
            found.append(scrub(shlex.join([part] if sign else typed[place : place + 2])))
    return found


def _without(typed: Sequence[str], name: str) -> list[str]:
    kept: list[str] = []
    parts = iter(typed)
    for part in parts:
        if part == name:
            next(parts, None)
        elif not part.startswith(f"{name}="):
            kept.append(part)
    return kept
