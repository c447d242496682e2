"""Files that are there whole or not at all, and the lock that keeps two writers apart."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import BadInput


def replace_file(path: Path, body: bytes) -> None:
    """Write a file beside its place, make it durable and move it there. Raises BadInput when the disk refuses."""
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a series' folder alone; the lock ends with the process at the latest. Raises BadInput."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "_fetch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror or error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BadInput(f"another fetch is writing to {folder}; wait for it, or name another --to-folder") from error
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
