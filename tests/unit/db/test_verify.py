import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from db.opening import open_journal
from db.pages import KEY_BITS, KEY_MASK
from db.pairing import PairedRun
from db.reading import inputs
from db.verify import verify
from domain.errors import BadInput, JournalCorrupt
from execution.instruments import INSTRUMENTS
from tests.contract.journal_samples import header, play, sample

N_TICKS = 48
GRIDS = msgspec.json.encode(list(INSTRUMENTS.values())).decode()


@pytest.fixture(scope="module")
def journal_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify") / "journal.db"
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, N_TICKS)
        journal.finish("{}", 2)
    return path


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255), tick_no=st.integers(1, N_TICKS))
def test_a_byte_flipped_in_the_file_itself_is_found_and_its_row_named(
    journal_file: Path, share: float, flipped: int, tick_no: int
) -> None:
    """Even where what it leaves is no text at all."""
    whole = journal_file.read_bytes()
    reader = sqlite3.connect(journal_file)
    query = "SELECT id, snapshot FROM ticks WHERE tick_no = ?"
    key, told = reader.execute(query, (tick_no,)).fetchone()
    reader.close()
    place = whole.index(told.encode()) + int(share * len(told.encode()))
    changed = bytearray(whole)
    changed[place] ^= flipped
    copy = journal_file.with_name("copy.db")
    copy.write_bytes(changed)
    with open_journal(f"sqlite:///{copy}", writable=False) as store:
        first = verify(store, "first").first
        assert first is not None
        assert (first.what, first.table, first.id, first.tick_no) == ("altered", "ticks", key, tick_no)
        assert f"ticks row {key} (tick {tick_no})" in first.sentence


def test_a_byte_flipped_in_an_answer_is_found_once_however_many_ticks_gave_it(journal_file: Path) -> None:
    whole = journal_file.read_bytes()
    reader = sqlite3.connect(journal_file)
    # The same signals may stand there with and without a sentence: the two columns lie side by side.
    query = "SELECT id, signals || why FROM answers WHERE why IS NOT NULL ORDER BY id LIMIT 1"
    key, told = reader.execute(query).fetchone()
    reader.close()
    changed = bytearray(whole)
    changed[whole.index(told.encode()) + 5] ^= 1
    copy = journal_file.with_name("answer.db")
    copy.write_bytes(changed)
    with open_journal(f"sqlite:///{copy}", writable=False) as store:
        report = verify(store, "first")
        assert [(finding.what, finding.table, finding.id) for finding in report.findings] == [
            ("altered", "answers", key)
        ]


def shared_readings(path: Path) -> Path:
    """Write a run of eight ticks, of which the first holds the readings of all."""
    shared = sample(1).snapshot
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.begin(replace(header(), instruments_json=GRIDS), 1)
        for tick_no in range(1, 9):
            same = replace(sample(tick_no).snapshot, mark=shared.mark, spread_bps=shared.spread_bps)
            journal.append(replace(sample(1), tick_no=tick_no, snapshot=same))
        journal.finish("{}", 2)
    return path


def test_a_byte_flipped_in_readings_is_found_once_however_many_ticks_share_them(tmp_path: Path) -> None:
    path = shared_readings(tmp_path / "journal.db")
    reader = sqlite3.connect(path)
    ((key, told),) = reader.execute("SELECT id, readings FROM ticks WHERE readings IS NOT NULL").fetchall()
    assert reader.execute("SELECT count(*) FROM ticks WHERE readings_id = ?", (key,)).fetchone() == (8,)
    reader.close()
    changed = bytearray(path.read_bytes())
    changed[changed.index(told.encode()) + 9] ^= 1
    path.write_bytes(changed)
    with open_journal(f"sqlite:///{path}", writable=False) as store:
        report = verify(store, "first")
        assert [(finding.what, finding.table, finding.id) for finding in report.findings] == [("altered", "ticks", key)]


def test_readings_taken_away_are_missed_at_the_first_tick_that_names_them(journal_file: Path) -> None:
    copy = journal_file.with_name("unread.db")
    copy.write_bytes(journal_file.read_bytes())
    intruder = sqlite3.connect(copy)
    intruder.execute("DROP TRIGGER ticks_no_update")
    (key,) = intruder.execute("SELECT min(id) FROM ticks WHERE readings IS NOT NULL AND tick_no > 9").fetchone()
    intruder.execute("UPDATE ticks SET readings = NULL WHERE id = ?", (key,))
    intruder.commit()
    intruder.close()
    with open_journal(f"sqlite:///{copy}", writable=False) as store:
        found = [(finding.what, finding.table, finding.id) for finding in verify(store, "first").findings]
        assert found == [("altered", "ticks", key), ("orphan", "ticks", key)]


