"""What `data check` and `data list` print."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from console.figures import ABSENT, count_text, when_text
from console.sheets import sheet
from domain.errors import BadInput
from market.check import CheckReport, Verdict, check_file
from market.quality import QualityLimits

VERDICTS = {
    Verdict.USABLE: ("usable", "green"),
    Verdict.UNFIT_ROWS: ("usable, but some minutes are unfit and carry no new risk", "yellow"),
    Verdict.REFUSED: ("refused: it will not be replayed", "red"),
}


def check_files(console: Console, files: Sequence[Path], limits: QualityLimits, *, as_json: bool) -> int:
    """Report on every file; return 0, or 2 when one is refused or cannot be read."""
    reports: list[CheckReport] = []
    unreadable: list[tuple[Path, str]] = []
    for path in files:
        try:
            reports.append(check_file(path, limits))
        except BadInput as error:
            unreadable.append((path, str(error)))
    if as_json:
        told = {"files": msgspec.to_builtins(reports), "unreadable": [why for _, why in unreadable]}
        print(json.dumps(told, allow_nan=False))  # noqa: T201 - this is the program's answer
    else:
        for report in reports:
            _print(console, report)
        for _, why in unreadable:
            sys.stderr.write(f"error: {why}\n")
    return 2 if unreadable or any(report.verdict is Verdict.REFUSED for report in reports) else 0


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
