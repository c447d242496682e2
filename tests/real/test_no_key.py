"""No command but a live desk that has proven everything touches the exchange's key, or loads what could read it.

The program runs as its users start it, with a key beside it and settings that ask for live, under a hook that Python
itself calls whenever a file is opened or a module is looked for.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer

import main

ROOT = Path(__file__).parents[2]
WATCH = ROOT / "tests" / "doubles" / "key_watch"
CANARY = "CANARY5kQ2vYp8mZtR7wJ3nXb6hLd4sGf9cTe1uAaKiBoM"
NOBODY = "http://127.0.0.1:1"
FINE, REFUSED, FAILED = 0, 2, 1
HEAD = "Open Time,Open,High,Low,Close,Volume"
N_MINUTES = 900


class Call(NamedTuple):
    """How a command is called so that it gets as far as it can, and how it may end."""

    words: Sequence[str] = ()
    codes: tuple[int, ...] = (FINE,)


GATE = ("--set", "GATE_BACKEND=ollama", "--set", "GATE_MODEL=tiny", "--set", f"GATE_URL={NOBODY}")
TAPE = ("--data", "SOL-PERP=tape.csv")
# A new command fails the first test below until it has its place here.
CALLS: dict[tuple[str, ...], Call] = {
    (): Call(codes=(REFUSED,)),
    ("live",): Call(codes=(REFUSED,)),
    ("dry-run",): Call(("--set", "EXECUTION=gateway"), codes=(REFUSED, FAILED)),
    ("paper",): Call(("--feed", "sim", "--speed", "max", "--minutes", "600", "--run-id", "paper")),
    ("backtest",): Call((*TAPE, "--run-id", "tested", "--no-report")),
    ("config",): Call(("--json",)),
    ("doctor",): Call(("--json",), codes=(FAILED,)),
    ("halt",): Call(("--reduce",)),
    ("resume",): Call(),
    ("watch",): Call(("--test", "--set", "NOTIFY_CRITICAL=json://127.0.0.1:1"), codes=(FAILED,)),
    ("report",): Call(("tested",)),
    ("sweep",): Call(("--grid", "grid.json", *TAPE, "--min-trades", "1", "--workers", "1")),
    ("tune",): Call(("--space", "grid.json", *TAPE, "--trials", "2", "--min-trades", "1"), codes=(FINE, REFUSED)),
    ("walkforward",): Call(("--grid", "grid.json", *TAPE, "--train-days", "1"), codes=(FINE, REFUSED)),
    ("montecarlo",): Call(("tested", "--paths", "100"), codes=(FINE, REFUSED)),
    ("band",): Call(("tested", "--to", "band.json", "--paths", "100"), codes=(FINE, REFUSED)),
    ("compare",): Call(("tested", "tested")),
    ("audit", "runs"): Call(),
    ("audit", "decisions"): Call(("tested",)),
    ("audit", "show"): Call(("tested", "400")),
    ("audit", "verify"): Call(("tested",)),
    ("audit", "replay"): Call(("tested",)),
    ("audit", "export"): Call(("tested", "--to", "exported")),
    ("data", "check"): Call(("tape.csv",), codes=(FINE, FAILED)),
    ("data", "list"): Call(codes=(FINE, REFUSED)),
    ("data", "fetch"): Call(
        (
            "--exchange",
            "bybit",
            "--symbol",
            "SOL-PERP",
            "--from",
            "2025-05-01",
            "--to",
            "2025-05-01",
            "--to-folder",
            "h",
        ),
        codes=(FAILED, REFUSED),
    ),
    ("gate", "check"): Call((*GATE, "--calls", "2"), codes=(FAILED,)),
    ("gate", "pull"): Call(GATE, codes=(FAILED, REFUSED)),
    ("gate", "score"): Call(("tested",), codes=(FINE, REFUSED)),
}
ALONE = ((), ("paper",))
"""Run in a process of their own; the others go through the front door one after the other, which is quicker."""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command of the program, as it is typed; the empty one where a group does something by itself."""
    inner = getattr(command, "commands", None)
    if inner is None or getattr(command, "invoke_without_command", False):
        yield path
    for name, one in (inner or {}).items():
        yield from leaves(one, (*path, name))


