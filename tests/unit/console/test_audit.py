import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from console.audit import decisions_json, print_decisions, print_runs, print_verify, runs_json, verify_json
from console.summary import summary_json
from db.chain import RunHeader
from db.opening import open_journal
from db.reading import runs, ticks
from db.store import Store
from db.verify import verify
from desk.tally import RunSummary
from domain.instrument import Instrument
from domain.tick import TickRecord

STARTED_MS = 1_790_000_000_000


def begun(store: Store, run_id: str, run: list[TickRecord], summary: RunSummary | None) -> None:
    header = RunHeader(
        run_id=run_id,
        command="paper",
        settings_json="{}",
        code_version="test",
        data_identity="test",
        symbols=("SOL-PERP",),
        instruments_json="[]",
        is_simulated=True,
    )
    journal = store.begin(header, STARTED_MS)
    for record in run:
        for order in record.orders:
            journal.record_order(order, record.tick_no)
        journal.append(record)
    journal.commit()
    if summary is not None:
        journal.finish(json.dumps(summary_json(summary)), STARTED_MS + 1)


@pytest.fixture
def journal(tmp_path: Path, run: list[TickRecord], summary: RunSummary) -> Path:
    path = tmp_path / "journal.db"
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        begun(store, "whole", run, summary)
        begun(store, "cut-off", run[:3], None)
    return path


@pytest.fixture
def store(journal: Path) -> Iterator[Store]:
    with open_journal(f"sqlite:///{journal}", writable=False) as opened:
        yield opened


def test_runs_are_listed_with_their_result_and_the_unfinished_one_is_marked(page: Console, store: Store) -> None:
    print_runs(page, runs(store))
    whole, cut_off = page.export_text().splitlines()[1:]
    for part in ("whole", "SOL-PERP (simulated)", "finished", "-54.53"):
        assert part in whole
    assert "unfinished" in cut_off
    told = json.loads(json.dumps(runs_json(runs(store))))["runs"]
    assert [run["run_id"] for run in told] == ["whole", "cut-off"]
    assert told[0]["summary"]["n_trades"] == 1
    assert told[1]["summary"] is None


def test_an_empty_journal_says_so(page: Console, instruments: Mapping[str, Instrument]) -> None:
    print_runs(page, ())
    print_decisions(page, (), instruments)
    assert page.export_text() == "There is no run in this journal yet.\nNo recorded decision matches.\n"


def test_decisions_are_listed_with_price_account_and_reason(
    page: Console, store: Store, instruments: Mapping[str, Instrument]
) -> None:
    print_decisions(page, ticks(store, "whole"), instruments, run_id="whole", is_simulated=True)
    text = page.export_text()
    assert "SIMULATED MARKET" in text
    entry = next(line for line in text.splitlines() if "entered" in line)
    for part in ("2025-05-01 00:03", "SOL-PERP", "148.050", "bull trend", "10,000.00", "e3 buys"):
        assert part in entry
    assert "long 33.77 SOL" in text
    assert "python main.py audit show whole 10" in text
    assert len(decisions_json(ticks(store, "whole"))["decisions"]) == 10


def test_a_narrow_terminal_keeps_the_reason_and_drops_the_account(
    page_of: Callable[[int, int], Console], store: Store, instruments: Mapping[str, Instrument]
) -> None:
    page = page_of(80, 24)
    print_decisions(page, ticks(store, "whole"), instruments)
    text = page.export_text()
    assert "gap of 2 minutes before this bar" in " ".join(text.split())
    assert "equity USD" not in text


def test_a_sound_run_is_said_to_be_unaltered(page: Console, store: Store) -> None:
    report = verify(store, "whole")
    print_verify(page, report)
    text = page.export_text()
    assert "Run whole is unaltered" in text
    assert report.chain_hash in text
    assert verify_json(report)["is_sound"] is True
    print_verify(page, verify(store, "cut-off"))
    assert "The run is unfinished" in page.export_text()


def test_an_altered_row_is_named(page: Console, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE fills SET price_ticks = price_ticks - 1 WHERE exit_reason = 'stop'")
    with open_journal(f"sqlite:///{journal}", writable=False) as store:
        report = verify(store, "whole")
    print_verify(page, report)
    text = page.export_text()
    assert "Run whole was tampered with or damaged: 1 thing does not fit." in text
    assert "altered: fills row" in text
    told = json.loads(json.dumps(verify_json(report)))
    assert told["is_sound"] is False
    assert "fills" in told["first"]
