"""Cassettes as files: read whole, or held by the one desk that records on it."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from domain.errors import BadInput
from gate.cassette.format import CassetteDamaged, Contents, Head, Taped, contents, sealed


def read_cassette(path: Path) -> Contents:
    """Read a cassette that nobody is recording on. Raises BadInput where there is none, CassetteDamaged."""
    try:
        handle = _opened(path, os.O_RDONLY, fcntl.LOCK_SH)
    except BadInput as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise BadInput(f"{error}; record on it first, with GATE_CASSETTE=record") from error
        raise
    with os.fdopen(handle, "rb") as file:
        return contents(str(path), file.read())


class Recorder:
    """A cassette that is being recorded on, by this process alone until it is closed or the process ends."""

    __slots__ = ("_end", "_handle", "contents", "path")

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises BadInput when another desk records on it, CassetteDamaged."""
        self.path: Final = path
        self._handle = _opened(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
        try:
            with os.fdopen(os.dup(self._handle), "rb") as file:
                self.contents: Final = contents(str(path), file.read())
        except CassetteDamaged:
            self.close()
            raise
        self._end = self.contents.n_whole_bytes

    def write(self, line: Head | Taped) -> None:
        """Add one line; it is on disk when this returns. Raises OSError; the file is then as it was for its readers."""
        told = sealed(line)
        # Also takes away what a write that failed, or a recorder that was killed, has left half done.
        os.ftruncate(self._handle, self._end)
        n_written = 0
        while n_written < len(told):
            n_written += os.pwrite(self._handle, told[n_written:], self._end + n_written)
        os.fsync(self._handle)
        self._end += len(told)

    def close(self) -> None:
        """Let go of the file and its lock. Can be called again."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        """Let go of the file with the desk that held it."""
        if hasattr(self, "_handle"):
            self.close()


def _opened(path: Path, how: int, lock: int) -> int:
    try:
        # Without blocking: a pipe of this name would wait for somebody at its other end.
        handle = os.open(path, how | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise BadInput(f"the cassette {path} cannot be opened: {error.strerror or error}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadInput(f"the cassette {path} is no file")
    try:
        fcntl.flock(handle, lock | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise BadInput(f"another desk is using the cassette {path}; wait for it, or name another file") from error
    except OSError as error:
        os.close(handle)
        raise BadInput(f"the cassette {path} cannot be locked: {error.strerror or error}") from error
    return handle
