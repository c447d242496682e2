"""What `data check` says of a file, for a person and for a machine."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from console.data_report import check_files
from market.quality import QualityLimits

HEAD = "ts,open,high,low,close,volume"
START_MS = 1_746_372_780_000


def write(folder: Path, name: str, *rows: tuple[int, float]) -> Path:
    """Write a small recording of (minute, close) rows."""
    lines = [
        f"{START_MS + 60_000 * at},148.0,{max(148.2, close)},{min(147.9, close)},{close},10.0" for at, close in rows
    ]
    path = folder / name
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


def told(capsys: pytest.CaptureFixture[str], *paths: Path, as_json: bool = False) -> tuple[int, str, str]:
    code = check_files(Console(width=200), paths, QualityLimits(), as_json=as_json)
    return code, *capsys.readouterr()


def test_a_sound_file_is_usable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "solusdt_1m.csv", *((at, 148.0 + at % 3 / 10) for at in range(30)))
    code, out, errors = told(capsys, path)
    assert (code, errors) == (0, "")
    assert "bars of SOL-PERP: 2025-05-04 15:33 UTC to" in out
    assert "30 rows" in out
    assert "usable" in out


def test_a_gap_and_an_impossible_price_are_found_counted_and_placed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(at, -1.0 if at == 7 else 148.0) for at in range(40) if at not in range(20, 25)]
    code, out, _ = told(capsys, write(tmp_path, "solusdt_1m.csv", *rows), as_json=True)
    report = json.loads(out)["files"][0]
    assert code == 0
    assert report["n_rows"] == 35
    assert report["verdict"] == "unfit_rows"
    flaws = {finding["flaw"] for finding in report["findings"]}
    assert any("gap" in flaw for flaw in flaws)
    assert any("price" in flaw for flaw in flaws)


def test_what_cannot_be_read_goes_to_stderr_and_the_rest_is_still_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = write(tmp_path, "solusdt_1m.csv", *((at, 148.0) for at in range(5)))
    code, out, errors = told(capsys, tmp_path / "gone.csv", sound)
    assert code == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert "gone.csv" in errors
    assert "5 rows" in out


def test_a_fetched_folder_is_told_series_by_series_and_day_by_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kind=bars/exchange=bybit/symbol=SOL-PERP"
    days = [{"date": f"2025-05-0{day}", "state": "empty", "n_rows": 0} for day in (4, 6)]
    names = {"format": 1, "kind": "bars", "exchange": "bybit", "symbol": "SOL-PERP", "source": "bybit"}
    folder.mkdir(parents=True)
    (folder / "_manifest.json").write_text(json.dumps({**names, "days": days}))
    code, out, _ = told(capsys, tmp_path)
    assert code == 2
    assert "bybit SOL-PERP bars" in out
    assert "2 days, 2025-05-04 to 2025-05-06, 0 rows" in out
    assert "2025-05-05" in out
    assert "never fetched" in out
    assert "has no day with rows" in out
    _, out, _ = told(capsys, tmp_path, as_json=True)
    assert [finding["flaw"][:5] for finding in json.loads(out)["series"][0]["findings"]] == ["its s", "never", "its s"]


def test_a_file_of_drifts_archive_is_told_with_what_became_of_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "20250106"
    path.write_text("ts,txSig,recordId,fundingRate\n1736164800,a,1,0.5\n1736164800,a,1,0.5\nshort\n")
    code, out, _ = told(capsys, path)
    assert code == 0
    assert "drift funding records: 2025-01-06 12:00 UTC to 2025-01-06 12:00 UTC" in out
    assert "2 lines parsed: 1 accepted, 1 skipped; 1 malformed" in out
    assert "1 seen before" in out


def test_a_folder_without_history_is_said_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = told(capsys, tmp_path)
    assert code == 2
    assert "a folder without fetched history" in errors