@dataclass(frozen=True)
class Watched:
    """The program in a folder with a key, settings that name it, and somebody who notes what touches it."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "the-watched-exchange.key"

    @property
    def env(self) -> dict[str, str]:
        watched = {"WATCHED_KEY": str(self.key), "WATCHED_NOTES": f"{self.folder}/notes"}
        return {**os.environ, **watched, "PYTHONPATH": str(WATCH), "RAY_AUTH_MODE": "disabled"}

    def python(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.env, input=said, capture_output=True, text=True, timeout=300, check=False
        )

    def notes(self) -> str:
        return (self.folder / "notes").read_text(encoding="utf-8")

    def everywhere(self) -> Iterator[Path]:
        """Yield every file that was left, but the key itself."""
        return (path for path in self.folder.rglob("*") if path.is_file() and path != self.key)


def settings(key: Path, mode: str, feed: str) -> str:
    knobs = {
        "MODE": mode,
        "FEED": feed,
        "EXECUTION": "ccxt",
        "LIVE_TRADING": "I_ACCEPT_THE_RISK",
        "CCXT_KEY_FILE": str(key),
        "CCXT_TESTNET": "false",
        "CCXT_URL": NOBODY,
        "LIVE_URL": NOBODY,
        "FETCH_URL": NOBODY,
        "FETCH_TRIES": "1",
        "LOG_LEVEL": "debug",
        "GATEWAY_SOCKET": str(key.parent / "run" / "gateway.sock"),
    }
    return "".join(f"{name}={value}\n" for name, value in knobs.items())


def tape() -> str:
    """Return minutes of a market that moves enough to be traded."""
    closes = 150.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.002, N_MINUTES + 1)))
    rows = [
        f"{1_746_057_600_000 + 60_000 * number},{first},{max(first, last) * 1.0005},{min(first, last) * 0.9995},{last},"
        f"{100 + 900 * (number % 9 == 0)}"
        for number, (first, last) in enumerate(pairwise(closes))
    ]
    return "\n".join([HEAD, *rows]) + "\n"


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    one = Watched(tmp_path)
    one.key.write_text(json.dumps({"apiKey": CANARY, "secret": CANARY}), encoding="utf-8")
    one.key.chmod(0o600)
    (tmp_path / "tape.csv").write_text(tape(), encoding="utf-8")
    (tmp_path / "grid.json").write_text(json.dumps({"E3_VOLUME_Z": [1.5, 2.5]}), encoding="utf-8")
    (tmp_path / "run").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "run" / "gateway.sock"))
    (tmp_path / "run" / "gateway.sock").chmod(0o600)
    return one


def check_untouched(watched: Watched, said: str) -> None:
    assert watched.notes() == ""
    assert CANARY not in said
    assert [path for path in watched.everywhere() if CANARY.encode() in path.read_bytes()] == []


def test_every_command_of_the_program_has_its_place_in_this_test() -> None:
    assert set(leaves(typer.main.get_command(main.app))) == set(CALLS)


def test_whoever_opens_the_key_or_loads_its_reader_is_noted(watched: Watched) -> None:
    for number, deed in enumerate(
        (
            f"open({str(watched.key)!r})",
            f"import os; os.open({watched.key.name!r}, 0)",
            "import execution.exchange.keys",
        ),
        start=1,
    ):
        watched.python("-c", deed)
        assert len(watched.notes().splitlines()) >= number, deed
    told = watched.notes()
    assert told.count("open") >= 2
    assert "import ('execution.exchange.keys',)" in told
    assert watched.python("-c", "print(open('tape.csv').read())").returncode == 0
    assert watched.notes() == told


def test_with_settings_that_ask_for_live_no_command_touches_the_key(watched: Watched) -> None:
    (watched.folder / ".env").write_text(settings(watched.key, "live", "live"), encoding="utf-8")
    said, ended = "", {}
    for path in ALONE:
        done = watched.python(str(ROOT / "main.py"), *path, *CALLS[path].words)
        said += done.stdout + done.stderr
        ended[path] = done.returncode
    rest = [path for path in CALLS if path not in ALONE]
    lines = [[*path, *CALLS[path].words] for path in rest]
    done = watched.python(str(WATCH / "several.py"), said=json.dumps(lines))
    assert done.returncode == 0, done.stderr
    ended |= zip(rest, json.loads(done.stdout.splitlines()[-1]), strict=True)
    said += done.stdout + done.stderr
    assert {path: code for path, code in ended.items() if code not in CALLS[path].codes} == {}, said[-3_000:]
    assert "Traceback" not in said
    check_untouched(watched, said)


def test_on_paper_the_desk_and_the_doctor_leave_the_key_alone(watched: Watched) -> None:
    (watched.folder / ".env").write_text(settings(watched.key, "paper", "sim"), encoding="utf-8")
    lines = [[], ["doctor"], ["config"], ["paper", "--feed", "live"]]
    done = watched.python(str(WATCH / "several.py"), said=json.dumps(lines))
    assert json.loads(done.stdout.splitlines()[-1]) == [FINE, FINE, FINE, FAILED], done.stderr
    assert "bybit could not be reached" in done.stderr
    check_untouched(watched, done.stdout + done.stderr)


def test_a_key_file_that_others_can_read_is_told_by_its_mode_without_being_opened(watched: Watched) -> None:
    watched.key.chmod(0o644)
    (watched.folder / ".env").write_text(settings(watched.key, "live", "live"), encoding="utf-8")
    done = watched.python(str(ROOT / "main.py"), "doctor", "--json")
    (told,) = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "live: key file"]
    assert "has mode 0644" in told["found"]
    check_untouched(watched, done.stdout + done.stderr)
