"""The tune command on recorded data: what it tells, writes and refuses; a search that is killed goes on."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.real.program import Program, complaint, with_files_up_to

SPACE = {"E3_VOLUME_Z": {"low": 1, "high": 3, "step": 0.5}, "EXIT_TARGET_PCT": [0.5, 1, 2]}
HELD = ("--set", "EXIT_MAX_HOLD_BARS=60", "--set", "SIZING_KELLY_FRACTION=0")


@pytest.fixture
def program(shared: Path, tmp_path: Path) -> Program:
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    return Program(tmp_path)


def words(program: Program, *more: str) -> tuple[str, ...]:
    space = str(program.folder / "space.json")
    own = ("--symbol", "SOL-PERP", "--minutes", "9000", "--min-trades", "3", *HELD)
    return ("tune", "--space", space, *own, *more)


def test_a_tuning_proposes_writes_only_on_demand_and_counts_its_looks(program: Program) -> None:
    program.env_file.write_text("# mine\nDATABASE_URL=sqlite:///x.db\nE3_VOLUME_Z=2.2 # loud\n")
    before = program.env_file.read_text()
    first = program.answer(*words(program, "--trials", "8"))
    assert (first["n_trials"], first["test"]["n_looks_before"], first["test"]["warning"]) == (8, 0, None)
    assert program.env_file.read_text() == before
    assert "x.db" not in first["proposal"]["diff"]
    split = first["split"]
    assert split["embargo_bars"] == 241 + 60 + 1
    assert sum(split[name]["n_minutes"] for name in ("train", "validation", "test")) == 9000 - 2 * 302
    chosen = first["winner"]["settings"]
    second = program.answer(*words(program, "--trials", "0", "--write", str(program.env_file)))
    assert second["winner"]["settings"] == chosen
    assert second["test"]["warning"] == ("the test segment was already looked at once: this is no longer out of sample")
    lines = program.env_file.read_text().splitlines()
    assert lines[:2] == ["# mine", "DATABASE_URL=sqlite:///x.db"]
    assert float(lines[2].split()[0].removeprefix("E3_VOLUME_Z=")) == float(chosen["E3_VOLUME_Z"])
    assert lines[2].endswith(" # loud")
    # Its own proposal does not make it another study.
    third = program.answer(*words(program, "--trials", "0", "--no-test"))
    assert (third["n_trials"], third["test"], third["proposal"]["changes"]) == (8, None, {})


def test_people_read_the_segments_the_odds_and_the_diff(program: Program) -> None:
    said = program.call(*words(program, "--trials", "6")).stdout
    for word in ("validation", "Chosen on validation", "Could it be luck?", "On the test segment:", "Proposed changes"):
        assert word in said
    assert "Nothing was written; --write FILE does." in said


def test_a_search_that_is_killed_keeps_its_trials_and_goes_on(program: Program) -> None:
    journal = program.folder / "state" / "tune" / "space-sol-perp.journal"
    running = program.start(*words(program, "--trials", "100000", "--json"))
    for _ in range(2_400):
        if journal.exists() and journal.read_bytes().count(b'"days_microusd"') > 3:
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    told = program.answer(*words(program, "--trials", "2"))
    assert told["n_trials"] >= 3 + 2
    refused = program.call(*words(program, "--trials", "1", "--objective", "net"))
    assert "was begun with another objective" in complaint(refused, 2)


def test_a_full_disk_is_one_sentence_and_the_finished_trials_stay(program: Program) -> None:
    full = program.run(*words(program, "--trials", "60", "--json"), before=with_files_up_to(20_000))
    assert "the study cannot be written: " in complaint(full, 1)
    kept = program.answer(*words(program, "--trials", "0", "--no-test"))
    assert 0 < kept["n_trials"] < 60


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--train-frac", "0.8"), "leave nothing to test on"),
        (("--embargo-bars", "10"), "--embargo-bars 10 is too short: features, orders and holds reach over 302 bars"),
        (("--minutes", "900"), "is too short: the embargo of 302 bars leaves nothing"),
        (("--objective", "luck"), "--objective luck is not known"),
        (("--storage", "redis://here"), "--storage names the unknown database kind redis"),
        (("--set", "GATE_MODE=veto"), "GATE_MODE=veto asks a model at every entry"),
    ],
)
def test_a_mistake_is_one_sentence(program: Program, more: tuple[str, ...], said: str) -> None:
    refused = program.call(*words(program, "--trials", "1", *more))
    assert said in complaint(refused, 2)
