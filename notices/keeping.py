"""The senders' memory on disk: one small file, replaced whole, so that it is never half-written."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from domain.record import Record
from notices.outbox import Lane
from notices.tail import Position
from notices.watchdog import Memory


class Kept(Record, frozen=True, kw_only=True):
    """What must outlive the process. lanes: by target; no address stands here, only its fingerprint.

    position: None before the journal was first seen. summary_day: number of the last day that was summed up.
    """

    position: Position | None = None
    summary_day: int | None = None
    lanes: dict[str, Lane] = msgspec.field(default_factory=dict)
    watch: Memory = Memory()


@dataclass(frozen=True, slots=True)
class Keeper:
    """Loads and saves it."""

    path: Path

    def load(self) -> Kept | None:
        """Return what was kept; None where nothing was. Raises ValueError when it cannot be understood, OSError."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(text, type=Kept)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error

    def save(self, kept: Kept) -> None:
        """Keep this from now on, also through a power cut. Raises OSError; what was kept before then stands."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(handle)
        draft.replace(self.path)
