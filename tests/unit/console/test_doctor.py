import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from console.doctor import (
    Check,
    check_clock,
    check_folder,
    check_kernel_cache,
    check_python,
    check_recordings,
    check_settings,
    check_sqlite,
    check_terminal,
    doctor_json,
    print_doctor,
)

NOW_MS = 1_790_000_000_000


def clock(
    *, starts_ms: int = NOW_MS, ran_ms: int = 50, stopwatch_s: float = 0.05
) -> tuple[Callable[[], int], Callable[[], float]]:
    wall, watch = iter([starts_ms, starts_ms + ran_ms]), iter([0.0, stopwatch_s])
    return lambda: next(wall), lambda: next(watch)


def test_an_old_python_fails_and_an_old_sqlite_is_only_noted() -> None:
    assert not check_python((3, 10, 4)).ok
    assert check_python((3, 12, 0)) == Check(name="python", ok=True, found="3.12.0")
    assert check_sqlite("3.46.1").ok
    assert "3.51.3" in check_sqlite("3.46.1").advice
    assert check_sqlite("3.51.3").advice == ""


def test_a_folder_that_can_be_made_is_fine_and_nothing_is_left_behind(tmp_path: Path) -> None:
    check = check_folder("state folder", tmp_path / "state" / "deep")
    assert check.ok
    assert "GB free" in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_fails_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("console.doctor.tempfile.TemporaryFile", refuse)
    check = check_folder("state folder", tmp_path)
    assert not check.ok
    assert "Permission denied" in check.found
    assert str(tmp_path) in check.advice
    assert check_kernel_cache(tmp_path).advice.startswith("every start compiles anew")


@pytest.mark.parametrize(
    ("reading", "last_seen_ms", "trouble"),
    [
        (clock(), None, None),
        (clock(), NOW_MS - 1, None),
        (clock(starts_ms=1_000_000), None, "not believable"),
        (clock(ran_ms=3_600_050), None, "jumped"),
        (clock(), NOW_MS + 86_400_000, "put back"),
    ],
)
def test_the_clock_must_be_believable_steady_and_later_than_the_journal(
    reading: tuple[Callable[[], int], Callable[[], float]], last_seen_ms: int | None, trouble: str | None
) -> None:
    check = check_clock(*reading, last_seen_ms)
    assert check.ok is (trouble is None)
    assert trouble is None or trouble in check.found


def test_no_recordings_and_no_terminal_do_not_stop_the_desk() -> None:
    assert check_recordings([], ["data"]).ok
    assert "--feed sim" in check_recordings([], ["data"]).advice
    assert check_recordings(["a.parquet"], ["data"]).advice == ""
    assert check_terminal(Console(width=60, force_terminal=False)).ok


def test_the_verdict_follows_the_failures(page: Console) -> None:
    fine, wrong = check_settings(2, None), check_settings(0, "E3_VOLUME_Z is not a number")
    assert print_doctor(page, [fine])
    assert "the desk can run" in page.export_text()
    assert not print_doctor(page, [fine, wrong])
    text = page.export_text()
    assert "FAIL" in text
    assert "E3_VOLUME_Z is not a number" in text
    assert "1 thing to mend before the desk can run" in text
    told = doctor_json([fine, wrong])
    assert told["ok"] is False
    assert json.loads(json.dumps(told))["checks"][1]["name"] == "settings"
