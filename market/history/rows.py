"""Rows of one day on their way from a source to disk."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from market.arrow import arrow_floats, arrow_ints
from market.drift.counts import FileCounts
from market.history.manifest import Gap
from market.history.series import Kind
from market.recording import Floats, Ints

_PARQUET: Final[Mapping[str, Any]] = {"compression": "zstd", "write_statistics": True, "store_schema": False}


@dataclass(frozen=True, slots=True)
class DayRows:
    """What a source has of one day.

    stamps_ms: rising, shape (n_rows,). columns: as docs/data.md names them, each (n_rows,).
    step_ms: distance between rows where the kind has a fixed one; it is what gaps are told by. files: what was read of
    the venue's own files, where the rows were made from any.
    """

    stamps_ms: Ints
    columns: Mapping[str, Floats]
    step_ms: int | None = None
    files: tuple[FileCounts, ...] = ()


class HistorySource(Protocol):
    """A place that history comes from: an exchange, or a venue's archive."""

    @property
    def name(self) -> str:
        """The exchange, as its folder is named."""
        ...

    async def day(self, kind: Kind, symbol: str, first_ms: int, until_ms: int) -> DayRows:
        """Return the rows with first_ms <= stamp < until_ms, all within one UTC day.

        Raises BadInput when it knows no such market, FeedLost when it does not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...


def parquet_bytes(rows: DayRows) -> bytes:
    """Return the rows as a parquet file; the same rows are the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"ts": arrow_ints(rows.stamps_ms)}
    columns |= {name: arrow_floats(figures) for name, figures in rows.columns.items()}
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **_PARQUET)
    return file.getvalue()


def gaps_in(rows: DayRows, first_ms: int, until_ms: int) -> tuple[Gap, ...]:
    """Return the rows of a fixed step that are missing from [first_ms, until_ms); none where there is no step."""
    if rows.step_ms is None:
        return ()
    wanted = np.arange(first_ms, until_ms, rows.step_ms, dtype=np.int64)
    missing = wanted[~np.isin(wanted, rows.stamps_ms)]
    if len(missing) == 0:
        return ()
    breaks = np.flatnonzero(np.diff(missing) != rows.step_ms) + 1
    return tuple(Gap(first_ms=int(run[0]), n_rows=len(run)) for run in np.split(missing, breaks))
