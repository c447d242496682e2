"""Read one recording, a parquet or CSV file or a fetched series, and recognise from its columns what it is."""

from pathlib import Path
from typing import Final

from domain.errors import BadInput
from market.history.reading import is_series, read_series, series_layout, series_name
from market.layouts import MAX_BYTES, Layout, Table, layout_of
from market.readers_csv import csv_names, read_csv
from market.readers_parquet import parquet_names, read_parquet
from market.recording import Ints, Recording, RecordingKind

PARQUET_MAGIC: Final = b"PAR1"

_HEAD_BYTES: Final = 4096


def read_recording(path: Path) -> Recording:
    """Read a parquet or CSV file of recorded market figures, or the folder of a fetched series.

    Returns
    -------
    Recording
        Rows as written: stamps in the file's own unit, figures unjudged.

    Raises
    ------
    BadInput
        When the file is missing, a folder, unreadable, empty, truncated, larger than `MAX_ROWS` or
        `MAX_BYTES`, or has columns of no known kind.
    """
    name = recording_name(path)
    layout, table = _read(path)
    if len(table.stamps) == 0:
        raise BadInput(f"{name} has columns but no rows; a recording needs at least one")
    return Recording(
        name=name,
        kind=layout.kind,
        stamps=table.stamps,
        columns=table.columns,
        row_word=table.row_word,
        first_row=table.first_row,
    )


def recording_name(path: Path) -> str:
    """Return what a recording is called in messages: a file's name, or a fetched series' in words."""
    return series_name(path) if is_series(path) else path.name


def read_stamps(path: Path) -> tuple[RecordingKind, Ints]:
    """Return what a file is and its time stamps as written, reading no other column.

    Raises BadInput as `read_recording` does.
    """
    layout, table = _read(path, only_stamps=True)
    return layout.kind, table.stamps


def _read(path: Path, *, only_stamps: bool = False) -> tuple[Layout, Table]:
    is_folder = is_series(path)
    is_parquet = not is_folder and _looks_like_parquet(path)
    if is_folder:
        layout = series_layout(path)
    else:
        layout = layout_of(path.name, parquet_names(path) if is_parquet else csv_names(path)[0])
    if only_stamps:
        layout = Layout(kind=layout.kind, source_names={"ts": layout.source_names["ts"]})
    if is_folder:
        return layout, read_series(path, layout)
    return layout, read_parquet(path, layout) if is_parquet else read_csv(path, layout)


def _looks_like_parquet(path: Path) -> bool:
    head = _first_bytes(path)
    if head.startswith(PARQUET_MAGIC):
        return True
    if path.suffix.lower() == ".parquet":
        raise BadInput(f"{path.name} is not a parquet file: it does not begin with PAR1")
    if b"\x00" in head or head.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise BadInput(f"{path.name} is neither parquet nor plain CSV text; unpack it first if it is an archive")
    return False


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder; name a .parquet or .csv file in it")
        if not path.is_file():
            raise BadInput(f"{path} is not there, or is not an ordinary file; name a .parquet or .csv file")
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        # A name with a NUL byte is a ValueError to the operating system's door.
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{path} cannot be read: {reason}") from error
    if n_bytes == 0:
        raise BadInput(f"{path.name} is empty; a recording needs at least one row")
    if n_bytes > MAX_BYTES:
        raise BadInput(f"{path.name} has {n_bytes:,} bytes; at most {MAX_BYTES:,} are read: split it by year")
    return head
