"""What a sweep leaves on disk: parts as they are done, a manifest of what they belong to, one table at the end.

A part is written whole or not at all, so a sweep that was killed goes on from its last part. Memory holds one part.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from backtest.metrics.compiled import Metric
from backtest.outcome import FloatArray, IntArray
from backtest.sweep.block import Measured
from backtest.sweep.grid import Grid
from domain.errors import BadInput, DeskError

ROWS_IN_A_PART: Final = 4_096
METRIC_NAMES: Final = tuple(metric.name.lower() for metric in Metric)
NUMBER, DAYS = "combination", "days_microusd"


class DiskFull(DeskError):
    """The results could not be written; what was written before stays."""


class SweepFolder:
    """The folder of one sweep.

    manifest: everything that decides its figures; a folder that was begun with another manifest is refused.
    kept: the combinations whose daily equity is kept for the statistics of luck.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any], grid: Grid, kept: IntArray) -> None:
        """Open or begin the folder. Raises BadInput when it belongs to another sweep or cannot be written."""
        self.folder, self._grid = folder, grid
        self._kept = frozenset(kept.tolist())
        self._parts = folder / "parts"
        self._waiting: list[Measured] = []
        self._n_waiting = 0
        self._open(manifest)

    def _open(self, manifest: Mapping[str, Any]) -> None:
        told = self.folder / "manifest.json"
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            if told.exists():
                _refuse_another(self.folder, json.loads(told.read_text(encoding="utf-8")), manifest)
            _replace(told, (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode())
        except OSError as error:
            raise BadInput(f"the sweep's folder {self.folder} cannot be written: {error.strerror}") from error
        except ValueError as error:
            raise BadInput(f"{told} is damaged; name another folder with --out, or delete this one") from error

    def done(self) -> IntArray:
        """Return the numbers of the combinations that are on disk, rising."""
        found = [pq.read_table(part, columns=[NUMBER])[NUMBER].to_numpy() for part in self._part_files()]
        return np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def take(self, measured: Measured) -> None:
        """Keep a block's figures; they are on disk when enough have come together, or at `flush`."""
        self._waiting.append(measured)
        self._n_waiting += len(measured.numbers)
        if self._n_waiting >= ROWS_IN_A_PART:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one part. Raises DiskFull; nothing half-written stays."""
        if not self._waiting:
            return
        numbers = np.concatenate([one.numbers for one in self._waiting])
        figures = np.concatenate([one.figures for one in self._waiting])
        days = [row for one in self._waiting for row in one.days_microusd]
        kept = [row if number in self._kept else None for number, row in zip(numbers.tolist(), days, strict=True)]
        columns: dict[str, Any] = {NUMBER: numbers}
        columns |= _knob_columns(self._grid, numbers)
        columns |= {name: _figure_column(figures[:, place]) for place, name in enumerate(METRIC_NAMES)}
        columns[DAYS] = pa.array(kept, type=pa.list_(pa.int64()))
        target = self._parts / f"{int(numbers[0]):012}-{len(numbers)}.parquet"
        _write_table(pa.table(columns), target)
        self._waiting, self._n_waiting = [], 0

    def finish(self) -> Path:
        """Write all parts as one table, in the order of the combinations' parts, and return where it is."""
        target, draft = self.folder / "results.parquet", self.folder / "results.parquet.part"
        writer: pq.ParquetWriter | None = None
        try:
            for part in self._part_files():
                table = pq.read_table(part).drop_columns([DAYS])
                writer = writer or pq.ParquetWriter(draft, table.schema, compression="zstd")
                writer.write_table(table)
        except OSError as error:
            raise DiskFull(f"the results could not be written to {target}: {error.strerror or error}") from error
        finally:
            if writer is not None:
                writer.close()
        if writer is not None:
            draft.replace(target)
        return target

    def figures(self) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield (numbers, figures of shape (n, N_METRICS)) part by part."""
        for part in self._part_files():
            table = pq.read_table(part, columns=[NUMBER, *METRIC_NAMES])
            columns = [_floats(table[name]) for name in METRIC_NAMES]
            yield table[NUMBER].to_numpy(), np.column_stack(columns)

    def kept_days(self) -> IntArray:
        """Return the daily equity of the kept combinations, shape (n_kept, n_days)."""
        found: list[Any] = []
        for part in self._part_files():
            found += pc.drop_null(pq.read_table(part, columns=[DAYS])[DAYS]).to_pylist()
        return np.array(found, dtype=np.int64) if found else np.empty((0, 0), dtype=np.int64)

    def _part_files(self) -> Sequence[Path]:
        return sorted(self._parts.glob("*.parquet"))


def _refuse_another(folder: Path, begun: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    differing = sorted(name for name in {*begun, *manifest} if begun.get(name) != manifest.get(name))
    if differing:
        raise BadInput(
            f"the folder {folder} holds another sweep (its {', '.join(differing)} differ); name another with --out"
        )


def _knob_columns(grid: Grid, numbers: IntArray) -> dict[str, Any]:
    rows = [grid.combination(number) for number in numbers.tolist()]
    return {name: pa.array([_value(row[name]) for row in rows]) for name in grid.values}


def _value(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word


def _figure_column(column: FloatArray) -> Any:
    return pa.array(column, mask=np.isnan(column))


def _floats(column: Any) -> FloatArray:
    values: FloatArray = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _write_table(table: Any, target: Path) -> None:
    draft = target.with_suffix(".part")
    try:
        pq.write_table(table, draft, compression="zstd")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DiskFull(f"a part of the results could not be written to {target}: {error.strerror or error}") from error


def _replace(target: Path, content: bytes) -> None:
    draft = target.with_suffix(".part")
    draft.write_bytes(content)
    draft.replace(target)
