from collections.abc import Iterable
from pathlib import Path

import pytest

from agents.master import MasterAgent
from db.journal import SqlJournal
from db.opening import open_journal
from db.reading import inputs
from db.store import Store
from db.verify import verify
from domain.decisions import ExitReason
from domain.errors import JournalUnavailable
from domain.market import Snapshot
from domain.tick import Outcome, TickRecord, TradingState
from tests.contract.journal_samples import header, order
from tests.flow.stage import desk, explosive, minute, quiet, run
from tests.unit.db.test_opening import held_by_another_program, url_of

WARM = 8
RETRY = 2 * WARM + 1


def live(
    master: MasterAgent, journal: SqlJournal, *tape: Snapshot, state: TradingState = TradingState.ACTIVE
) -> TickRecord:
    """Do what the desk does, a minute at a time; return the last tick."""
    for snapshot in tape:
        (record,) = run(master, [snapshot], state)
        journal.append(record)
    return record


def troubled_run(path: Path, store: Store) -> SqlJournal:
    """Let a desk want to enter, and later to leave, while another program holds its journal."""
    journal = store.begin(header(), 1)
    master = desk(journal)
    live(master, journal, *quiet(WARM))
    with held_by_another_program(path):
        refused = live(master, journal, explosive(WARM))
    assert refused.outcome is Outcome.REFUSED
    assert refused.why.startswith("journal: the order could not be recorded: ")
    live(master, journal, *quiet(WARM, 150.6, WARM + 1), explosive(RETRY), minute(RETRY + 1, 150.6, 150.6))
    with held_by_another_program(path):
        left = live(master, journal, minute(RETRY + 2, 150.6, 150.6), state=TradingState.FLATTENING)
    assert [sent.exit_reason for sent in left.orders] == [ExitReason.HALT]
    assert [refusal.reason[:30] for _, refusal in left.refusals] == ["sent before it was on record: "]
    live(master, journal, *quiet(2, 150.6, RETRY + 3))
    journal.commit()
    return journal


def live_again(journal: SqlJournal, recorded: Iterable[tuple[Snapshot, TradingState]]) -> MasterAgent:
    master = desk(journal)
    for snapshot, state in recorded:
        live(master, journal, snapshot, state=state)
    return master


def test_a_run_whose_journal_failed_at_times_replays_as_identical(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(url_of(path), writable=True) as store:
        made = troubled_run(path, store)
        made.finish("{}", 2)
        again = store.compare("first")
        live_again(again, inputs(store, "first"))
        again.finish("{}", 3)
        assert (again.n_compared, again.chain_hash) == (made.n_rows, made.chain_hash)


def test_a_run_whose_journal_failed_at_times_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(url_of(path), writable=True) as store:
        made = troubled_run(path, store)
    with open_journal(url_of(path), writable=True) as store:
        journal = store.resume("first", header())
        master = live_again(journal, inputs(store, "first"))
        assert not journal.is_catching_up
        assert journal.chain_hash == made.chain_hash
        live(master, journal, explosive(RETRY + 5, 150.6))
        journal.finish("{}", 3)
        assert verify(store, "first").is_sound


def test_a_failure_on_record_recurs_once_and_with_its_own_cause(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(url_of(path), writable=True) as store:
        made = store.begin(header(), 1)
        master = desk(made)
        live(master, made, *quiet(WARM))
        with held_by_another_program(path):
            refused = live(master, made, explosive(WARM))
        made.commit()
        again = store.compare("first")
        live(desk(again), again, *quiet(WARM))
        (lost,) = refused.orders
        with pytest.raises(JournalUnavailable) as failure:
            again.record_order(lost, refused.tick_no)
        assert str(failure.value) == f"the journal {path} cannot be written: it is locked by another program"
        again.record_order(lost, refused.tick_no)


def test_an_order_that_was_recorded_at_once_is_recorded_at_once_again(tmp_path: Path) -> None:
    with open_journal(url_of(tmp_path / "journal.db"), writable=True) as store:
        store.begin(header(), 1).record_order(order(5), 5)
        again = store.compare("first")
        again.record_order(order(5), 5)
        assert again.n_compared == 1
