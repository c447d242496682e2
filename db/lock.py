"""One writer a journal: the lock that a second desk runs into."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from domain.errors import BadInput

# Any fixed number does: advisory locks are counted per database.
_ADVISORY_KEY: Final = 7_466_164_653_871
_PAUSE_S: Final = 0.05
_N_TRIES: Final = 20


class FileLock:
    """An exclusive lock on `<journal>.lock`, held until closed or until the process dies."""

    __slots__ = ("_handle",)

    def __init__(self, journal: Path) -> None:
        """Take the lock. Raises BadInput when another process has it."""
        path = journal.with_name(journal.name + ".lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise BadInput(_occupied(holder, str(journal))) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def close(self) -> None:
        """Release the lock. The file stays: deleting it would let two desks lock two different files."""
        os.close(self._handle)


def lock_server(connection: Connection, name: str) -> None:
    """Take the journal's advisory lock for this session. Raises BadInput when another session keeps it."""
    # The server lets go for a session that has ended a moment after its client is gone.
    for wait_s in (0.0, *(_PAUSE_S,) * _N_TRIES):
        time.sleep(wait_s)
        if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY}):
            return
    holder = connection.scalar(
        text(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
        ),
        {"key": _ADVISORY_KEY},
    )
    raise BadInput(_occupied(str(holder or "unknown").removeprefix("tidegate "), name))


def _occupied(holder: str, name: str) -> str:
    return f"another desk (pid {holder}) is writing to the journal {name}; stop it first, or name another DATABASE_URL"
