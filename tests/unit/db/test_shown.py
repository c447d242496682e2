"""A tick's readings are on record once for all ticks that share them, and come back with each of them."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from db.opening import open_journal
from db.reading import decision, inputs
from db.verify import verify
from domain.market import Reading, Snapshot
from domain.tick import TickRecord
from tests.contract.journal_samples import header, sample
from tests.unit.db.test_opening import url_of

NAMES = ("mark", "oracle", "premium_bps", "funding_rate_hourly_frac", "open_interest_usd", "spread_bps")
SYMBOLS = ("SOL-PERP", "BTC-PERP")

figures = st.sampled_from([0.0, -0.0, 1.5, 171.136178, -2.6292779693772007e-6])
readings = st.none() | st.builds(
    Reading, value=figures, source=st.sampled_from(["drift", "börse"]), as_of_ms=st.just(7)
)
shown = st.tuples(st.sampled_from(SYMBOLS), st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, readings)))


def seen(tick_no: int, symbol: str, beside: dict[str, Reading | None]) -> Snapshot:
    bare = dict.fromkeys(NAMES, None)
    return replace(sample(tick_no).snapshot, symbol=symbol, **(bare | beside))


def of(tick_no: int, snapshot: Snapshot) -> TickRecord:
    return replace(sample(1), tick_no=tick_no, snapshot=snapshot)


def in_other_objects(snapshot: Snapshot) -> Snapshot:
    return msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)


def written(path: Path, snapshots: Sequence[Snapshot]) -> tuple[str, list[tuple[int, str | None]]]:
    """Write a tick for each snapshot, look at what comes back; return the chain, and each tick's readings as kept."""
    with open_journal(url_of(path), writable=True) as store:
        journal = store.begin(header(), 1)
        for tick_no, snapshot in enumerate(snapshots, start=1):
            journal.append(of(tick_no, snapshot))
        journal.finish("{}", 2)
        assert verify(store, "first").is_sound
        back = [snapshot for snapshot, _ in inputs(store, "first")]
        assert list(map(msgspec.json.encode, back)) == list(map(msgspec.json.encode, snapshots))
        assert decision(store, "first", len(snapshots)).record.snapshot == snapshots[-1]
        with store.read() as connection:
            kept = connection.execute(text("SELECT readings_id, readings FROM ticks ORDER BY id")).all()
            whole = connection.execute(text("SELECT snapshot FROM decisions ORDER BY id")).scalars()
            fields = [msgspec.json.decode(one) for one in whole]
        plain = [msgspec.json.decode(msgspec.json.encode(snapshot)) for snapshot in snapshots]
        columns = ("symbol", "as_of_ms")
        assert fields == [{name: one[name] for name in one if name not in columns} for one in plain]
        return journal.chain_hash, [(row.readings_id, row.readings) for row in kept]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(shown, min_size=1, max_size=8))
def test_any_readings_come_back_to_the_bit_whether_they_changed_or_not(
    steps: list[tuple[str, dict[str, Reading | None]]],
) -> None:
    snapshots = [seen(tick_no, *step) for tick_no, step in enumerate(steps, start=1)]
    with tempfile.TemporaryDirectory() as folder:
        same = written(Path(folder) / "same.db", snapshots)
        assert written(Path(folder) / "other.db", list(map(in_other_objects, snapshots))) == same


def test_readings_are_written_once_until_one_of_them_changes(tmp_path: Path) -> None:
    mark = Reading(value=150.0, source="drift", as_of_ms=7)
    newer = Reading(value=150.0, source="drift", as_of_ms=8)
    steps = [("SOL-PERP", mark), ("BTC-PERP", mark), ("SOL-PERP", mark), ("SOL-PERP", newer), ("SOL-PERP", newer)]
    snapshots = [seen(tick_no, symbol, {"mark": one}) for tick_no, (symbol, one) in enumerate(steps, start=1)]
    _, kept = written(tmp_path / "journal.db", snapshots)
    first = kept[0][0]
    assert [told is None for _, told in kept] == [False, False, True, False, True]
    assert kept[2][0] == first
    assert kept[4][0] == kept[3][0] != first


def test_readings_of_a_tick_that_could_not_be_taken_are_taken_again_with_the_next(tmp_path: Path) -> None:
    """Otherwise the next tick would name a row that is not there, or write what is on record already."""
    first = seen(1, "SOL-PERP", {"mark": Reading(value=150.0, source="drift", as_of_ms=7)})
    other = seen(2, "SOL-PERP", {"mark": Reading(value=151.0, source="drift", as_of_ms=8)})
    for whole, n_written in ((first, 1), (other, 2)):
        with open_journal(url_of(tmp_path / f"{n_written}.db"), writable=True) as store:
            journal = store.begin(header(), 1)
            journal.append(of(1, first))
            with pytest.raises(TypeError):
                journal.append(replace(of(2, other), equity_microusd=np.int64(3)))
            journal.append(of(2, whole))
            journal.finish("{}", 2)
            assert verify(store, "first").is_sound
            assert decision(store, "first", 2).record.snapshot == whole
            with store.read() as connection:
                assert connection.execute(text("SELECT count(readings) FROM ticks")).scalar() == n_written


def test_the_first_readings_of_a_symbol_that_could_not_be_taken_are_forgotten(tmp_path: Path) -> None:
    whole = of(1, seen(1, "SOL-PERP", {}))
    with open_journal(url_of(tmp_path / "journal.db"), writable=True) as store:
        journal = store.begin(header(), 1)
        with pytest.raises(TypeError):
            journal.append(replace(whole, cash_microusd=np.int64(3)))
        journal.append(whole)
        journal.finish("{}", 2)
        assert verify(store, "first").is_sound
        assert decision(store, "first", 1).record == whole
