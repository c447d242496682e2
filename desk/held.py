"""A file that one process holds at a time: the system lets go of it when that process dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

_PAUSE_S: Final = 0.02
_N_TRIES: Final = 10


class HeldFile:
    """Made by `hold`."""

    __slots__ = ("_handle",)

    def __init__(self, handle: int) -> None:
        """Take an open handle that holds the lock."""
        self._handle = handle

    def write(self, text: str) -> None:
        """Say something to whoever reads the file. Raises OSError."""
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def close(self) -> None:
        """Let go. The file stays: deleting it would let two processes hold two different ones."""
        os.close(self._handle)


def hold(path: Path) -> HeldFile | None:
    """Hold a file, made where it is missing, until closed or dead; None when another process has it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Whoever asks `is_held` has the file for an instant.
    for _ in range(_N_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return HeldFile(handle)
    os.close(handle)
    return None


def is_held(path: Path) -> bool:
    """Say whether a living process holds the file. Raises OSError when it cannot be looked at."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
