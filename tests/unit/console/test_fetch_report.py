"""What `data fetch` says when it is done, for a person and for a machine."""

import io
import json
from datetime import date

import pytest
from rich.console import Console

from console.fetch_report import FetchBoard, print_fetched
from market.drift.counts import FileCounts, Why
from market.history.fetching import DayDone
from market.history.manifest import DayEntry, DayState, Gap
from market.history.series import Kind, Series

BARS = Series(Kind.BARS, "bybit", "SOL-PERP")
GAP = Gap(first_ms=1_746_372_780_000, n_rows=3)


def day(at: int, state: DayState = DayState.WHOLE, *, was_there: bool = False, **told: object) -> DayDone:
    entry = DayEntry(date=date(2025, 5, at), state=state, n_rows=1437, **told)  # type: ignore[arg-type]
    return DayDone(BARS, entry, was_there)


def told(*days: DayDone) -> str:
    console = Console(file=io.StringIO(), width=160)
    print_fetched(console, days, as_json=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_days_rows_and_states_are_summed_per_series() -> None:
    text = told(day(4, gaps=(GAP,)), day(5, was_there=True), day(6, DayState.PARTIAL))
    (row,) = (line.split() for line in text.splitlines() if line.startswith("bybit"))
    assert row == ["bybit", "SOL-PERP", "bars", "3", "2", "4,311", "3", "2", "whole,", "1", "partial"]
    assert "gap: bybit SOL-PERP bars has 3 rows missing from 2025-05-04 15:33 UTC" in text


def test_every_file_behind_a_day_that_was_fetched_now_is_told_with_its_counts() -> None:
    counts = FileCounts(
        file_name="20250504", n_parsed=9, n_accepted=7, n_skipped=2, n_malformed=1, is_cut=True,
        reasons=((Why.DUPLICATE, 2), (Why.CUT_SHORT, 1)),
    )  # fmt: skip
    text = told(day(4, files=(counts,)), day(5, was_there=True, files=(counts,)))
    assert text.count("20250504: 7 of 10 lines taken") == 1
    assert "(2 seen before, 1 cut short where the file ends); the file ends before its data do" in text


def test_nothing_on_disk_is_said_too() -> None:
    assert "no day is on disk" in told()


def test_a_machine_gets_every_day_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_fetched(Console(), [day(4, gaps=(GAP,))], as_json=True)
    (one,) = json.loads(capsys.readouterr().out)["days"]
    assert (one["series"], one["state"], one["gaps"]) == (
        "bybit SOL-PERP bars",
        "whole",
        [{"first_ms": GAP.first_ms, "n_rows": 3}],
    )


def test_the_board_keeps_the_days_and_draws_only_on_a_terminal() -> None:
    for is_terminal in (False, True):
        file = io.StringIO()
        board = FetchBoard(Console(file=file, force_terminal=is_terminal, width=100), quietly=False)
        with board.watching(BARS, 2):
            board.done(day(4))
        assert len(board.days) == 1
        assert ("bybit SOL-PERP bars" in file.getvalue()) is is_terminal


def test_what_was_known_to_be_missing_is_said_to_people_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=io.StringIO(), width=160)
    print_fetched(console, [day(4)], "bars of before that are gaps")
    assert isinstance(console.file, io.StringIO)
    assert "bars of before that are gaps" in console.file.getvalue()
    print_fetched(console, [day(4)], "bars of before that are gaps", as_json=True)
    assert json.loads(capsys.readouterr().out)["warning"] == "bars of before that are gaps"
