"""Parquet files: sizes are judged from the metadata before a row is decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import BadInput
from market.arrow import numbers_of
from market.layouts import MAX_BYTES, MAX_ROWS, Layout, Table
from market.recording import Floats, Ints


def parquet_names(path: Path) -> list[str]:
    """Return the top-level column names. Raises BadInput when the file is damaged."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def read_parquet(path: Path, layout: Layout) -> Table:
    """Decode the layout's columns.

    Raises
    ------
    BadInput
        When the file is damaged or too large, a stamp is absent or fractional, or a figure is not a number.
    """
    with _opened(path) as file:
        _refuse_gigantic(path, file.metadata, set(layout.source_names.values()))
        stamps = _stamps(path, _column(file, layout.source_names["ts"]))
        columns = {
            our_name: _figures(path, source_name, _column(file, source_name))
            for our_name, source_name in layout.source_names.items()
            if our_name != "ts"
        }
    return Table(stamps=stamps, columns=columns, row_word="row", first_row=1)


def _column(file: Any, name: str) -> Any:
    """Read one column, alone and in one thread: what Arrow holds while it decodes is then small."""
    return file.read(columns=[name], use_threads=False).column(0)


def _refuse_gigantic(path: Path, metadata: Any, wanted: set[str]) -> None:
    if metadata.num_rows > MAX_ROWS:
        raise BadInput(f"{path.name} has {metadata.num_rows:,} rows; at most {MAX_ROWS:,} are read")
    n_bytes = 0
    for group_no in range(metadata.num_row_groups):
        group = metadata.row_group(group_no)
        for column_no in range(group.num_columns):
            column = group.column(column_no)
            if column.path_in_schema in wanted:
                n_bytes += column.total_uncompressed_size
    if n_bytes > MAX_BYTES:
        raise BadInput(f"{path.name} unpacks to {n_bytes:,} bytes; at most {MAX_BYTES:,} are read")


def _stamps(path: Path, column: Any) -> Ints:
    import pyarrow as pa

    if column.null_count:
        place = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise BadInput(f"row {place + 1} of {path.name} has no time stamp; every row needs one")
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms"), safe=False)
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise BadInput(f"time stamps of {path.name} are {column.type}; whole numbers since 1970 are allowed")
    try:
        return numbers_of(column if column.type == pa.int64() else column.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise BadInput(f"a time stamp of {path.name} is not a whole number; whole numbers are allowed") from error


def _figures(path: Path, name: str, column: Any) -> Floats:
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise BadInput(f"column {name} of {path.name} is {kind}; numbers are allowed")
    # Not `safe`: an int64 beyond 2^53 becomes the nearest float, which is what a figure is.
    return numbers_of(column if kind == pa.float64() else column.cast(pa.float64(), safe=False))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Arrow's own pool keeps what it decoded in for a next time, tens of megabytes of it.
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path.name} is a truncated or damaged parquet file; fetch it again") from error
