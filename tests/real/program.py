"""The program as its users start it: a process of its own, in a folder of its own, without the network."""

import ctypes
import io
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import main
from tests.doubles.nursery import AT_ITS_OWN, nursery

ROOT = Path(__file__).parents[2]
PATIENCE_S, POLL_S = 60.0, 0.05
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Program:
    """Runs `main.py` with its journal, log, state and settings file in one folder."""

    folder: Path

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    @property
    def env_file(self) -> Path:
        return self.folder / "settings.env"

    @property
    def env(self) -> dict[str, str]:
        own = {"STATE_DIR": f"{self.folder}/state", "LOG_FILE": f"{self.folder}/desk.log"}
        return {**os.environ, **own, "DATABASE_URL": f"sqlite:///{self.journal}"}

    def command(self, *words: str) -> list[str]:
        takes_no_settings = words[:2] == ("data", "check")
        own = [] if takes_no_settings else ["--env-file", str(self.env_file)]
        return [sys.executable, str(ROOT / "main.py"), *words, *own]

    def run(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
        patience_s: float = 120.0,
    ) -> Done:
        return subprocess.run(
            self.command(*words),
            cwd=ROOT,
            env={**self.env, **(env or {})},
            preexec_fn=before,
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=False,
        )

    def call(self, *words: str, env: Mapping[str, str] | None = None) -> Done:
        """Run a command without a process of its own, which is quicker; for commands that only read or refuse."""
        argv, out, err = self.command(*words)[1:], io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "argv", argv)
            patch.chdir(ROOT)
            for name, value in {**self.env, **(env or {})}.items():
                patch.setenv(name, value)
            try:
                main.main()
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else 0
            else:
                code = 0
        return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())

    def fork(self, *words: str, env: Mapping[str, str] | None = None, patience_s: float = 120.0) -> Done:
        """Run a command in a process of its own in which every module is loaded already, which is quicker."""
        argv = self.command(*words)[2:]
        with TemporaryDirectory() as folder:
            said = [Path(folder) / name for name in ("out", "errors")]
            desk = nursery().start(argv, {**self.env, **(env or {})}, *said, door=AT_ITS_OWN)
            try:
                code = desk.wait(patience_s)
            finally:
                desk.send_signal(signal.SIGKILL)
            return subprocess.CompletedProcess(argv, code, *(path.read_text(encoding="utf-8") for path in said))

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        own = {**self.env, **(env or {})}
        return subprocess.Popen(
            self.command(*words),
            cwd=ROOT,
            env=own,
            stdout=pipe,
            stderr=pipe,
            text=True,
            preexec_fn=heeding_ctrl_c,  # noqa: PLW1509 - it only sets a signal
        )

    def answer(self, *words: str) -> dict[str, Any]:
        """Run a command with --json that must go well, and return what it says."""
        runs_a_desk = words[0] in ("paper", "backtest")
        done = self.fork(*words, "--json") if runs_a_desk else self.call(*words, "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def events(self) -> list[tuple[str, str]]:
        """Return what the desks have put on record of themselves; nothing while there is no journal yet."""
        return self.query("SELECT kind, detail FROM events ORDER BY id")

    def n_ticks(self) -> int:
        return int((self.query("SELECT count(*) FROM ticks") or [(0,)])[0][0])

    def query(self, sql: str) -> list[Any]:
        try:
            with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=1.0)) as connection:
                return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []

    def wait_for(self, kind: str) -> str:
        """Wait until an event of this kind is on record, durably, and return its detail."""
        for _ in range(int(PATIENCE_S / POLL_S)):
            found = [detail for name, detail in self.events() if name == kind]
            if found:
                return str(found[-1])
            time.sleep(POLL_S)
        raise AssertionError(f"no event {kind} within {PATIENCE_S} s; there are {self.events()}")


def complaint(done: Done, code: int) -> str:
    """Return the one sentence a command failed with; anything more, or a traceback, is a failure of the test."""
    assert done.returncode == code, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def heeding_ctrl_c() -> None:
    """In the child: heed Ctrl-C as at a terminal, also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def without_roots_power() -> None:
    """In the child: let a file's permissions count, also where the tests run as root."""
    if os.geteuid() == 0:
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0


def with_files_up_to(n_bytes: int) -> Callable[[], None]:
    """In the child: let no file grow beyond this, as a full disk would."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return limit
