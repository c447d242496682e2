"""The peers as seen from here: each in a process of its own, asked in turn with ours, timed by its own clock.

They need the extra `bench`. Where they are installed for another interpreter, BENCH_PEER_PYTHON names that one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[2]
INTERPRETER = "BENCH_PEER_PYTHON"


def fresh(command: Sequence[str]) -> list[str]:
    """Return a command that starts another from a small process.

    A process's peak memory, as the system counts it, begins with what its parent held: ours would count for theirs.
    """
    return ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command]


class Done(NamedTuple):
    """What a peer says of one job. peak_mb: the most its process has held so far, imports and tape included."""

    seconds: float
    n_trades: int
    peak_mb: float


class Peer:
    """One peer, ready to be asked. title: its name and version, or why it is absent; is_absent: whether it is."""

    def __init__(self, name: str, tape_file: Path) -> None:
        """Start its process and wait until it has the tape."""
        interpreter = os.environ.get(INTERPRETER, sys.executable)
        command = [interpreter, "-m", "benchmarks.peers.serve", name, str(tape_file)]
        self._process = subprocess.Popen(
            fresh(command),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore"},
        )
        told = self._read()
        self.is_absent = "version" not in told
        reason = f"absent ({told.get('absent', 'it did not start')}): pip install {name}, or name another {INTERPRETER}"
        self.title = f"{name} {reason if self.is_absent else told['version']}"

    def __enter__(self) -> Self:
        """Lend it for a while."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End its process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()

    def ask(self, job: str, **arguments: Any) -> Done:
        """Have one job done. Raises RuntimeError when it died over it."""
        if self._process.stdin is None:
            raise RuntimeError(f"{self.title} cannot be asked")
        self._process.stdin.write(json.dumps({"job": job, **arguments}) + "\n")
        self._process.stdin.flush()
        told = self._read()
        if "seconds" not in told:
            raise RuntimeError(f"{self.title} died over the job {job}")
        return Done(**told)

    def _read(self) -> Mapping[str, Any]:
        line = "" if self._process.stdout is None else self._process.stdout.readline()
        told: Mapping[str, Any] = json.loads(line) if line else {}
        return told


@contextmanager
def peer(name: str, tape_file: Path) -> Iterator[Peer | None]:
    """Lend a peer; where it is absent, say so by name and lend None."""
    with Peer(name, tape_file) as found:
        if found.is_absent:
            print(f"  {found.title}")
        yield None if found.is_absent else found
