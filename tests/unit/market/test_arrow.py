"""Columns go to Arrow and come back as they were, and nobody loads pandas for it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market.arrow import arrow_floats, arrow_ints, arrow_lists, arrow_words, numbers_of

ROOT = Path(__file__).parents[3]
FIGURES = np.array([1.5, np.nan, -0.0, np.inf, np.nan, 7.0, 8.0, 9.0, 1e-300])


@pytest.mark.parametrize("first", [0, 1, 3, 8])
def test_floats_come_back_bit_for_bit_and_a_missing_one_as_nan(first: int) -> None:
    column = arrow_floats(FIGURES).slice(first)
    assert column.to_pylist() == [None if np.isnan(one) else one for one in FIGURES[first:]]
    assert numbers_of(column).tobytes() == FIGURES[first:].tobytes()


def test_a_column_in_pieces_comes_back_whole() -> None:
    pieces = pa.chunked_array([arrow_ints(np.array([1, 2**62])), arrow_ints(np.array([-3]))])
    assert numbers_of(pieces).tolist() == [1, 2**62, -3]
    assert numbers_of(pa.chunked_array([], pa.float64())).tolist() == []


def test_words_and_lists_read_as_they_were_written() -> None:
    assert arrow_words(["e3", "", "größer"]).to_pylist() == ["e3", "", "größer"]
    lists = arrow_lists(np.array([[1, 2], [3, 4]]), np.array([True, False, True]))
    assert lists.to_pylist() == [[1, 2], None, [3, 4]]


def test_a_recording_is_read_without_pandas(tmp_path: Path) -> None:
    file = tmp_path / "SOL-PERP_1m.parquet"
    stamps = np.arange(3) * 60_000 + 1_700_000_000_000
    prices = {name: arrow_floats(np.full(3, 20.0)) for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"ts": arrow_ints(stamps), **prices}), file)
    script = (
        "import sys; from pathlib import Path; from market.readers import read_recording;"
        "recording = read_recording(Path(sys.argv[1])); assert 'pandas' not in sys.modules; print('read')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stdout.strip() == "read", done.stderr
