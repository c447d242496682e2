"""What a gate was found to be worth is kept once, in order, and nothing can be changed afterwards."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.evaluations import FINDINGS, Evaluation, find_evaluation, store_evaluation
from db.gate_tables import EVALUATIONS
from db.opening import open_journal
from db.verify import verify
from domain.errors import BadInput, JournalCorrupt
from tests.contract.journal_samples import record
from tests.contract.test_journal import _literal, _other

FIRST = Evaluation(
    created_ms=1_746_057_600_000, backend="ollama", model="tiny:latest", digest="cd" * 32, prompt_version="veto-2",
    prompt_sha256="ab" * 32, run_ids=("first", "größer"), n_triggers=120, n_resolved=117, finding="no_evidence",
    report_json='{"brier":0.24}',
)  # fmt: skip
SECOND = replace(FIRST, created_ms=1_746_057_700_000, finding="evidence_for", digest=None, run_ids=())
OTHER = replace(FIRST, prompt_version="veto-1")


def stored(url: str) -> None:
    with open_journal(url, writable=True) as store:
        assert [store_evaluation(store, one) for one in (FIRST, OTHER, SECOND)] == [1, 2, 3]


def test_an_evaluation_comes_back_as_it_was_stored(journal_url: str) -> None:
    stored(journal_url)
    with open_journal(journal_url, writable=False) as store:
        assert [find_evaluation(store, number) for number in (1, 2, 3)] == [FIRST, OTHER, SECOND]
        with pytest.raises(BadInput, match="no evaluation 4"):
            find_evaluation(store, 4)
        with pytest.raises(BadInput, match="for reading only"):
            store_evaluation(store, FIRST)


def test_evaluations_of_a_closed_journal_go_on_where_they_ended_and_runs_do_not_feel_them(journal_url: str) -> None:
    chain_hash = record(journal_url)
    stored(journal_url)
    assert record(journal_url, "second") == chain_hash
    with open_journal(journal_url, writable=True) as store:
        assert store_evaluation(store, OTHER) == 4
        assert verify(store, "first").is_sound


@pytest.mark.parametrize("statement", ["UPDATE evaluations SET finding = 'too_few'", "DELETE FROM evaluations"])
def test_an_evaluation_can_be_neither_changed_nor_deleted(journal_url: str, statement: str) -> None:
    stored(journal_url)
    with open_journal(journal_url, writable=True) as store:
        assert store._pen is not None
        with pytest.raises(DBAPIError, match="append-only"):
            store._pen.connection.exec_driver_sql(statement)
        store._pen.connection.rollback()


def test_every_column_of_an_evaluation_is_watched(journal_url: str, tamper: Callable[..., None]) -> None:
    record(journal_url, last=2)
    stored(journal_url)
    unseen = []
    with open_journal(journal_url, writable=False) as store:
        for column in (column.name for column in EVALUATIONS.columns if column.name != "id"):
            with store.read() as connection:
                old = connection.execute(text(f"SELECT {column} FROM evaluations WHERE id = 2")).scalar()
            tamper(f"UPDATE evaluations SET {column} = {_other(old)} WHERE id = 2")
            first = verify(store, "first").first
            if first is None or (first.table, first.id, first.what) != ("evaluations", 2, "altered"):
                unseen.append(column)
            with pytest.raises(JournalCorrupt, match="evaluation 2 .* was altered"):
                find_evaluation(store, 3)
            tamper(f"UPDATE evaluations SET {column} = {_literal(old)} WHERE id = 2")
        assert unseen == []
        assert verify(store, "first").is_sound
        tamper("DELETE FROM evaluations WHERE id = 1")
        with pytest.raises(JournalCorrupt, match="number 1 is missing before it"):
            find_evaluation(store, 3)


@pytest.mark.parametrize("changes", [{"finding": "proven"}, {"n_resolved": 121}, {"n_resolved": -1}])
def test_an_evaluation_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"allowed are|cannot be resolved"):
        replace(FIRST, **changes)


def test_every_finding_can_be_stored(journal_url: str) -> None:
    with open_journal(journal_url, writable=True) as store:
        for number, finding in enumerate(FINDINGS, start=1):
            assert store_evaluation(store, replace(FIRST, finding=finding)) == number
