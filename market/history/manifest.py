"""What a series holds, day by day, with the checksum of every file: a day that is not in the manifest is not there."""

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import BadInput
from domain.record import Record
from market.drift.counts import FileCounts
from market.history.durable import replace_file
from market.history.series import MANIFEST_NAME, Series, part_path

_FORMAT: Final = 1


class DayState(StrEnum):
    """WHOLE: the day is over and all that its source has is there. EMPTY: over, and its source has nothing.

    PARTIAL: the day was still going on when it was fetched.
    """

    WHOLE = "whole"
    EMPTY = "empty"
    PARTIAL = "partial"


class Gap(Record, frozen=True, kw_only=True):
    """Rows that the source does not have. first_ms: stamp of the first of them."""

    first_ms: int
    n_rows: int


class DayEntry(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One day. first_ms, last_ms: stamps of its rows; None, like sha256, when there are none.

    files: what was read of each of the venue's own files that the day was made from, where it was made from any.
    """

    date: date
    state: DayState
    n_rows: int
    first_ms: int | None = None
    last_ms: int | None = None
    sha256: str | None = None
    gaps: tuple[Gap, ...] = ()
    files: tuple[FileCounts, ...] = ()

    @property
    def n_missing(self) -> int:
        """Rows that the source does not have."""
        return sum(gap.n_rows for gap in self.gaps)


class Manifest(Record, frozen=True, kw_only=True):
    """A series' days in order of date. source: where the rows come from, in words."""

    format: int = _FORMAT
    kind: str
    exchange: str
    symbol: str
    source: str
    days: tuple[DayEntry, ...]

    def entry(self, day: date) -> DayEntry | None:
        """Return what is told of a day."""
        return next((one for one in self.days if one.date == day), None)

    def with_day(self, entry: DayEntry) -> "Manifest":
        """Return the manifest with a day added or replaced."""
        others = [one for one in self.days if one.date != entry.date]
        return msgspec.structs.replace(self, days=tuple(sorted([*others, entry], key=lambda one: one.date)))


def empty_manifest(series: Series, source: str) -> Manifest:
    """Return the manifest of a series without a day."""
    return Manifest(kind=series.kind, exchange=series.exchange, symbol=series.symbol, source=source, days=())


def read_manifest(folder: Path) -> Manifest | None:
    """Return a series' manifest, None when it has none. Raises BadInput when it cannot be read or is not ours."""
    path = folder / MANIFEST_NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadInput(f"{path} is damaged ({error}); remove the folder and fetch it again") from error
    if manifest.format != _FORMAT:
        raise BadInput(f"{path} has format {manifest.format}; this version reads format {_FORMAT}")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in place of the one before: the old one or the new one is there, never half of one."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    replace_file(folder / MANIFEST_NAME, text + b"\n")


def checksum(path: Path) -> str | None:
    """Return the SHA-256 of a file in hex, None when it is not there. Raises BadInput when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


def is_settled(folder: Path, entry: DayEntry | None) -> bool:
    """Say whether a day need not be fetched again: it was over, and its file is as the manifest says."""
    if entry is None or entry.state is DayState.PARTIAL:
        return False
    return entry.sha256 is None or checksum(part_path(folder, entry.date)) == entry.sha256
