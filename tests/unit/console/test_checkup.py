"""The doctor's round over a real journal, switch and folders."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from console.checkup import DeskPlan, check_journal, check_notified, check_switch, check_up
from db.chain import RunHeader
from db.opening import open_journal
from desk.switch import HaltSwitch
from domain.tick import TickRecord, TradingState

HEADER = RunHeader(
    run_id="finished",
    command="paper",
    settings_json="{}",
    code_version="1",
    data_identity="d",
    symbols=("SOL-PERP",),
    instruments_json="[]",
    is_simulated=True,
)
LAST_MS = 1_746_100_000_000


@pytest.fixture
def plan(tmp_path: Path) -> DeskPlan:
    return DeskPlan(
        n_changed=0,
        database_url=f"sqlite:///{tmp_path}/journal.db",
        state_dir=tmp_path / "state",
        log_file=tmp_path / "log" / "desk.log",
        data_dirs=(tmp_path / "data",),
        symbols=("SOL-PERP",),
    )


@pytest.fixture
def journal(plan: DeskPlan, run: list[TickRecord], tmp_path: Path) -> Path:
    """Record one finished run."""
    with open_journal(plan.database_url, writable=True) as store:
        written = store.begin(HEADER, LAST_MS - 1)
        for record in run:
            written.append(record)
        written.finish("{}", LAST_MS)
    return tmp_path / "journal.db"


def words(page: Console) -> str:
    return " ".join(page.export_text().split())


@pytest.mark.parametrize(
    ("notified", "found", "has_advice"),
    [
        ((), "nobody is told anything (NOTIFY_CRITICAL)", False),
        ((("critical", 2), ("info", 1)), "targets: critical 2, info 1", False),
        ((("summary", 1),), "targets: summary 1", True),
    ],
)
def test_who_is_notified_is_counted_and_a_halt_that_nobody_hears_of_is_a_note(
    notified: tuple[tuple[str, int], ...], found: str, has_advice: bool
) -> None:
    check = check_notified(notified)
    assert (check.ok, check.found, bool(check.advice)) == (True, found, has_advice)


def test_a_fresh_machine_can_run_and_nothing_is_made_by_looking(page: Console, plan: DeskPlan, tmp_path: Path) -> None:
    assert check_up(page, plan, as_json=False) == 0
    told = words(page)
    assert "none yet; the first run makes" in told
    assert "no recording in" in told
    assert "the desk can run" in told
    assert list(tmp_path.iterdir()) == []


def test_refused_settings_are_told_and_only_the_machine_is_looked_at(page: Console) -> None:
    assert check_up(page, "a setting is refused: SPEED = warp", as_json=False) == 1
    told = words(page)
    assert "SPEED = warp" in told
    assert "1 thing to mend" in told
    assert "halt switch" not in told


def test_a_machine_gets_the_same_as_one_object(
    page: Console, plan: DeskPlan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_up(Console(), plan, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert {"python", "sqlite", "settings", "journal", "halt switch", "market data", "clock", "kernel cache"} <= {
        check["name"] for check in told["checks"]
    }


def test_the_last_finished_run_is_verified_and_gives_the_clock_its_measure(plan: DeskPlan, journal: Path) -> None:
    check, last_ms = check_journal(plan.database_url)
    assert check.ok
    assert "1 run, 0 of them unfinished; finished is unaltered" in check.found
    assert check.advice == ""
    assert last_ms == LAST_MS


def test_an_altered_run_fails_and_is_named(page: Console, plan: DeskPlan, journal: Path) -> None:
    with closing(sqlite3.connect(journal, isolation_level=None)) as intruder:
        for (name,) in intruder.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            intruder.execute(f"DROP TRIGGER {name}")
        intruder.execute("UPDATE ticks SET equity_microusd = equity_microusd + 1 WHERE tick_no = 3")
    assert check_up(page, plan, as_json=False) == 1
    told = words(page)
    assert "finished was altered" in told
    assert "(tick 3)" in told
    assert "audit verify finished" in told


@pytest.fixture
def busy(plan: DeskPlan, journal: Path) -> Iterator[None]:
    with open_journal(plan.database_url, writable=True):
        yield


@pytest.mark.usefixtures("busy")
def test_a_desk_at_work_is_only_worth_knowing(plan: DeskPlan) -> None:
    check, _ = check_journal(plan.database_url)
    assert check.ok
    assert "another desk" in check.advice


def test_a_journal_that_is_locked_or_none_fails(plan: DeskPlan, journal: Path) -> None:
    with closing(sqlite3.connect(journal, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        check, _ = check_journal(plan.database_url)
        assert not check.ok
        assert "locked" in check.found
    journal.write_text("my diary\n" * 100)
    check, _ = check_journal(plan.database_url)
    assert not check.ok
    assert "not a database" in check.found


def test_looking_changes_no_row_of_the_journal(plan: DeskPlan, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        before = list(connection.iterdump())
    check_journal(plan.database_url)
    with closing(sqlite3.connect(journal)) as connection:
        assert list(connection.iterdump()) == before


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING, TradingState.FLATTENING])
def test_a_halt_is_told_with_its_time_and_its_way_back(tmp_path: Path, state: TradingState) -> None:
    HaltSwitch(tmp_path / "switch").ask(state)
    check = check_switch(tmp_path)
    assert check.ok
    assert f"the desk is {state.value} since 20" in check.found
    assert "resume" in check.advice


def test_no_halt_is_fine_and_an_unreadable_switch_says_that_it_halts(tmp_path: Path) -> None:
    assert check_switch(tmp_path).advice == ""
    (tmp_path / "switch").mkdir()
    check = check_switch(tmp_path)
    assert "halted" in check.found
    assert "not a file" in check.found
