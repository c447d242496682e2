"""Whether a desk is there: a file it holds while it lives, and in which it says so when it leaves in good order.

Nothing of the tick depends on it. A process that was killed cannot let a file say so, but the system lets go of what
it held: a file that nobody holds and that tells of no leaving is a dead desk's.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from desk.held import HeldFile, hold, is_held
from domain.record import Record

_MOST_LOOKS: Final = 5


class Leaving(StrEnum):
    """How a desk left. ENDED: its run was finished, or a human stopped it."""

    ENDED = "ended"
    HALTED = "halted"
    INTERRUPTED = "interrupted"


class Presence(Record, frozen=True, kw_only=True):
    """What a desk says of itself. began_ms: when this process took up the run. why: of a halt, else empty."""

    pid: int
    run_id: str
    began_ms: int
    left: Leaving | None = None
    why: str = ""

    @property
    def key(self) -> str:
        """The process and its run, as one word: a desk started again is another."""
        return f"{self.run_id}:{self.pid}:{self.began_ms}"


@dataclass(slots=True)
class Present:
    """A desk that is there. Made by `enter`."""

    presence: Presence
    _held: HeldFile

    def leave(self, how: Leaving, why: str = "") -> None:
        """Say how the desk leaves, and let go. Raises OSError; the file is let go of all the same."""
        try:
            self._held.write(_written(msgspec.structs.replace(self.presence, left=how, why=why)))
        finally:
            self._held.close()


def enter(path: Path, run_id: str, began_ms: int) -> Present | None:
    """Say that a desk is there; None when another one is. Raises OSError when the file cannot be written."""
    held = hold(path)
    if held is None:
        return None
    presence = Presence(pid=os.getpid(), run_id=run_id, began_ms=began_ms)
    try:
        held.write(_written(presence))
    except OSError:
        held.close()
        raise
    return Present(presence, held)


def seen(path: Path) -> tuple[Presence | None, bool]:
    """Return what the desk says of itself, and whether it lives. None: no desk was ever there, or it is just writing.

    Raises OSError when the file cannot be read.
    """
    # A desk says that it leaves before it lets go: what was read before and after the look must be the same.
    before = _read(path)
    for _ in range(_MOST_LOOKS):
        lives, after = is_held(path), _read(path)
        if after == before:
            return after, lives
        before = after
    return None, True


def _written(presence: Presence) -> str:
    return msgspec.json.encode(presence).decode()


def _read(path: Path) -> Presence | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Presence)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
