"""Optuna's journal on disk, made safe against a process that is killed while it writes.

Optuna's own lock is a file that outlives its owner and is broken after half a minute; the system's lock ends with the
process. A line that was cut off would be joined by the next one and spoil the study; it is taken off first.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.storages.journal._file import BaseJournalFileLock

_CHUNK: Final = 65_536


class SystemLock(BaseJournalFileLock):
    """An exclusive lock on `<file>.lock`, held until released or until the process dies."""

    def __init__(self, file: Path) -> None:
        """Take nothing yet."""
        self._path = file.with_name(file.name + ".lock")
        self._handle = -1

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give the lock back. The file stays: deleting it would let two processes lock two different files."""
        os.close(self._handle)


def journal_storage(file: Path) -> JournalStorage:
    """Open or begin the journal of one study. Raises OSError, and ValueError when the file is damaged."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = SystemLock(file)
    lock.acquire()
    try:
        take_off_cut_line(file)
    finally:
        lock.release()
    return JournalStorage(JournalFileBackend(str(file), lock_obj=lock))


def take_off_cut_line(file: Path) -> None:
    """Take off what stands after the last line's end: a write that did not come to its end."""
    if not file.exists():
        return
    with file.open("r+b") as handle:
        end = size = handle.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _CHUNK)
            handle.seek(start)
            newline = handle.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            handle.truncate(end)
