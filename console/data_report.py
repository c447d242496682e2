"""What `data check` and `data list` print."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from console.figures import ABSENT, count_text, when_text
from console.history_report import print_drift_file, print_series
from console.sheets import sheet
from domain.errors import BadInput
from market.check import CheckReport, Verdict, check_file
from market.drift.files import DriftFile, read_drift_file
from market.history.checking import SeriesReport, check_series
from market.history.reading import series_in
from market.quality import QualityLimits

VERDICTS = {
    Verdict.USABLE: ("usable", "green"),
    Verdict.UNFIT_ROWS: ("usable, but some minutes are unfit and carry no new risk", "yellow"),
    Verdict.REFUSED: ("refused: it will not be replayed", "red"),
}


def check_files(console: Console, files: Sequence[Path], limits: QualityLimits, *, as_json: bool) -> int:
    """Report on every file, and on every series in a folder; return 0, or 2 when one is refused or cannot be read."""
    found = Checked()
    for path in files:
        try:
            found.add(path, limits)
        except BadInput as error:
            found.unreadable.append(str(error))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found), allow_nan=False))  # noqa: T201 - this is the program's answer
    else:
        found.tell(console)
    return 2 if found.is_refused else 0


@dataclass(slots=True)
class Checked:
    """Everything that was looked at, by what it turned out to be."""

    files: list[CheckReport] = field(default_factory=list)
    series: list[SeriesReport] = field(default_factory=list)
    drift_files: list[DriftFile] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def add(self, path: Path, limits: QualityLimits) -> None:
        """Look at a file or a folder. Raises BadInput when it cannot be read."""
        if path.is_dir():
            self.series += [check_series(folder, limits) for folder in series_in(path)]
        elif (drift_file := read_drift_file(path)) is not None:
            self.drift_files.append(drift_file)
        else:
            self.files.append(check_file(path, limits))

    def tell(self, console: Console) -> None:
        """Print every report."""
        for report in self.files:
            _print(console, report)
        for file in self.drift_files:
            print_drift_file(console, file)
        for series in self.series:
            print_series(console, series)
            if series.rows is not None:
                _print(console, series.rows)
        for why in self.unreadable:
            sys.stderr.write(f"error: {why}\n")

    @property
    def is_refused(self) -> bool:
        """Say whether something cannot be used."""
        verdicts = {report.verdict for report in self.files} | {report.verdict for report in self.series}
        return bool(self.unreadable) or Verdict.REFUSED in verdicts


def _print(console: Console, report: CheckReport) -> None:
    console.print(Text(report.file_name, style="bold"))
    first = ABSENT if report.first_ms is None else when_text(report.first_ms)
    last = ABSENT if report.last_ms is None else when_text(report.last_ms)
    step = "" if report.step_ms is None else f", a row every {report.step_ms / 1000:g} s"
    console.print(f"  {report.kind.value} of {report.symbol or 'an unnamed market'}: {first} to {last}{step}")
    dropped = report.n_rows - report.n_rows_kept
    console.print(f"  {count_text(report.n_rows, 'row')}" + (f", {dropped:,} of them dropped" if dropped else ""))
    if report.findings:
        table = sheet("finding", "costs", ">rows", ">first at row", "what")
        for finding in report.findings:
            words = finding.flaw.value.replace("_", " ")
            table.add_row(
                words, finding.severity.value, f"{finding.n_rows:,}", f"{finding.first_row:,}", finding.reason
            )
        console.print(table)
    words, style = VERDICTS[report.verdict]
    console.print(Text(f"  {words}\n", style=style))
