"""CSV files: comma separated, with a header, or without one in the two public layouts that have none."""

import re
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from domain.errors import BadInput
from market.layouts import MAX_ROWS, Layout, Table

KLINE_NAMES: Final = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
PLAIN_NAMES: Final = ("ts", "open", "high", "low", "close", "volume")

_ABSENT: Final = ["", "nan", "NaN", "NAN", "null", "NULL", "None", "NA"]
_MAX_LINE_BYTES: Final = 65_536


def csv_names(path: Path) -> tuple[list[str], bool]:
    """Return the column names and whether the file itself has a header line.

    Raises BadInput when the first line is neither a header nor a row of a known headerless layout.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_LINE_BYTES)
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror or type(error).__name__}") from error
    fields = [field.strip().strip('"') for field in line.decode("utf-8-sig", errors="replace").strip().split(",")]
    if not all(_is_number(field) for field in fields):
        return fields, True
    for names in (KLINE_NAMES, PLAIN_NAMES):
        if len(fields) == len(names):
            return list(names), False
    raise BadInput(
        f"{path.name} has no header and {len(fields)} columns; without a header 6 (ts,open,high,low,close,volume) "
        f"or 12 (exchange klines) are allowed"
    )


def read_csv(path: Path, layout: Layout) -> Table:
    """Parse the layout's columns; an empty field or NaN is an absent figure.

    Raises
    ------
    BadInput
        When there are too many rows, or a row is cut short or holds a word where a number belongs; with the line.
    """
    import pyarrow as pa
    from pyarrow import csv

    names, has_header = csv_names(path)
    text = path.read_bytes()
    n_lines = text.count(b"\n") + 1
    if n_lines > MAX_ROWS + 2:
        raise BadInput(f"{path.name} has {n_lines:,} lines; at most {MAX_ROWS:,} rows are read")
    types: dict[str, pa.DataType] = {source: pa.float64() for our, source in layout.source_names.items() if our != "ts"}
    types[layout.source_names["ts"]] = pa.int64()
    try:
        table = csv.read_csv(
            BytesIO(text.rstrip() + b"\n"),
            # One thread: only then does a complaint carry its line.
            read_options=csv.ReadOptions(use_threads=False, column_names=names, skip_rows=int(has_header)),
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=_ABSENT),
        )
    except pa.ArrowException as error:
        raise BadInput(_sentence(path, str(error))) from error
    first_line = 1 + int(has_header)
    stamps = table.column(layout.source_names["ts"])
    if stamps.null_count:
        place = int(np.flatnonzero(stamps.is_null().to_numpy())[0])
        raise BadInput(f"line {first_line + place} of {path.name} has no time stamp; every line needs one")
    columns = {
        our: np.asarray(table.column(source).to_numpy(), dtype=np.float64)
        for our, source in layout.source_names.items()
        if our != "ts"
    }
    return Table(
        stamps=np.asarray(stamps.to_numpy(), dtype=np.int64), columns=columns, row_word="line", first_row=first_line
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _sentence(path: Path, complaint: str) -> str:
    line = re.search(r"Row #(\d+)", complaint)
    where = f"line {line.group(1)} of {path.name}" if line else path.name
    cut = re.search(r"Expected (\d+) columns, got (\d+)", complaint)
    if cut:
        return f"{where} has {cut.group(2)} fields where {cut.group(1)} belong; is the file truncated?"
    word = re.search(r"conversion error to (\w+): invalid value '([^']*)'", complaint)
    if word:
        allowed = "a whole number since 1970" if word.group(1) == "int64" else "a number"
        return f"{where} holds {word.group(2)[:40]!r} where {allowed} belongs"
    return f"{where} is not readable as comma-separated numbers"
