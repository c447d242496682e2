"""The durable log: one sealed line a fact, on the disk before anything that follows from it is done.

A line is `seal body`: the body is canonical JSON, the seal is SHA-256 over the line before's seal and the body. A last
line without its newline was never answered for and is cut off; anything else that does not fit its seal stops the
start.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from execution.gateway.codes import CannotStart, Code, Refused
from execution.gateway.private import open_private

FIRST_SEAL = "0" * 64


class Log:
    """The log of one gateway, locked for as long as it is open.

    Attributes
    ----------
    entries: what stood in the log when it was opened, in order.
    n_cut_bytes: length of an unfinished last line that was cut off at opening.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = open_private(path, "the log", os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise CannotStart(f"another gateway is running on the log {path}") from None
        content = _read_whole(self._descriptor)
        whole = content[: content.rfind(b"\n") + 1]
        try:
            self.entries, self._seal = _read_entries(whole, path)
        except CannotStart:
            os.close(self._descriptor)
            raise
        self.n_cut_bytes = len(content) - len(whole)
        self._length = len(whole)
        self._broken = False
        if self.n_cut_bytes:
            os.ftruncate(self._descriptor, self._length)
        _sync_folder(path.parent)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Make one fact durable, or raise `Refused` and leave the log as it was.

        After a failed sync nobody knows what the disk holds; from then on the log refuses everything until it is
        opened again.
        """
        if self._broken:
            raise Refused(Code.LOG_UNAVAILABLE, "an earlier write failed; start the gateway again")
        body = canonical(entry)
        seal = _seal(self._seal, body)
        line = f"{seal} ".encode() + body + b"\n"
        try:
            _write_whole(self._descriptor, line)
            os.fsync(self._descriptor)
        except OSError as error:
            self._broken = True
            os.ftruncate(self._descriptor, self._length)
            raise Refused(Code.LOG_UNAVAILABLE, str(error)) from error
        self._seal, self._length = seal, self._length + len(line)

    def close(self) -> None:
        """Give the file and its lock back."""
        os.close(self._descriptor)


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return an entry as the bytes that are sealed: sorted keys, no spaces."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()


def _write_whole(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    if written != len(line):
        raise OSError(f"{written} of {len(line)} bytes were written")


def _seal(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()


def _read_whole(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _read_entries(content: bytes, path: Path) -> tuple[list[dict[str, Any]], str]:
    entries, seal = [], FIRST_SEAL
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        found, _, body = line.partition(b" ")
        seal = _seal(seal, body)
        if found != seal.encode():
            raise CannotStart(f"the log {path} was altered: line {number} does not fit its seal")
        entries.append(json.loads(body))
    return entries, seal


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