@pytest.mark.parametrize(
    ("trigger", "deed"), [("update", "UPDATE ticks SET readings = NULL"), ("delete", "DELETE FROM ticks")]
)
def test_no_reader_passes_over_a_tick_whose_readings_are_gone(tmp_path: Path, trigger: str, deed: str) -> None:
    path = shared_readings(tmp_path / "journal.db")
    intruder = sqlite3.connect(path)
    intruder.execute(f"DROP TRIGGER ticks_no_{trigger}")
    intruder.execute(f"{deed} WHERE readings IS NOT NULL")
    intruder.commit()
    intruder.close()
    with open_journal(f"sqlite:///{path}", writable=False) as store:
        for read in (inputs, lambda store, run_id: PairedRun(store, run_id).rows()):
            with pytest.raises(JournalCorrupt, match="missing; run `audit verify"):
                list(read(store, "first"))


def test_an_answer_cut_out_is_missed_and_the_first_tick_that_names_it_told(journal_file: Path) -> None:
    copy = journal_file.with_name("unanswered.db")
    copy.write_bytes(journal_file.read_bytes())
    intruder = sqlite3.connect(copy)
    intruder.execute("DROP TRIGGER answers_no_delete")
    (key,) = intruder.execute("SELECT min(id) FROM answers").fetchone()
    (first, n_ticks) = intruder.execute("SELECT min(id), count(*) FROM ticks WHERE answer_id = ?", (key,)).fetchone()
    intruder.execute("DELETE FROM answers WHERE id = ?", (key,))
    intruder.commit()
    intruder.close()
    assert n_ticks > 1
    with open_journal(f"sqlite:///{copy}", writable=False) as store:
        found = [(finding.what, finding.table, finding.id) for finding in verify(store, "first").findings]
        assert found == [("missing", "ledger", key), ("orphan", "ticks", first)]


def test_a_file_whose_inside_is_damaged_is_said_to_be(journal_file: Path) -> None:
    changed = bytearray(journal_file.read_bytes())
    reader = sqlite3.connect(journal_file)
    pages = [page for (page,) in reader.execute("SELECT rootpage FROM sqlite_master WHERE name IN ('ticks', 'orders')")]
    reader.close()
    assert len(pages) == 2
    for page in pages:
        changed[(page - 1) * 16_384 : (page - 1) * 16_384 + 8] = b"\xff" * 8
    copy = journal_file.with_name("damaged.db")
    copy.write_bytes(changed)
    with open_journal(f"sqlite:///{copy}", writable=False) as store, pytest.raises(JournalCorrupt, match="is damaged"):
        verify(store, "first")


def test_one_altered_row_is_one_finding_and_many_are_counted(journal_file: Path) -> None:
    copy = journal_file.with_name("many.db")
    copy.write_bytes(journal_file.read_bytes())
    intruder = sqlite3.connect(copy)
    intruder.execute("DROP TRIGGER ticks_no_update")
    intruder.execute("UPDATE ticks SET why = 'x' WHERE tick_no = 7")
    intruder.commit()
    with open_journal(f"sqlite:///{copy}", writable=False) as store:
        report = verify(store, "first")
        assert [(finding.what, finding.tick_no) for finding in report.findings] == [("altered", 7)]
        intruder.execute("UPDATE ticks SET why = 'x'")
        intruder.commit()
        report = verify(store, "first")
        assert (report.n_findings, len(report.findings)) == (N_TICKS, 20)
    intruder.close()


def test_a_renumbered_row_is_missed_where_it_was(journal_file: Path) -> None:
    copy = journal_file.with_name("renumbered.db")
    copy.write_bytes(journal_file.read_bytes())
    intruder = sqlite3.connect(copy)
    intruder.execute("DROP TRIGGER fills_no_update")
    key = intruder.execute("SELECT min(id) FROM fills").fetchone()[0]
    intruder.execute("UPDATE fills SET id = ? WHERE id = ?", ((1 << KEY_BITS) + KEY_MASK, key))
    intruder.commit()
    intruder.close()
    with open_journal(f"sqlite:///{copy}", writable=False) as store:
        first = verify(store, "first").first
        assert first is not None
        assert (first.what, first.id) == ("missing", key)


def test_an_unknown_run_is_bad_input(journal_file: Path) -> None:
    url = f"sqlite:///{journal_file}"
    with open_journal(url, writable=False) as store, pytest.raises(BadInput, match="no run seventh"):
        verify(store, "seventh")
