from pathlib import Path

import pytest

from domain.errors import BadInput
from market.check import Verdict, check_file
from market.quality import QualityLimits
from market.recording import Flaw, RecordingKind

LIMITS = QualityLimits()


def test_a_sound_file_is_usable_and_its_extent_is_told(tmp_path, bar_columns, write_csv):
    columns = bar_columns(10)
    report = check_file(write_csv(tmp_path / "solusdt_1m.csv", columns), LIMITS)
    assert (report.kind, report.symbol, report.verdict) == (RecordingKind.BARS, "SOL-PERP", Verdict.USABLE)
    assert (report.n_rows, report.n_rows_kept, report.step_ms) == (10, 10, 60_000)
    assert (report.first_ms, report.last_ms, report.findings) == (columns["ts"][0], columns["ts"][-1], ())


def test_a_file_with_a_gap_has_unfit_rows(tmp_path, bar_columns, write_csv):
    columns = {name: [*column[:4], *column[6:]] for name, column in bar_columns(10).items()}
    report = check_file(write_csv(tmp_path / "mine.csv", columns), LIMITS)
    assert (report.verdict, report.symbol) == (Verdict.UNFIT_ROWS, None)
    assert [(finding.flaw, finding.first_row) for finding in report.findings] == [(Flaw.GAP, 6)]


def test_a_file_that_would_be_refused_still_gets_its_report(tmp_path, bar_columns, write_csv):
    columns = bar_columns(10)
    columns["ts"][4] *= 1000
    report = check_file(write_csv(tmp_path / "a.csv", columns), LIMITS)
    assert report.verdict is Verdict.REFUSED
    assert report.n_rows == 10
    assert [(finding.flaw, finding.first_row) for finding in report.findings] == [(Flaw.STAMP_UNIT, 6)]


def test_several_flaws_are_all_reported(tmp_path, bar_columns, write_csv):
    columns = bar_columns(10)
    columns["ts"][2], columns["ts"][3] = columns["ts"][3], columns["ts"][2]
    columns["close"][5] = -1.0
    columns["volume"][7] = float("nan")
    report = check_file(write_csv(tmp_path / "a.csv", columns), LIMITS)
    found = {finding.flaw for finding in report.findings}
    assert found >= {Flaw.DISORDER, Flaw.BAD_PRICE, Flaw.NOT_A_NUMBER}


def test_a_file_of_nothing_but_unfit_bars_is_refused(tmp_path, bar_columns, write_csv):
    columns = bar_columns(3)
    columns["volume"] = [-1.0] * 3
    assert check_file(write_csv(tmp_path / "a.csv", columns), LIMITS).verdict is Verdict.REFUSED


def test_a_file_that_cannot_be_read_is_bad_input():
    with pytest.raises(BadInput, match="is not there"):
        check_file(Path("nowhere.csv"), LIMITS)
