"""What `data check` tells about a fetched series: its days against its manifest, and its rows as of any recording."""

from datetime import date
from enum import StrEnum
from pathlib import Path

from domain.errors import BadInput
from domain.record import Record
from market.check import CheckReport, Verdict, check_file
from market.history.manifest import DayEntry, DayState, Manifest, checksum
from market.history.reading import manifest_of, series_name
from market.history.series import days_between, days_on_disk, part_path
from market.quality import QualityLimits


class DayFlaw(StrEnum):
    """What can be wrong with a day. Altered or lost days make the series unusable until they are fetched again."""

    ALTERED = "not as it was fetched (its checksum differs)"
    LOST = "its file is missing"
    MISSING = "never fetched, between days that were"
    PARTIAL = "was going on when it was fetched"
    EMPTY = "its source has nothing of it"
    GAPS = "rows its source does not have"
    CUT = "one of its source's files ends before its data do"
    UNLISTED = "has a file, but is not in the manifest: an unfinished fetch"


class DayFinding(Record, frozen=True, kw_only=True):
    """One flaw of one day. n_rows: rows it concerns; 0 where it is the whole day."""

    date: date
    flaw: DayFlaw
    n_rows: int = 0


class SeriesReport(Record, frozen=True, kw_only=True):
    """A series' days, what is wrong with them, and the report on its rows.

    rows: None where they cannot be read; refusal then says why.
    counts: lines of the venue's own files that the days were made from: accepted, skipped, malformed; None without.
    """

    title: str
    folder: str
    first_date: date | None
    last_date: date | None
    n_days: int
    n_rows: int
    findings: tuple[DayFinding, ...]
    counts: tuple[int, int, int] | None
    rows: CheckReport | None
    refusal: str | None
    verdict: Verdict


def check_series(folder: Path, limits: QualityLimits) -> SeriesReport:
    """Check one series' folder. Raises BadInput when its manifest cannot be read."""
    manifest = manifest_of(folder)
    findings = tuple(_findings(folder, manifest))
    rows, refusal = _rows(folder, limits)
    files = [counts for entry in manifest.days for counts in entry.files]
    return SeriesReport(
        title=series_name(folder),
        folder=str(folder),
        first_date=manifest.days[0].date if manifest.days else None,
        last_date=manifest.days[-1].date if manifest.days else None,
        n_days=len(manifest.days),
        n_rows=sum(entry.n_rows for entry in manifest.days),
        findings=findings,
        counts=(
            sum(one.n_accepted for one in files),
            sum(one.n_skipped for one in files),
            sum(one.n_malformed for one in files),
        )
        if files
        else None,
        rows=rows,
        refusal=refusal,
        verdict=Verdict.REFUSED if rows is None else rows.verdict,
    )


def _rows(folder: Path, limits: QualityLimits) -> tuple[CheckReport | None, str | None]:
    try:
        return check_file(folder, limits), None
    except BadInput as error:
        return None, str(error)


def _findings(folder: Path, manifest: Manifest) -> list[DayFinding]:
    listed = {entry.date for entry in manifest.days}
    days = days_between(min(listed), max(listed)) if listed else ()
    found = [DayFinding(date=day, flaw=DayFlaw.MISSING) for day in days if day not in listed]
    found += [DayFinding(date=day, flaw=DayFlaw.UNLISTED) for day in days_on_disk(folder) if day not in listed]
    for entry in manifest.days:
        found += _day_findings(folder, entry)
    return sorted(found, key=lambda one: one.date)


def _day_findings(folder: Path, entry: DayEntry) -> list[DayFinding]:
    found = []
    if entry.sha256 is not None:
        on_disk = checksum(part_path(folder, entry.date))
        if on_disk != entry.sha256:
            found.append(DayFinding(date=entry.date, flaw=DayFlaw.LOST if on_disk is None else DayFlaw.ALTERED))
    if entry.state is DayState.PARTIAL:
        found.append(DayFinding(date=entry.date, flaw=DayFlaw.PARTIAL))
    if any(counts.is_cut for counts in entry.files):
        found.append(DayFinding(date=entry.date, flaw=DayFlaw.CUT))
    if entry.state is DayState.EMPTY:
        found.append(DayFinding(date=entry.date, flaw=DayFlaw.EMPTY))
    elif entry.n_missing:
        found.append(DayFinding(date=entry.date, flaw=DayFlaw.GAPS, n_rows=entry.n_missing))
    return found
