"""What a sweep leaves on disk: parts as they are done, a manifest of what they belong to, one table at the end.

A part is written whole or not at all, so a sweep that was killed goes on from its last part. Memory holds one part.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.metrics.compiled import Metric
from backtest.outcome import FloatArray, IntArray
from backtest.sweep.block import Measured
from backtest.sweep.grid import Grid
from domain.errors import BadInput, DeskError
from market.arrow import arrow_floats, arrow_ints, arrow_lists, arrow_words, numbers_of

ROWS_IN_A_PART: Final = 1_024
METRIC_NAMES: Final = tuple(metric.name.lower() for metric in Metric)
NUMBER, DAYS = "combination", "days_microusd"


class DiskFull(DeskError):
    """The results could not be written; what was written before stays."""


class Part(NamedTuple):
    """Some of a sweep's runs. figures: shape (n, N_METRICS). days_microusd: daily equity of those that are kept."""

    numbers: IntArray
    figures: FloatArray
    days_microusd: IntArray


class SweepFolder:
    """The folder of one sweep.

    manifest: everything that decides its figures; a folder that was begun with another manifest is refused.
    kept: the combinations whose daily equity is kept for the statistics of luck.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any], grid: Grid, kept: IntArray) -> None:
        """Open or begin the folder. Raises BadInput when it belongs to another sweep or cannot be written."""
        self.folder, self._grid = folder, grid
        self.table = folder / "results.parquet"
        self._kept = kept
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
        found = [numbers_of(_read(part, [NUMBER])[NUMBER]) for part in self._part_files()]
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
        is_kept = np.isin(numbers, self._kept)
        days = np.concatenate([one.days_microusd for one in self._waiting])[is_kept]
        columns: dict[str, Any] = {NUMBER: arrow_ints(numbers)}
        columns |= {name: _knob_column(self._grid, name, numbers) for name in self._grid.values}
        columns |= {name: arrow_floats(figures[:, place]) for place, name in enumerate(METRIC_NAMES)}
        columns[DAYS] = arrow_lists(days, is_kept)
        target = self._parts / f"{int(numbers[0]):012}-{len(numbers)}.parquet"
        _write_table(pa.table(columns), target)
        self._waiting, self._n_waiting = [], 0

    def finish(self) -> Iterator[Part]:
        """Write all parts as one table, in the order of the combinations' parts; yield each on its way.

        The table is there when the last one was taken. Raises DiskFull.
        """
        draft = self.table.with_suffix(".parquet.part")
        writer: pq.ParquetWriter | None = None
        try:
            for file in self._part_files():
                told = _read(file)
                numbers, figures = numbers_of(told[NUMBER]), [numbers_of(told[name]) for name in METRIC_NAMES]
                shown = told.drop_columns([DAYS])
                writer = writer or pq.ParquetWriter(draft, shown.schema, compression="zstd")
                writer.write_table(shown)
                yield Part(numbers, np.column_stack(figures), _days_in(told[DAYS]))
        except OSError as error:
            raise DiskFull(f"the results could not be written to {self.table}: {error.strerror or error}") from error
        finally:
            if writer is not None:
                writer.close()
        if writer is not None:
            draft.replace(self.table)

    def _part_files(self) -> Sequence[Path]:
        return sorted(self._parts.glob("*.parquet"))


def _refuse_another(folder: Path, begun: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    differing = sorted(name for name in {*begun, *manifest} if begun.get(name) != manifest.get(name))
    if differing:
        raise BadInput(
            f"the folder {folder} holds another sweep (its {', '.join(differing)} differ); name another with --out"
        )


def _knob_column(grid: Grid, name: str, numbers: IntArray) -> Any:
    """Return one knob's value in each combination: as numbers where all that are listed are."""
    listed, places = grid.values[name], grid.places_of(name, numbers)
    try:
        return arrow_floats(np.array([float(word) for word in listed])[places])
    except ValueError:
        return arrow_words([listed[place] for place in places.tolist()])


def _days_in(column: Any) -> IntArray:
    """Return the lists of a column that are there, one a row."""
    n_kept, values = len(column) - column.null_count, [numbers_of(chunk.values) for chunk in column.chunks]
    return np.concatenate(values).reshape(n_kept, -1) if n_kept else np.empty((0, 0), dtype=np.int64)


def _read(file: Path, names: list[str] | None = None) -> Any:
    # Not `read_table`: it loads pandas. And in one thread: each of Arrow's keeps memory of its own.
    with pq.ParquetFile(file) as opened:
        return opened.read(columns=names, use_threads=False)


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
