"""A journal that the first schema holds: brought up by the desk, with its old runs as sound as they were."""

import pytest
from alembic import command
from msgspec.structs import replace
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from db import schema
from db.journal import SqlJournal
from db.opening import open_journal
from db.reading import decision
from db.tables import EVIDENCE
from db.verify import verify
from domain.decisions import Approved
from domain.errors import BadInput
from domain.tick import GateExchange, TickRecord
from tests.contract.journal_samples import N_TICKS, header, record, sample

# What the code before schema 0002 printed for these ticks.
N_ROWS, CHAIN = 67, "5b46758a40b4b74fc761a1fdee1d0b3c83eb949ee963214a001a8129a896614d"
NEW = {"gate_replies", "counterfactuals", "reflections", "evaluations"}


def old_sample(tick_no: int) -> TickRecord:
    """Return a tick as it was before the gate's evidence: also with an approval that would be refused today."""
    whole = sample(tick_no)
    return replace(whole, gate=_old(whole.gate), counterfactuals=(), reflections=())


def _old(gate: GateExchange | None) -> GateExchange | None:
    if gate is None:
        return None
    is_yes = isinstance(gate.verdict, Approved)
    return replace(gate, evidence=None, verdict=replace(gate.verdict, reason_code="fine") if is_yes else gate.verdict)


def play_old(journal: SqlJournal, last: int) -> None:
    for tick_no in range(1, last + 1):
        for sent in old_sample(tick_no).orders:
            journal.record_order(sent, tick_no)
        journal.append(old_sample(tick_no))
    journal.commit()


@pytest.fixture
def old_url(journal_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a journal that only the first migration made, with a finished run and one that was cut off."""
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", "0001")
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        with open_journal(journal_url, writable=True) as store:
            with store.read() as connection:
                assert not NEW & set(inspect(connection).get_table_names())
            whole = store.begin(header("whole"), 1)
            play_old(whole, N_TICKS)
            whole.finish("{}", 2)
            assert (whole.n_rows, whole.chain_hash) == (N_ROWS, CHAIN)
            play_old(store.begin(header("cut"), 3), 13)
    return journal_url


def test_a_reader_of_an_older_journal_is_told_what_to_do(old_url: str) -> None:
    with pytest.raises(BadInput, match="has the older schema 0001; start the desk on it once to bring it up"):
        open_journal(old_url, writable=False)


def test_an_older_journal_is_brought_up_and_its_runs_verify_with_the_chain_they_had(old_url: str) -> None:
    with open_journal(old_url, writable=True) as store:
        for run_id, chain in (("whole", CHAIN), ("cut", None)):
            report = verify(store, run_id)
            assert report.is_sound, report.findings
            assert chain is None or report.chain_hash == chain
        with store.read() as connection:
            assert set(inspect(connection).get_table_names()) > NEW
            assert connection.scalar(text("SELECT version_num FROM alembic_version")) == schema.HEAD
    with open_journal(old_url, writable=False) as store:
        assert decision(store, "whole", 5).record == old_sample(5)


def test_a_run_of_an_older_journal_goes_on_after_it_was_brought_up(old_url: str) -> None:
    with open_journal(old_url, writable=True) as store:
        journal = store.resume("cut", header("cut"))
        play_old(journal, 13)
        assert not journal.is_catching_up
        journal.append(sample(14))
        journal.finish("{}", 4)
        assert verify(store, "cut").is_sound


def test_old_and_new_runs_lie_side_by_side_with_the_same_guards(old_url: str) -> None:
    chain = record(old_url, "new")
    assert chain != CHAIN
    with open_journal(old_url, writable=True) as store:
        assert verify(store, "new").is_sound
        assert verify(store, "whole").is_sound
        pen = store._pen
        assert pen is not None
        for table in EVIDENCE:
            with pytest.raises(DBAPIError, match="append-only"):
                pen.connection.exec_driver_sql(f"DELETE FROM {table.name}")
            pen.connection.rollback()
