"""What every journal must do, over SQLite and over a real PostgreSQL server."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.opening import open_journal
from db.pages import KEY_BITS
from db.reading import (
    decision,
    find_run,
    runs,
    ticks,
)
from db.tables import EVIDENCE
from db.verify import verify
from domain.decisions import ApprovedOrder
from domain.errors import BadInput, JournalCorrupt, JournalUnavailable
from tests.contract.journal_samples import N_TICKS, header, order, play, record, sample


def test_the_same_inputs_give_the_same_chain_whatever_the_run_is_called(journal_url: str, tmp_path: Path) -> None:
    first = record(journal_url)
    assert record(journal_url, "second") == first
    assert record(f"sqlite:///{tmp_path / 'elsewhere.db'}", "third") == first


def test_other_settings_give_another_chain(journal_url: str) -> None:
    first = record(journal_url)
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header("second", settings='{"e3":2.5}'), 1_000)
        play(journal, 1, N_TICKS)
        journal.commit()
        assert journal.chain_hash != first


def test_an_untouched_journal_is_sound(journal_url: str) -> None:
    chain_hash = record(journal_url)
    record(journal_url, "cut off", last=9, finish=False)
    with open_journal(journal_url, writable=False) as store:
        report = verify(store, "first")
        assert report.is_sound, report.findings
        assert report.chain_hash == chain_hash
        cut_off = verify(store, "cut off")
        assert cut_off.is_sound, cut_off.findings
        assert not cut_off.is_finished


def test_evidence_can_be_neither_changed_nor_deleted(journal_url: str) -> None:
    record(journal_url)
    statements = [f"UPDATE {table.name} SET hash = hash" for table in EVIDENCE]
    statements += [f"DELETE FROM {table.name}" for table in EVIDENCE]
    statements += ["DELETE FROM runs", "UPDATE runs SET settings_json = 'x'", "UPDATE runs SET summary_json = 'x'"]
    with open_journal(journal_url, writable=True) as store:
        pen = store._pen
        assert pen is not None
        for statement in statements:
            with pytest.raises(DBAPIError, match=r"append-only|closed once"):
                pen.connection.exec_driver_sql(statement)
            pen.connection.rollback()


EDITS = [
    (table.name, column.name)
    for table in EVIDENCE
    for column in table.columns
    if column.name != "id"
]  # fmt: skip


def test_every_column_of_every_table_is_watched(journal_url: str, tamper: Callable[..., None]) -> None:
    """One value is changed, in the middle of the run, and put back before the next."""
    record(journal_url)
    undetected = []
    with open_journal(journal_url, writable=False) as store:
        # What is watched does not depend on the database; over a server every fourth column will do.
        for table, column in EDITS if journal_url.startswith("sqlite") else EDITS[::4]:
            with store.read() as connection:
                keys = connection.execute(text(f"SELECT id FROM {table} ORDER BY id")).scalars().all()
                key = keys[len(keys) // 2]
                old = connection.execute(text(f"SELECT {column} FROM {table} WHERE id = {key}")).scalar()
            tamper(f"UPDATE {table} SET {column} = {_other(old)} WHERE id = {key}")
            first = verify(store, "first").first
            if first is None or (first.table, first.id) != (table, key):
                undetected.append((table, column, first))
            tamper(f"UPDATE {table} SET {column} = {_literal(old)} WHERE id = {key}")
        assert undetected == []
        assert verify(store, "first").is_sound


def test_every_column_of_the_runs_row_is_watched(journal_url: str, tamper: Callable[..., None]) -> None:
    record(journal_url)
    columns = [name for name in runs_columns() if name not in ("run_no", "run_id")]
    with open_journal(journal_url, writable=False) as store:
        for column in columns:
            with store.read() as connection:
                old = connection.execute(text(f"SELECT {column} FROM runs")).scalar()
            tamper(f"UPDATE runs SET {column} = {_other(old)}")
            findings = verify(store, "first").findings
            assert any(finding.what == "runs row altered" for finding in findings), column
            tamper(f"UPDATE runs SET {column} = {_literal(old)}")
        tamper("UPDATE runs SET run_id = 'other'")
        assert not verify(store, "other").is_sound


def runs_columns() -> list[str]:
    from db.tables import RUNS

    return [column.name for column in RUNS.columns]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes | memoryview):
        return f"X'{bytes(value).hex()}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _other(value: object) -> str:
    """Return the smallest change: a bit of a number, a byte of a text."""
    if value is None:
        return "1"
    if isinstance(value, bytes | memoryview):
        changed = bytearray(bytes(value))
        changed[0] ^= 1
        return f"X'{changed.hex()}'"
    if isinstance(value, str):
        return _literal(value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x")
    return repr(value + 1) if isinstance(value, int) else repr(float(value) + 0.5)


def test_a_row_cut_out_is_missed_and_a_row_slipped_in_is_found(journal_url: str, tamper: Callable[..., None]) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        with store.read() as connection:
            taken, key = connection.execute(text("SELECT id FROM ticks ORDER BY id LIMIT 2")).scalars()
        columns = ", ".join(name for name in trade_columns() if name != "id")
        tamper(f"INSERT INTO trades (id, {columns}) SELECT {taken}, {columns} FROM trades ORDER BY id LIMIT 1")
        (inserted,) = verify(store, "first").findings
        assert (inserted.what, inserted.table, inserted.id) == ("inserted", "trades", taken)
        tamper(f"DELETE FROM trades WHERE id = {taken}", f"DELETE FROM ticks WHERE id = {key}")
        first = verify(store, "first").first
        assert first is not None
        assert (first.what, first.id) == ("missing", key)


def test_evidence_of_no_run_and_a_run_cut_out_are_found(journal_url: str, tamper: Callable[..., None]) -> None:
    for run_id in ("first", "second", "third"):
        record(journal_url, run_id, last=2)
    tamper(
        "DELETE FROM runs WHERE run_id = 'second'",
        "UPDATE events SET id = id + 5 * 1099511627776 WHERE id = 1099511627777",
    )
    with open_journal(journal_url, writable=False) as store:
        found = {(finding.what, finding.table) for finding in verify(store, "third").findings}
        assert found == {("missing", "runs"), ("inserted", "events")}


def test_an_order_without_its_tick_and_a_fill_without_its_order_are_found(journal_url: str) -> None:
    """The chain is whole, the story is not: this is how a fault of the desk itself would look."""
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1_000)
        journal.record_order(order(5), 4)
        journal.append(sample(5))
        journal.append(msgspec.structs.replace(sample(10), trades=(), refusals=()))
        journal.finish("{}", 2_000)
        found = [(finding.what, finding.table) for finding in verify(store, "first").findings]
        assert found == [("orphan", "fills"), ("orphan", "orders")]


def trade_columns() -> list[str]:
    from db.tables import TRADES

    return [column.name for column in TRADES.columns]


def test_rows_cut_off_the_end_of_a_finished_run_are_missed(journal_url: str, tamper: Callable[..., None]) -> None:
    record(journal_url)
    tamper(*(f"DELETE FROM {table.name} WHERE id > {(1 << KEY_BITS) + 40}" for table in reversed(EVIDENCE)))
    with open_journal(journal_url, writable=False) as store:
        first = verify(store, "first").first
        assert first is not None
        assert first.what == "missing"


def test_a_run_cut_off_anywhere_goes_on_to_the_same_ledger(journal_url: str) -> None:
    whole = record(journal_url, "whole")
    for cut in (1, 5, 9, 17, 23):
        record(journal_url, f"cut {cut}", last=cut, finish=False)
        with open_journal(journal_url, writable=True) as store:
            journal = store.resume(f"cut {cut}", header(f"cut {cut}"))
            assert journal.is_catching_up
            play(journal, 1, N_TICKS)
            assert not journal.is_catching_up
            journal.commit()
            journal.event("recovered", f"{journal.n_compared} rows", 5_000)
            journal.finish("{}", 9_000)
            assert journal.chain_hash == whole
            report = verify(store, f"cut {cut}")
            assert report.is_sound, report.findings


def test_an_order_whose_tick_was_lost_is_not_doubled(journal_url: str) -> None:
    whole = record(journal_url, "whole")
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header("cut"), 1_000)
        play(journal, 1, 4)
        journal.record_order(order(5), 5)
        journal.append(sample(5))
    with open_journal(journal_url, writable=True) as store:
        assert verify(store, "cut").is_sound
        journal = store.resume("cut", header("cut"))
        play(journal, 1, N_TICKS)
        journal.commit()
        assert journal.chain_hash == whole
        with store.read() as connection:
            query = f"SELECT count(*) FROM orders WHERE id > {2 << KEY_BITS}"
            assert connection.execute(text(query)).scalar() == 4


def test_a_recomputation_that_differs_is_named(journal_url: str) -> None:
    record(journal_url)
    changed = msgspec.structs.replace(sample(11), why="another reason")
    with open_journal(journal_url, writable=False) as store:
        journal = store.compare("first")
        play(journal, 1, 10)
        with pytest.raises(JournalCorrupt, match=r"tick 11.*answers, column why: recorded 'no strategy fired'"):
            journal.append(changed)


def test_a_replay_compares_every_row_and_writes_none(journal_url: str) -> None:
    chain_hash = record(journal_url)
    with open_journal(journal_url, writable=False) as store:
        journal = store.compare("first")
        play(journal, 1, N_TICKS - 1)
        with pytest.raises(JournalCorrupt, match="did not come out again"):
            journal.finish("{}", 1)
        assert journal.n_left == 1
        play(journal, N_TICKS, N_TICKS)
        journal.finish("{}", 1)
        assert (journal.n_left, journal.n_compared, journal.chain_hash) == (0, journal.n_rows, chain_hash)
        with pytest.raises(JournalCorrupt, match="the record ends before it"):
            play(journal, N_TICKS + 1, N_TICKS + 1)


def test_a_run_is_not_resumed_under_other_settings_or_when_finished(journal_url: str) -> None:
    record(journal_url, "cut", last=5, finish=False)
    record(journal_url, "done")
    with open_journal(journal_url, writable=True) as store:
        with pytest.raises(BadInput, match="settings differ"):
            store.resume("cut", header("cut", settings="{}"))
        with pytest.raises(BadInput, match="is finished"):
            store.resume("done", header("done"))
        with pytest.raises(BadInput, match="already in the journal"):
            store.begin(header("done"), 1)
        with pytest.raises(BadInput, match=r"no run dome.*nearest are done"):
            find_run(store, "dome")


def test_a_second_desk_is_refused_and_readers_are_not(journal_url: str) -> None:
    record(journal_url)
    with open_journal(journal_url, writable=True):
        with pytest.raises(BadInput, match=r"another desk \(pid \d+\) is writing"):
            open_journal(journal_url, writable=True)
        with open_journal(journal_url, writable=False) as reader:
            assert len(runs(reader)) == 1
            with pytest.raises(BadInput, match="for reading only"):
                reader.begin(header("x"), 1)
    record(journal_url, "after the lock was given back")


@pytest.mark.parametrize("journal_url", ["postgresql"], indirect=True)
def test_a_server_that_lets_go_a_moment_late_is_waited_for(journal_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, pause = open_journal(journal_url, writable=True), time.sleep

    def let_go_and_pause(wait_s: float) -> None:
        if wait_s > 0.0:
            holder.close()
        pause(wait_s)

    monkeypatch.setattr("db.lock.time.sleep", let_go_and_pause)
    open_journal(journal_url, writable=True).close()


def test_readers_see_what_was_committed_and_nothing_else(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 2)
        with open_journal(journal_url, writable=False) as reader:
            assert ticks(reader, "first") == ()
            journal.commit()
            assert len(ticks(reader, "first")) == 2


def test_a_journal_of_a_newer_tidegate_is_left_alone(journal_url: str, tamper: Callable[..., None]) -> None:
    record(journal_url)
    tamper("UPDATE alembic_version SET version_num = '9999'")
    for writable in (True, False):
        with pytest.raises(BadInput, match=r"written by a newer Tidegate \(revision 9999\)"):
            open_journal(journal_url, writable=writable)


def test_one_order_id_is_one_order(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1)
        journal.record_order(order(5), 5)
        journal.record_order(order(5), 5)
        other: ApprovedOrder = msgspec.structs.replace(order(5), size_lots=7)
        with pytest.raises(JournalCorrupt, match="already on record with other terms"):
            journal.record_order(other, 5)
        journal.append(sample(5))
        journal.commit()
        with store.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM orders")).scalar() == 1


def test_a_question_to_the_gate_is_on_record_before_its_answer(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 4)
        asked = sample(5).gate
        assert asked is not None
        journal.record_request(5, asked.request_id, asked.backend, asked.mode, asked.prompt)
        with store.read() as connection:
            assert connection.execute(text("SELECT request_id FROM gate_requests")).scalars().all() == [
                asked.request_id
            ]
        play(journal, 5, 5)
        journal.commit()
        assert decision(store, "first", 5).record == sample(5)
        assert verify(store, "first").is_sound


@pytest.mark.parametrize("journal_url", ["postgresql"], indirect=True)
def test_a_lost_connection_loses_no_row_and_doubles_none(journal_url: str, tamper: Callable[..., None]) -> None:
    """A file has no connection to lose; its own troubles are in tests/unit/db."""
    whole = record(journal_url, "whole")
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header("torn"), 1_000)
        play(journal, 1, 12)
        tamper("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tidegate %'")
        with pytest.raises(JournalUnavailable, match="cannot be written"):
            journal.commit()
        play(journal, 13, N_TICKS)
        journal.finish("{}", 9_000)
        assert journal.chain_hash == whole
        assert verify(store, "torn").is_sound


def test_a_commit_that_was_taken_for_lost_is_not_repeated(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        journal = store.begin(header(), 1_000)
        play(journal, 1, 4)
        pen = store._pen
        assert pen is not None
        taken = {name: list(rows) for name, rows in pen.rows.items()}
        journal.commit()
        # As after an answer that never arrived: the rows are on disk, and still waiting.
        for name, rows in taken.items():
            pen.rows[name].extend(rows)
        pen._in_doubt = True
        play(journal, 5, N_TICKS)
        journal.finish("{}", 9_000)
        assert verify(store, "first").is_sound


def test_a_commit_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with open_journal(url, writable=True) as store:
        pen = store._pen
        assert pen is not None
        pragmas = {
            name: pen.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        journal = store.begin(header(), 1)
        journal.record_order(order(5), 5)
        other = sqlite3.connect(tmp_path / "journal.db")
        assert other.execute("SELECT client_order_id FROM orders").fetchall() == [("SOL-PERP-5-entry",)]
        other.close()
