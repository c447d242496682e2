"""Fetch history day by day: what is whole on disk stays, every other day is written whole or not at all."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from domain.market import DAY_MS, MINUTE_MS
from market.history.durable import only_writer, replace_file
from market.history.manifest import (
    DayEntry,
    DayState,
    Manifest,
    empty_manifest,
    is_settled,
    read_manifest,
    write_manifest,
)
from market.history.rows import DayRows, HistorySource, gaps_in, parquet_bytes
from market.history.series import Series, part_path, start_ms

_SETTLING_MS: Final = MINUTE_MS
"""A day counts as over this long after its end: exchanges correct their last bar for some seconds."""


@dataclass(frozen=True, slots=True)
class DayDone:
    """One day of one series that needs no more work. was_there: it was whole already and was not fetched."""

    series: Series
    entry: DayEntry
    was_there: bool


async def fetch_series(
    source: HistorySource,
    series: Series,
    days: Sequence[date],
    root: Path,
    now_ms: Callable[[], int],
    done: Callable[[DayDone], None],
) -> Manifest:
    """Bring the days of one series to disk, in order, and return its manifest.

    A day that has not begun is left out. Killed at any instant, the next call goes on and ends with the same bytes.
    done: told of every day as soon as it is durable.

    Raises
    ------
    BadInput
        When the source knows no such market, the disk refuses, or another fetch is at work.
    FeedLost
        When the source does not answer; what was fetched before is on disk.
    """
    folder = series.folder(root)
    with only_writer(folder):
        manifest = read_manifest(folder) or empty_manifest(series, f"{source.name}, fetched day by day")
        for day in days:
            entry = manifest.entry(day)
            was_there = is_settled(folder, entry)
            if entry is None or not was_there:
                fetched = await _fetch_day(source, series, day, folder, now_ms())
                if fetched is None:
                    continue
                entry = fetched
                manifest = manifest.with_day(entry)
                write_manifest(folder, manifest)
            done(DayDone(series, entry, was_there))
    return manifest


async def _fetch_day(source: HistorySource, series: Series, day: date, folder: Path, now_ms: int) -> DayEntry | None:
    first_ms = start_ms(day)
    is_over = now_ms >= first_ms + DAY_MS + _SETTLING_MS
    until_ms = first_ms + DAY_MS if is_over else now_ms - now_ms % MINUTE_MS
    if until_ms <= first_ms:
        return None
    rows = await source.day(series.kind, series.symbol, first_ms, min(until_ms, first_ms + DAY_MS))
    state = DayState.PARTIAL if not is_over else DayState.WHOLE if len(rows.stamps_ms) else DayState.EMPTY
    return _put(rows, part_path(folder, day), day, state, min(until_ms, first_ms + DAY_MS))


def _put(rows: DayRows, path: Path, day: date, state: DayState, until_ms: int) -> DayEntry:
    gaps = gaps_in(rows, start_ms(day), until_ms)
    if len(rows.stamps_ms) == 0:
        path.unlink(missing_ok=True)
        return DayEntry(date=day, state=state, n_rows=0, gaps=gaps, files=rows.files)
    body = parquet_bytes(rows)
    replace_file(path, body)
    return DayEntry(
        date=day,
        state=state,
        n_rows=len(rows.stamps_ms),
        first_ms=int(rows.stamps_ms[0]),
        last_ms=int(rows.stamps_ms[-1]),
        sha256=hashlib.sha256(body).hexdigest(),
        gaps=gaps,
        files=rows.files,
    )
