from pathlib import Path

import msgspec
import numpy as np
import pytest
from sqlalchemy import text

from db.opening import open_journal
from db.reading import decision, ticks
from db.verify import verify
from domain.errors import JournalUnavailable
from tests.contract.journal_samples import header, order, play, sample
from tests.unit.db.test_opening import held_by_another_program, url_of

N_TICKS = 24


def test_rows_wait_while_another_program_holds_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(url_of(path), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 4)
        with held_by_another_program(path):
            with pytest.raises(JournalUnavailable, match="it is locked by another program"):
                journal.commit()
            with pytest.raises(JournalUnavailable, match="locked"):
                journal.record_order(order(5), 5)
            journal.append(sample(5))
        play(journal, 6, N_TICKS)
        journal.finish("{}", 2)
        assert verify(store, "first").is_sound
        assert len(ticks(store, "first")) == N_TICKS


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    with open_journal(url_of(tmp_path / "journal.db"), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 12)
        journal.commit()
        pen = store._pen
        assert pen is not None
        n_pages = pen.connection.exec_driver_sql("PRAGMA page_count").scalar()
        pen.connection.exec_driver_sql(f"PRAGMA max_page_count={n_pages}")
        pen.connection.rollback()
        for tick_no in range(20 * 12 + 1, 40 * 12 + 1):
            journal.append(sample(tick_no))
        with pytest.raises(JournalUnavailable, match="the disk or the database is full"):
            journal.commit()
        assert len(ticks(store, "first")) == 12
        pen.connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        pen.connection.rollback()
        journal.commit()
        assert len(ticks(store, "first")) == 12 + 240
        assert verify(store, "first").n_findings == 0


def test_a_journal_deleted_while_the_desk_runs_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(url_of(path), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 3)
        path.rename(tmp_path / "moved.db")
        with pytest.raises(JournalUnavailable, match="moved, replaced or deleted"):
            journal.commit()
        (tmp_path / "moved.db").rename(path)
        journal.commit()
        assert len(ticks(store, "first")) == 3


def test_a_failed_close_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(url_of(path), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 3)
        with held_by_another_program(path), pytest.raises(JournalUnavailable, match="locked"):
            journal.finish("{}", 2)
        journal.finish('{"second":true}', 3)
        report = verify(store, "first")
        assert report.is_sound, report.findings
        assert report.is_finished


def test_a_record_that_cannot_be_taken_leaves_no_trace(tmp_path: Path) -> None:
    with open_journal(url_of(tmp_path / "journal.db"), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 4)
        signals = sample(5).signals
        wrong = msgspec.structs.replace(signals[1], failed_mask=np.int64(3))
        broken = msgspec.structs.replace(sample(5), signals=(signals[0], wrong))
        before = journal.chain_hash
        with pytest.raises(TypeError):
            journal.append(broken)
        assert journal.chain_hash == before
        journal.commit()
        assert len(ticks(store, "first")) == 4
        assert verify(store, "first").is_sound


def test_an_answer_taken_for_a_tick_that_could_not_be_is_taken_again_with_the_next(tmp_path: Path) -> None:
    """Otherwise the next tick would name a row that is not there."""
    with open_journal(url_of(tmp_path / "journal.db"), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 4)
        whole = sample(6)
        before = journal.n_rows
        with pytest.raises(TypeError):
            journal.append(msgspec.structs.replace(whole, equity_microusd=np.int64(3)))
        assert journal.n_rows == before
        journal.append(whole)
        journal.append(msgspec.structs.replace(whole, tick_no=7))
        journal.finish("{}", 2)
        report = verify(store, "first")
        # Tick 4 gave another answer; 6 and 7 share theirs. The fill has no order: it was never sent here.
        assert {finding.table for finding in report.findings} == {"fills"}
        with store.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM answers")).scalar() == 2
        assert decision(store, "first", 6).record == whole
