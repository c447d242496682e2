"""How many lines a run writes to its log, and what may never stand in them."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from console.plain import SilentView
from console.watching import Watching, addresses_of, secrets_of
from domain.tick import Outcome, TickRecord


class Page:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def is_enabled_for(self, level: int) -> bool:
        return level >= 20

    def log(self, level: int, event: str, **fields: Any) -> None:
        self.lines.append({"level": level, "event": event, **fields})


def logged(run: list[TickRecord], *, is_full_speed: bool) -> list[dict[str, Any]]:
    page = Page()
    watching = Watching(SilentView(), page, is_full_speed=is_full_speed)
    for record in run:
        watching.on_tick(record)
    return page.lines


def test_at_a_watchable_pace_every_tick_has_one_line(run: list[TickRecord]) -> None:
    lines = logged(run, is_full_speed=False)
    assert [line["tick_id"] for line in lines] == [f"{one.snapshot.symbol}-{one.tick_no}" for one in run]


def test_at_full_speed_only_deeds_and_trouble_have_one(run: list[TickRecord]) -> None:
    told = {line["tick_id"] for line in logged(run, is_full_speed=True)}
    deeds = {f"{one.snapshot.symbol}-{one.tick_no}" for one in run if one.orders or one.fills or one.trades}
    trouble = {f"{one.snapshot.symbol}-{one.tick_no}" for one in run if one.outcome in {Outcome.UNFIT, Outcome.HALTED}}
    assert deeds <= told <= deeds | trouble
    assert len(told) < len(run)


def test_trouble_that_goes_on_is_logged_when_it_begins_changes_or_returns(run: list[TickRecord]) -> None:
    quiet = next(one for one in run if one.outcome is Outcome.NO_SIGNAL and not one.fills)
    late, gap = (replace(quiet, outcome=Outcome.UNFIT, why=why) for why in ("late", "gap"))
    lines = logged([late, late, late, gap, gap, quiet, late, late], is_full_speed=True)
    assert [line["why"] for line in lines] == ["late", "gap", "late"]
    assert {line["level"] for line in lines} == {30}


def test_what_was_found_of_the_gate_is_logged_as_loudly_as_it_is_bad_and_each_answer_with_its_tick(
    run: list[TickRecord],
) -> None:
    page = Page()
    watching = Watching(SilentView(), page, is_full_speed=True)
    watching.on_gate("nobody answers", is_ready=False)
    watching.on_gate("ready", is_ready=True)
    assert [(line["level"], line["told"]) for line in page.lines] == [(30, "nobody answers"), (20, "ready")]
    lines = logged(run, is_full_speed=False)
    assert [line["gate"] for line in lines] == [
        None if one.gate is None else one.gate.verdict.reason_code for one in run
    ]


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("sqlite:///state/journal.db", ()),
        ("postgresql://desk@host/journal", ()),
        ("postgresql://desk:p%40ss@host/journal", ("p@ss", "p%40ss")),
    ],
)
def test_the_password_of_the_journal_is_known_in_both_its_forms(url: str, secrets: tuple[str, ...]) -> None:
    assert secrets_of(url) == secrets


def test_the_addresses_of_those_who_are_notified_are_known_whole_and_one_by_one() -> None:
    lists = {"critical": "ntfy://a,json://b/c", "warning": "", "info": " ntfy://d ", "summary": ""}
    settings = SimpleNamespace(**{f"notify_{name}": SecretStr(text) for name, text in lists.items()})
    assert addresses_of(settings) == ("ntfy://a,json://b/c", "ntfy://a", "json://b/c", "ntfy://d", "ntfy://d")
