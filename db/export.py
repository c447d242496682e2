"""A run as files for other tools: parquet for analysis, JSON lines for everything else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import BigInteger, Double, Integer, LargeBinary, Select, SmallInteger, Table, select

from db.figures import NAMES, by_name
from db.readable import Readable
from db.reading import find_run, of_run
from db.tables import EVIDENCE, RUNS
from domain.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK: Final = 20_000
_FIGURES: Final = "figures"


def export(store: Readable, run_id: str, folder: Path) -> tuple[Path, ...]:
    """Write every table of a run to `folder` as `<table>.parquet` and `<table>.jsonl`; return the files.

    A file appears whole or not at all. The figures of a tick are columns of their own, after the others. In JSON lines
    hashes are hex and a raw reply is text.
    Raises BadInput for an unknown run or a folder that cannot be written.
    """
    found = find_run(store, run_id)
    queries = {RUNS: select(RUNS).where(RUNS.c.run_no == found.run_no)} | {
        table: of_run(select(table), table, found.run_no).order_by(table.c.id) for table in EVIDENCE
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(path for table, query in queries.items() for path in _write(store, table, query, folder))
    except OSError as error:
        raise BadInput(f"the export cannot be written to {folder}: {error.strerror or error}") from error


def _write(store: Readable, table: Table, query: Select[Any], folder: Path) -> tuple[Path, Path]:
    """Write one table chunk by chunk under passing names, then give both files their own."""
    import pyarrow as pa
    from pyarrow import parquet

    targets = folder / f"{table.name}.parquet", folder / f"{table.name}.jsonl"
    passing = tuple(target.with_name(f".{target.name}.part") for target in targets)
    schema = _schema(table)
    with (
        store.read() as connection,
        parquet.ParquetWriter(passing[0], schema) as columns,
        passing[1].open("wb") as lines,
    ):
        for chunk in connection.execution_options(yield_per=_CHUNK).execute(query).partitions():
            rows = [_spread(row._mapping) for row in chunk]
            columns.write_table(pa.Table.from_pylist(rows, schema))
            lines.write(_json_lines(rows))
    for source, target in zip(passing, targets, strict=True):
        source.replace(target)
    return targets


def _spread(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row by column, with the figures of a tick by name."""
    fields: dict[str, Any] = dict(row)
    if _FIGURES in fields:
        fields |= by_name(fields.pop(_FIGURES))
    return fields


def _json_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    encoder = msgspec.json.Encoder()
    return encoder.encode_lines([{name: _plain(name, value) for name, value in row.items()} for row in rows])


def _plain(name: str, value: object) -> object:
    if not isinstance(value, bytes):
        return value
    return value.hex() if name.endswith("hash") else value.decode("utf-8", "replace")


def _schema(table: Table) -> "pa.Schema":
    import pyarrow as pa

    def kind(column_type: object) -> pa.DataType:
        if isinstance(column_type, BigInteger | Integer | SmallInteger):
            return pa.int64()
        if isinstance(column_type, Double):
            return pa.float64()
        return pa.binary() if isinstance(column_type, LargeBinary) else pa.string()

    fields = [
        pa.field(column.name, kind(column.type), nullable=bool(column.nullable))
        for column in table.columns
        if column.name != _FIGURES
    ]
    return pa.schema(fields + [pa.field(name, pa.float64()) for name in NAMES if _FIGURES in table.c])
