"""The doctor: what the desk needs of this machine, whether it is there, and what to do where it is not."""

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from console.figures import count_text, when_text
from console.sheets import heading, sheet
from domain.record import Record

OLDEST_PYTHON: Final = (3, 11)
WAL_RESET_FIXED: Final = (3, 51, 3)
N_BYTES_PER_GB: Final = 1_000_000_000
LEAST_FREE_GB: Final = 1.0
RELEASED_MS: Final = 1_735_689_600_000
PLAUSIBLE_UNTIL_MS: Final = 4_102_444_800_000
SAMPLE_S: Final = 0.05
MAX_CLOCK_SLIP_S: Final = 0.5
LEAST_COLUMNS: Final = 100


class Check(Record, frozen=True, kw_only=True):
    """One thing looked at. ok: the desk can run. advice: what to do; with ok it is only worth knowing."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Look at the interpreter's version."""
    found = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Check(name="python", ok=True, found=found)
    return Check(name="python", ok=False, found=found, advice="install Python 3.11 or newer and run `make paper` again")


def check_sqlite(version: str = sqlite3.sqlite_version) -> Check:
    """Look at SQLite's version: before 3.51.3 two writers at once could harm a write-ahead log."""
    if tuple(int(part) for part in version.split(".")) >= WAL_RESET_FIXED:
        return Check(name="sqlite", ok=True, found=version)
    advice = "fine with one desk a journal, which the journal's lock ensures; 3.51.3 mends a fault with two writers"
    return Check(name="sqlite", ok=True, found=version, advice=advice)


def check_folder(name: str, folder: Path) -> Check:
    """Look whether a folder can be written to (by doing it), or made, and how much room it has."""
    place = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"tidegate")
        free_gb = shutil.disk_usage(place).free / N_BYTES_PER_GB
    except OSError as error:
        found = f"{folder}: {error.strerror or error}"
        return Check(name=name, ok=False, found=found, advice=f"make {place} writable, or name another folder in .env")
    found = f"{folder} is writable, {free_gb:,.1f} GB free" + ("" if place == folder else ", made on the first run")
    if free_gb >= LEAST_FREE_GB:
        return Check(name=name, ok=True, found=found)
    return Check(
        name=name, ok=False, found=found, advice=f"free at least {LEAST_FREE_GB:g} GB: a full disk stops orders"
    )


def check_clock(wall_ms: Callable[[], int], elapsed_s: Callable[[], float], last_seen_ms: int | None = None) -> Check:
    """Look whether the machine's clock shows a believable date and runs as fast as its stopwatch.

    wall_ms, elapsed_s: the system clock's two readings. last_seen_ms: wall time of the newest journal entry, which
    a clock that was put back would not have reached yet.
    """
    wall_before, stopwatch_before = wall_ms(), elapsed_s()
    time.sleep(SAMPLE_S)
    now_ms = wall_ms()
    slip_s = abs((now_ms - wall_before) / 1e3 - (elapsed_s() - stopwatch_before))
    found = f"{when_text(now_ms - now_ms % 1_000)}, slips {slip_s * 1e3:.0f} ms in {SAMPLE_S * 1e3:.0f} ms"
    trouble = _clock_trouble(now_ms, slip_s, last_seen_ms)
    if trouble is None:
        return Check(name="clock", ok=True, found=found)
    return Check(name="clock", ok=False, found=f"{found}; {trouble}", advice="set the clock and keep it by NTP")


def check_settings(n_changed: int, problem: str | None) -> Check:
    """Report how the settings loaded. problem: what refused the start, or None."""
    if problem is None:
        return Check(name="settings", ok=True, found=f"loaded, {count_text(n_changed, 'value')} away from the default")
    return Check(
        name="settings", ok=False, found=problem, advice="mend .env; `python main.py config` shows every value"
    )


def check_recordings(found: Sequence[str], folders: Sequence[str]) -> Check:
    """Report which recorded market data were found. None is no failure: the simulated market needs none."""
    if found:
        return Check(name="market data", ok=True, found=f"{count_text(len(found), 'file')}: {', '.join(found)}")
    looked = ", ".join(folders) or "no folder"
    advice = "only `--feed sim` can run; put recordings there or name them with --data for `--feed replay`"
    return Check(name="market data", ok=True, found=f"no recording in {looked}", advice=advice)


def check_kernel_cache(folder: Path) -> Check:
    """Look whether compiled kernels can be kept; else every start compiles them anew. folder: where they are kept."""
    cache = Path(os.environ.get("NUMBA_CACHE_DIR") or folder)
    place = _nearest(cache)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        advice = f"every start compiles anew (half a minute); make {place} writable or set NUMBA_CACHE_DIR"
        return Check(name="kernel cache", ok=True, found=f"{cache}: {error.strerror or error}", advice=advice)
    return Check(name="kernel cache", ok=True, found=f"{cache} is writable")


def check_terminal(console: Console) -> Check:
    """Look whether the live view can be shown here."""
    if not console.is_terminal:
        return Check(name="terminal", ok=True, found="none: the desk writes plain lines")
    size = f"{console.width} x {console.height}, {console.encoding}"
    if console.width >= LEAST_COLUMNS and "utf" in console.encoding.lower():
        return Check(name="terminal", ok=True, found=size)
    return Check(name="terminal", ok=True, found=size, advice=f"the live view wants {LEAST_COLUMNS} columns and UTF-8")


def print_doctor(console: Console, checks: Sequence[Check]) -> bool:
    """Print what was found and what to do; return whether the desk can run."""
    table = sheet("", "looked at", "found")
    for check in checks:
        mark = (
            Text("FAIL", "bold red")
            if not check.ok
            else Text("note", "yellow")
            if check.advice
            else Text("ok", "green")
        )
        found = Text(check.found)
        if check.advice:
            found.append(f"\n-> {check.advice}", style="yellow" if check.ok else "bold")
        table.add_row(mark, check.name, found)
    console.print(table)
    n_failed = sum(not check.ok for check in checks)
    verdict = f"{count_text(n_failed, 'thing')} to mend before the desk can run" if n_failed else "the desk can run"
    console.print(heading(verdict))
    return n_failed == 0


def doctor_json(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the same for a machine."""
    return {
        "ok": all(check.ok for check in checks),
        "checks": [
            {"name": check.name, "ok": check.ok, "found": check.found, "advice": check.advice} for check in checks
        ],
    }


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _clock_trouble(now_ms: int, slip_s: float, last_seen_ms: int | None) -> str | None:
    if not RELEASED_MS <= now_ms < PLAUSIBLE_UNTIL_MS:
        return "the date is not believable"
    if slip_s > MAX_CLOCK_SLIP_S:
        return "it jumped while it was watched"
    if last_seen_ms is not None and now_ms < last_seen_ms:
        return (
            f"the journal has been written at {when_text(last_seen_ms - last_seen_ms % 1_000)}: the clock was put back"
        )
    return None
