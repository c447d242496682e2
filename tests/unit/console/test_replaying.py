"""Telling how a recomputation came out."""

import json

import pytest
from msgspec.structs import replace
from rich.console import Console

from console.replaying import ReplayResult, print_replay, replay_json

FINE = ReplayResult(
    run_id="r1",
    n_ticks=39_387,
    n_rows_compared=125_685,
    chain_hash="ab" * 32,
    difference=None,
    is_same_code=True,
    is_finished=True,
    seconds=2.25,
)


def words(page: Console) -> str:
    return " ".join(page.export_text().split())


def test_an_identical_run_says_how_much_was_compared(page: Console) -> None:
    print_replay(page, FINE)
    told = words(page)
    assert told.startswith("identical run r1: 39,387 ticks lived through again in 2.2 s")
    assert "all 125,685 rows came out as recorded" in told
    assert "version" not in told
    assert "unfinished" not in told


def test_a_difference_is_told_with_the_code_s_version(page: Console) -> None:
    print_replay(page, replace(FINE, difference="tick 7: row 9 in fills differs", is_same_code=False))
    told = words(page)
    assert told.startswith("different run r1")
    assert "tick 7: row 9 in fills differs" in told
    assert "another version of the code" in told


def test_an_unfinished_run_is_named_as_such(page: Console) -> None:
    print_replay(page, replace(FINE, is_finished=False))
    assert "unfinished" in words(page)


@pytest.mark.parametrize("difference", [None, "tick 7"])
def test_a_machine_gets_the_same(difference: str | None) -> None:
    told = json.loads(json.dumps(replay_json(replace(FINE, difference=difference))))
    assert told["is_identical"] is (difference is None)
    assert told["n_rows_compared"] == 125_685
