"""The walkforward command on recorded data: files, figures that add up, and refusals."""

import json
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.real.program import Program, complaint

GRID = {"E3_VOLUME_Z": [2, 3], "EXIT_TARGET_PCT": [0.5, 1]}


@pytest.fixture
def program(shared: Path, tmp_path: Path) -> Program:
    (tmp_path / "grid.json").write_text(json.dumps(GRID))
    return Program(tmp_path)


def words(program: Program, *more: str) -> tuple[str, ...]:
    own = ("--symbol", "SOL-PERP", "--minutes", "14400", "--train-days", "3", "--step-days", "2", "--min-trades", "3")
    return ("walkforward", "--grid", str(program.folder / "grid.json"), *own, *more)


def test_a_walk_forward_leaves_trades_windows_and_a_page_that_agree(program: Program) -> None:
    told = program.answer(*words(program))
    windows = told["windows"]
    assert told["n_windows"] == len(windows) == 3
    trades = pq.read_table(told["trades"][0]).to_pylist()
    assert len(trades) == told["metrics"]["n_trades"] == sum(one["n_trades"] for one in windows)
    assert told["metrics"]["net_microusd"] == sum(one["net_microusd"] for one in windows)
    assert all(a["ending_microusd"] == b["starting_microusd"] for a, b in pairwise(windows))
    assert {one["knob"] for one in told["drift"]} == set(GRID)
    assert "<svg" in Path(told["report"]).read_text()
    kept = json.loads((Path(told["report"]).parent / "walkforward.json").read_text())
    assert kept == told
    by_processes = program.answer(*words(program, "--workers", "2"))
    assert by_processes["windows"] == windows


def test_people_read_windows_drift_and_odds(program: Program) -> None:
    said = program.call(*words(program, "--anchored", "--sample", "2")).stdout
    assert "3 choices among 2 combinations on all days before" in said
    for word in ("Out of sample, stitched", "How far the settings wandered", "Could it be luck?", "Page:"):
        assert word in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--train-days", "30"), "a tape of 10.0 days is too short for one window"),
        (("--embargo-bars", "10"), "--embargo-bars 10 is too short"),
        (("--objective", "luck"), "--objective luck is not known"),
        (("--engine", "abacus"), "--engine abacus is not known"),
    ],
)
def test_a_mistake_is_one_sentence(program: Program, more: tuple[str, ...], said: str) -> None:
    refused = program.call(*words(program, *more))
    assert said in complaint(refused, 2)
