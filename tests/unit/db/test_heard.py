from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from db import heard
from db.opening import open_journal
from db.reading import decision, failed_tests, ticks
from db.verify import verify
from domain.tick import Outcome, TickRecord
from tests.contract.journal_samples import header, sample
from tests.unit.db.test_opening import url_of

NO = sample(4)


def told(tick_no: int, answer: TickRecord = NO, **more: object) -> TickRecord:
    return msgspec.structs.replace(answer, tick_no=tick_no, **more)


def in_other_objects(record: TickRecord) -> TickRecord:
    signals = tuple(msgspec.structs.replace(signal) for signal in record.signals)
    return msgspec.structs.replace(record, signals=signals, why="".join(list(record.why)))


def n_answers(path: Path, *records: TickRecord) -> tuple[int, str]:
    """Write the records in a new journal; return how many answers it holds, and its chain."""
    with open_journal(url_of(path), writable=True) as store:
        journal = store.begin(header(), 1)
        for record in records:
            journal.append(record)
        journal.finish("{}", 2)
        assert verify(store, "first").is_sound
        for record in records:
            assert decision(store, "first", record.tick_no).record == record
        with store.read() as connection:
            return int(connection.execute(text("SELECT count(*) FROM answers")).scalar_one()), journal.chain_hash


def test_an_answer_is_written_once_whichever_objects_say_it(tmp_path: Path) -> None:
    same = [told(n) for n in range(1, 6)]
    assert n_answers(tmp_path / "same.db", *same) == n_answers(tmp_path / "other.db", *map(in_other_objects, same))
    assert n_answers(tmp_path / "again.db", *same)[0] == 1


def test_the_sentence_of_a_tick_belongs_to_its_answer_only_when_there_was_no_signal(tmp_path: Path) -> None:
    records = (
        told(1),
        told(2, why="another sentence"),
        told(3, outcome=Outcome.REDUCING, why="reducing: no entries"),
        told(4, outcome=Outcome.REFUSED, why="refused for a reason of its own"),
        told(5, signals=(), outcome=Outcome.NO_SIGNAL, why="nobody was asked"),
    )
    path = tmp_path / "journal.db"
    assert n_answers(path, *records)[0] == 3
    with open_journal(url_of(path), writable=False) as store:
        assert [line.why for line in ticks(store, "first")] == [record.why for record in records]
        with store.read() as connection:
            kept = connection.execute(text("SELECT why, answer_id FROM ticks ORDER BY id")).all()
            assert [row.why for row in kept] == [None, None, *(record.why for record in records[2:])]
            assert kept[2].answer_id == kept[3].answer_id
            assert kept[4].answer_id is None
            seen = connection.execute(text("SELECT why, signals FROM decisions ORDER BY id")).all()
            assert [row.why for row in seen] == [record.why for record in records]
            assert seen[4].signals == "[]"
        assert {count for _, count in failed_tests(store, "first", 9)} == {4}


def test_a_full_memory_begins_again_and_the_ledger_stays_the_same_for_other_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heard, "_MOST", 2)
    records = [told(n, why=f"sentence {n % 3}") for n in range(1, 13)]
    said, chain_hash = n_answers(tmp_path / "same.db", *records)
    assert 3 < said <= len(records)
    assert n_answers(tmp_path / "other.db", *map(in_other_objects, records)) == (said, chain_hash)
