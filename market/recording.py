"""A recorded market file in memory, before anyone has judged it: kind, stamps, columns, and where each row stood."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.record import Record

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class RecordingKind(StrEnum):
    """What a file holds, recognised from its columns."""

    BARS = "bars"
    FUNDING = "exchange_funding"
    MARK = "mark_bars"
    PREMIUM = "premium"
    DRIFT = "drift_funding"
    ORACLE = "oracle"
    OPEN_INTEREST = "open_interest"


class Flaw(StrEnum):
    """What can be wrong with recorded rows."""

    STAMP_UNIT = "stamp_unit"
    STAMP_OFF_GRID = "stamp_off_grid"
    STEP = "step"
    DISORDER = "disorder"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    GAP = "gap"
    NOT_A_NUMBER = "not_a_number"
    BAD_PRICE = "bad_price"
    BROKEN_BAR = "broken_bar"
    BAD_VOLUME = "bad_volume"
    BAD_FIGURE = "bad_figure"
    MOVE = "move"


class Severity(StrEnum):
    """What a flaw costs.

    NOTE: repaired or harmless, only reported. UNFIT: no new risk on the minutes it touches.
    REFUSED: the file is not used at all.
    """

    NOTE = "note"
    UNFIT = "unfit"
    REFUSED = "refused"


class Finding(Record, frozen=True, kw_only=True):
    """One flaw of a file: how often, where first (row as `Recording.row` counts), and why it counts, as a sentence."""

    flaw: Flaw
    severity: Severity
    n_rows: int
    first_row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A file as read.

    Parameters
    ----------
    name
        File name without its folder, for messages.
    kind
        What the columns are.
    stamps
        Time stamps exactly as written, in whatever unit, shape (n_rows,).
    columns
        Figures by our own names, each of shape (n_rows,); NaN where the file has none.
    row_word, first_row
        How a person finds row 0: "line" 2 of a CSV with a header, "row" 1 of a parquet file.
    """

    name: str
    kind: RecordingKind
    stamps: Ints
    columns: Mapping[str, Floats]
    row_word: str
    first_row: int

    def row(self, place: int) -> int:
        """Return the number a person would give the row at `place`."""
        return self.first_row + int(place)

    def where(self, place: int) -> str:
        """Return the row at `place` as words, such as "line 17 of solusdt.csv"."""
        return f"{self.row_word} {self.row(place)} of {self.name}"


def utc_text(stamp_ms: int) -> str:
    """Return epoch milliseconds as "2025-05-04 15:33", with seconds only where there are any."""
    moment = datetime.fromtimestamp(stamp_ms / 1000, tz=UTC)
    return f"{moment:%Y-%m-%d %H:%M}" if stamp_ms % 60_000 == 0 else f"{moment:%Y-%m-%d %H:%M:%S}"
