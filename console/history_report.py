"""What `data check` prints of fetched series and of Drift's own files."""

from rich.console import Console
from rich.text import Text

from console.figures import ABSENT, count_text, when_text
from console.sheets import sheet
from market.drift.files import DriftFile
from market.history.checking import SeriesReport

_MOST_DAYS = 40


def print_series(console: Console, report: SeriesReport) -> None:
    """Print a series' days and what is wrong with them."""
    console.print(Text(report.title, style="bold") + Text(f"  {report.folder}", style="dim"))
    span = ABSENT if report.first_date is None else f"{report.first_date} to {report.last_date}"
    console.print(f"  {count_text(report.n_days, 'day')}, {span}, {count_text(report.n_rows, 'row')}")
    if report.counts is not None:
        accepted, skipped, malformed = report.counts
        console.print(
            f"  made from files with {accepted:,} lines accepted, {skipped:,} skipped, {malformed:,} malformed"
        )
    if report.findings:
        table = sheet(">day", ">rows", "what")
        for finding in report.findings[:_MOST_DAYS]:
            table.add_row(str(finding.date), f"{finding.n_rows:,}" if finding.n_rows else "", finding.flaw.value)
        console.print(table)
    if len(report.findings) > _MOST_DAYS:
        console.print(f"  and {len(report.findings) - _MOST_DAYS:,} more; --json tells them all")
    if report.refusal is not None:
        console.print(Text(f"  {report.refusal}\n", style="red"))


def print_drift_file(console: Console, file: DriftFile) -> None:
    """Print what became of the lines of one of Drift's files."""
    counts = file.counts
    console.print(Text(counts.file_name, style="bold"))
    first = ABSENT if file.first_ms is None else when_text(file.first_ms)
    last = ABSENT if file.last_ms is None else when_text(file.last_ms)
    console.print(f"  {file.kind.value.replace('_', ' ')}: {first} to {last}")
    console.print(
        f"  {counts.n_parsed:,} lines parsed: {counts.n_accepted:,} accepted, {counts.n_skipped:,} skipped; "
        f"{counts.n_malformed:,} malformed"
    )
    for why, n in counts.reasons:
        console.print(f"  {n:,} {why}")
    if counts.is_cut:
        console.print(Text("  the file ends before its data do: download it again", style="yellow"))
    console.print()
