"""What `data check` tells about one file."""

from enum import StrEnum
from pathlib import Path

from domain.record import Record
from market.naming import split_argument, symbol_of_file
from market.quality import QualityLimits
from market.readers import read_recording
from market.recording import Finding, RecordingKind, Severity
from market.screening import screen


class Verdict(StrEnum):
    """USABLE: every row may be traded on. UNFIT_ROWS: some minutes may not. REFUSED: the file is not replayed."""

    USABLE = "usable"
    UNFIT_ROWS = "unfit_rows"
    REFUSED = "refused"


class CheckReport(Record, frozen=True, kw_only=True):
    """A file's kind, extent and flaws.

    symbol: told from the file name, None when it does not say. n_rows: as written; n_rows_kept: after dropping copies
    and impossible figures. first_ms, last_ms, step_ms: None when stamps cannot be read, step_ms also with one row.
    """

    file_name: str
    kind: RecordingKind
    symbol: str | None
    n_rows: int
    n_rows_kept: int
    first_ms: int | None
    last_ms: int | None
    step_ms: int | None
    findings: tuple[Finding, ...]
    verdict: Verdict


def check_file(path: Path, limits: QualityLimits) -> CheckReport:
    """Read and screen one file, `path` or `SYMBOL=path`.

    A file that can be read gets a report even when it would be refused. Raises BadInput when it cannot be read at all.
    """
    named, real_path = split_argument(str(path))
    recording = read_recording(real_path)
    screened = screen(recording, limits)
    stamps_ms = screened.stamps_ms
    severities = {finding.severity for finding in screened.findings}
    return CheckReport(
        file_name=recording.name,
        kind=recording.kind,
        symbol=named if named is not None else symbol_of_file(real_path),
        n_rows=len(recording.stamps),
        n_rows_kept=len(stamps_ms),
        first_ms=int(stamps_ms.min()) if len(stamps_ms) else None,
        last_ms=int(stamps_ms.max()) if len(stamps_ms) else None,
        step_ms=screened.step_ms,
        findings=screened.findings,
        verdict=_verdict(severities, n_sound=len(stamps_ms) - len(screened.unsound)),
    )


def _verdict(severities: set[Severity], *, n_sound: int) -> Verdict:
    if Severity.REFUSED in severities or n_sound == 0:
        return Verdict.REFUSED
    return Verdict.UNFIT_ROWS if Severity.UNFIT in severities else Verdict.USABLE
