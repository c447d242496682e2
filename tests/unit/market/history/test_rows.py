import io

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from market.history.manifest import Gap
from market.history.rows import DayRows, gaps_in, parquet_bytes

STEP_MS = 60_000


@given(st.lists(st.floats(width=64), max_size=30))
def test_every_figure_comes_back_from_disk_and_the_same_rows_are_the_same_bytes(figures):
    stamps = np.arange(len(figures), dtype=np.int64) * STEP_MS
    rows = DayRows(stamps, {"close": np.array(figures, dtype=np.float64)})
    body = parquet_bytes(rows)
    assert body == parquet_bytes(rows)
    told = pq.read_table(io.BytesIO(body)).to_pydict()
    assert told["ts"] == stamps.tolist()
    assert told["close"] == [None if np.isnan(one) else one for one in figures]


@given(st.sets(st.integers(0, 29)))
def test_gaps_and_rows_together_are_every_step(there):
    stamps = np.array(sorted(there), dtype=np.int64) * STEP_MS
    gaps = gaps_in(DayRows(stamps, {}, STEP_MS), 0, 30 * STEP_MS)
    missing = [gap.first_ms // STEP_MS + place for gap in gaps for place in range(gap.n_rows)]
    assert sorted([*there, *missing]) == list(range(30))
    assert all(gap.first_ms // STEP_MS - 1 not in missing for gap in gaps)


def test_what_has_no_step_has_no_gaps():
    assert gaps_in(DayRows(np.array([5], dtype=np.int64), {}), 0, STEP_MS) == ()
    assert gaps_in(DayRows(np.array([0], dtype=np.int64), {}, STEP_MS), 0, 2 * STEP_MS) == (
        Gap(first_ms=STEP_MS, n_rows=1),
    )
