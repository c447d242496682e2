import math
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sqlalchemy import text

from db import figures, rows
from db.export import export
from db.opening import open_journal
from domain.features import N_FEATURES, Feature, Features
from tests.contract.journal_samples import features, record, sample
from tests.unit.db.test_opening import url_of


@given(st.lists(st.floats(), min_size=N_FEATURES - 1, max_size=N_FEATURES - 1))
def test_figures_keep_their_value_to_the_bit_and_nan_is_absent(numbers: list[float]) -> None:
    tick = msgspec.structs.replace(sample(5), features=Features(vector=np.array([*numbers, 1.0])))
    row = rows.tick(tick, None, is_answered=True)
    assert row[7] == "bull_trend"
    stored = figures.read(str(row[8]))
    for number, value in zip(numbers, stored, strict=True):
        if math.isnan(number):
            assert value is None
        else:
            assert value is not None
            assert (value, math.copysign(1.0, value)) == (number, math.copysign(1.0, number))


def test_figures_are_named_in_the_order_of_the_feature_vector() -> None:
    """In the code, and in the columns of the view."""
    assert tuple(place.name.lower() for place in Feature if place is not Feature.REGIME) == figures.NAMES
    told = figures.written([float(place) for place in range(len(figures.NAMES))])
    assert figures.by_name(told) == {place.name.lower(): place.value for place in Feature if place < Feature.REGIME}
    assert set(figures.by_name(None).values()) == {None}


def test_an_export_tells_the_figures_of_a_tick_by_name(tmp_path: Path) -> None:
    url = url_of(tmp_path / "journal.db")
    record(url)
    with open_journal(url, writable=False) as store:
        export(store, "first", tmp_path)
    lines = [msgspec.json.decode(line) for line in (tmp_path / "ticks.jsonl").read_bytes().splitlines()]
    assert lines == [
        {name: value.hex() if name == "hash" else value for name, value in row.items()}
        for row in parquet.read_table(tmp_path / "ticks.parquet").to_pylist()
    ]
    for line in lines:
        told = {name: line[name] for name in figures.NAMES}
        assert told == (features(line["tick_no"]).as_dict() if line["regime"] else dict.fromkeys(figures.NAMES))
        assert "figures" not in line


def test_an_infinite_figure_can_be_asked_for_in_sql(tmp_path: Path) -> None:
    url = url_of(tmp_path / "journal.db")
    record(url, last=4)
    with open_journal(url, writable=False) as store, store.read() as connection:
        infinite = figures.written([math.inf] * len(figures.NAMES))
        assert figures.read(infinite) == (math.inf,) * len(figures.NAMES)
        found = connection.execute(text("SELECT json_extract(:told, '$[0]')"), {"told": infinite})
        assert found.scalar() == "Infinity"
