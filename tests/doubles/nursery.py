"""Starts desks fast: one process has the program's modules loaded, and each desk is a fork of it.

A desk so started is the program from its front door on, in a process of its own; only reading its modules is saved.
`python -m tests.doubles.nursery` serves: a line of JSON on standard input is one start, answered by its number
and the pid; another line tells each end, by the number, for the machine gives a pid again. It ends with its standard
input.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

ROOT = Path(__file__).parents[2]
ROOMS = (
    "agents",
    "cli",
    "configuration",
    "console",
    "db",
    "desk",
    "indicators",
    "market",
    "risk",
    "strategy",
    "wiring",
)
AT_THE_EXCHANGES_TIME, AT_ITS_OWN = DOORS = ("tests.doubles.exchange.desk_process", "main")
"""The two front doors: with the clock of a local exchange in the machine's place, and the program's own."""
HEAVY = ("backtest.reopened", "ccxt.pro", "execution.paper", "execution.gateway_client.broker", "execution.live.venue")


class Desk:
    """One started program, with what `subprocess.Popen` would tell of it."""

    def __init__(self, nursery: "Nursery", number: int, pid: int) -> None:
        self._nursery, self._number, self.pid = nursery, number, pid

    @property
    def returncode(self) -> int | None:
        return self._nursery.ended.get(self._number)

    def poll(self) -> int | None:
        self._nursery.listen(0.0)
        return self.returncode

    def wait(self, timeout_s: float) -> int:
        """Return the exit code; the negative signal where one ended it. Raises TimeoutError."""
        self._nursery.listen(timeout_s, until=self._number)
        if self.returncode is None:
            raise TimeoutError(f"the desk {self.pid} goes on")
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """The process that starts desks, from the side of a test."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        self._told = b""
        command = [sys.executable, "-m", "tests.doubles.nursery"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def start(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        out: Path,
        errors: Path | None = None,
        door: str = AT_THE_EXCHANGES_TIME,
    ) -> Desk:
        """Start the program with a command line, by a door; what it says is added to a file, or to two."""
        assert self._process.stdin is not None
        self._born: tuple[int, int] | None = None
        told = {
            "words": [*words],
            "environ": dict(environ),
            "out": str(out),
            "errors": str(errors or out),
            "door": door,
        }
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        while self._born is None:
            self.listen(60.0, once=True)
        return Desk(self, *self._born)

    def listen(self, timeout_s: float, until: int | None = None, *, once: bool = False) -> None:
        """Take what there is to hear; wait for it, and for the end of `until`, as long as told."""
        assert self._process.stdout is not None
        while until not in self.ended and select.select([self._process.stdout], [], [], timeout_s)[0]:
            part = os.read(self._process.stdout.fileno(), 65_536)
            assert part, "the nursery ended; its reason stands on standard error"
            *lines, self._told = (self._told + part).split(b"\n")
            for line in map(json.loads, lines):
                if "code" in line:
                    self.ended[line["number"]] = line["code"]
                else:
                    self._born = line["number"], line["pid"]
            if once:
                return


@cache
def nursery() -> Nursery:
    """Return the one of this process; it ends when this process does, for nobody writes to it any more."""
    return Nursery()


def serve() -> None:
    """Start what is asked for, until nobody asks any more."""
    folders = [str(ROOT / room) for room in ROOMS]
    found = [one.name for room, at in zip(ROOMS, folders, strict=True) for one in walk_packages([at], f"{room}.")]
    for name in (*HEAVY, *found):
        import_module(name)
    doors = {door: import_module(door) for door in DOORS}
    lock = threading.Lock()
    for number, line in enumerate(sys.stdin):
        told = json.loads(line)
        with lock:
            pid = os.fork()
            if pid == 0:
                live(doors[told["door"]], told)
            _tell({"number": number, "pid": pid})
        threading.Thread(target=_bury, args=(number, pid, lock), daemon=True).start()


def live(door: ModuleType, told: Mapping[str, object]) -> None:
    """Be the program that is asked for, and end as it does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out, errors = (
        os.open(str(told[name]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) for name in ("out", "errors")
    )
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (errors, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(told["environ"])  # type: ignore[call-overload]
    sys.argv = ["main.py", *told["words"]]  # type: ignore[misc]
    code = 1
    try:
        door.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        with contextlib.suppress(ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _bury(number: int, pid: int, lock: threading.Lock) -> None:
    _, status = os.waitpid(pid, 0)
    with lock:
        _tell({"number": number, "code": os.waitstatus_to_exitcode(status)})


def _tell(what: Mapping[str, int]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve()
