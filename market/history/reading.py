"""A series as one recording: its days end to end, each held against its checksum."""

from pathlib import Path

import numpy as np

from domain.errors import BadInput
from market.history.manifest import Manifest, checksum, read_manifest
from market.history.series import MANIFEST_NAME, find_series, part_path, series_of
from market.layouts import MAX_ROWS, Layout, Table, layout_of
from market.readers_parquet import parquet_names, read_parquet


def is_series(path: Path) -> bool:
    """Say whether a path is the folder of a fetched series."""
    return series_of(path) is not None and (path / MANIFEST_NAME).is_file()


def series_layout(folder: Path) -> Layout:
    """Return which columns a series has, from its first day. Raises BadInput when it has no day with rows."""
    first = _parts(folder)[0]
    return layout_of(series_name(folder), parquet_names(first))


def read_series(folder: Path, layout: Layout) -> Table:
    """Read the layout's columns of every day in the manifest, in order of date.

    Raises BadInput when a day's file is missing or is not as the manifest says, or when there are too many rows.
    """
    tables = [read_parquet(path, layout) for path in _parts(folder)]
    n_rows = sum(len(table.stamps) for table in tables)
    if n_rows > MAX_ROWS:
        raise BadInput(f"{series_name(folder)} has {n_rows:,} rows; at most {MAX_ROWS:,} are read")
    return Table(
        stamps=np.concatenate([table.stamps for table in tables]),
        columns={
            name: np.concatenate([table.columns[name] for table in tables])
            for name in layout.source_names
            if name != "ts"
        },
        row_word="row",
        first_row=1,
    )


def series_name(folder: Path) -> str:
    """Return what a series is called in messages."""
    series = series_of(folder)
    return folder.name if series is None else series.title


def manifest_of(folder: Path) -> Manifest:
    """Return a series' manifest. Raises BadInput when it has none, or one of another series."""
    manifest, series = read_manifest(folder), series_of(folder)
    if manifest is None or series is None:
        raise BadInput(f"{folder} holds no fetched history; `data fetch` makes such folders")
    if (manifest.kind, manifest.exchange, manifest.symbol) != (series.kind, series.exchange, series.symbol):
        raise BadInput(f"the manifest in {folder} belongs to {manifest.exchange} {manifest.symbol} {manifest.kind}")
    return manifest


def series_in(folder: Path) -> list[Path]:
    """Return the series below a folder. Raises BadInput when there is none."""
    found = [folder] if is_series(folder) else find_series(folder)
    if not found:
        raise BadInput(f"{folder} is a folder without fetched history; name a .parquet or .csv file in it")
    return found


def _parts(folder: Path) -> list[Path]:
    entries = [entry for entry in manifest_of(folder).days if entry.sha256 is not None]
    if not entries:
        raise BadInput(f"{series_name(folder)} has no day with rows; fetch other days")
    for entry in entries:
        found = checksum(part_path(folder, entry.date))
        if found != entry.sha256:
            what = "is missing" if found is None else "is not as it was fetched (its checksum differs)"
            raise BadInput(f"{entry.date} of {series_name(folder)} {what}; run the same `data fetch` again")
    return [part_path(folder, entry.date) for entry in entries]
