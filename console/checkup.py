"""The doctor's round: every check in turn, on the desk that the settings describe."""

import json
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

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
from console.figures import count_text, when_text
from console.gate_checkup import GatePlan, check_gate
from console.live_checkup import LivePlan, check_feed, check_live
from db.engines import file_of, parse_url, printable
from db.opening import open_journal
from db.reading import RecordedRun, runs
from db.store import Store
from db.verify import verify
from desk.clock import SystemClock
from desk.switch import HaltSwitch
from domain.compiled import CACHES
from domain.errors import BadInput, DeskError
from domain.record import Record
from domain.tick import TradingState
from market.catalog import find_recordings
from market.readers import recording_name

MOST_ROWS = 500_000
"""A longer run is not verified by the doctor: that takes more than a few seconds."""


class DeskPlan(Record, frozen=True, kw_only=True):
    """What the settings say of the desk. n_changed: settings away from default. gate, live: None: not looked at.

    notified: how many targets each severity has.
    """

    n_changed: int
    database_url: str
    state_dir: Path
    log_file: Path
    data_dirs: tuple[Path, ...]
    symbols: tuple[str, ...]
    notified: tuple[tuple[str, int], ...] = ()
    gate: GatePlan | None = None
    live: LivePlan | None = None


def check_up(console: Console, plan: DeskPlan | str, *, as_json: bool) -> int:
    """Look at everything the desk needs and print what was found; return 0 when it can run, else 1.

    plan: the desk, or why the settings were refused; then only the machine is looked at.
    """
    has_watcher = console.is_terminal and not as_json
    with console.status("looking; a model may have to be loaded") if has_watcher else nullcontext():
        checks = (*checks_of(console, plan), *_of_the_world(plan))
    if as_json:
        console.file.write(json.dumps(doctor_json(checks), allow_nan=False) + "\n")
    else:
        print_doctor(console, checks)
    return 0 if all(check.ok for check in checks) else 1


def check_journal(database_url: str) -> tuple[Check, int | None]:
    """Look whether the journal can be opened and holds together; return also its newest wall time, if any.

    Nothing is made, brought up or added: a missing journal stays missing.
    """
    try:
        url = parse_url(database_url)
        file = file_of(url)
        if file is not None and not file.exists():
            return Check(name="journal", ok=True, found=f"none yet; the first run makes {file}"), None
        found, last_ms = _look_inside(database_url)
        advice = _writer_at_work(database_url) if file is not None else ""
    except DeskError as error:
        advice = "mend that, or name another DATABASE_URL; a damaged journal is best kept aside as it is"
        return Check(name="journal", ok=False, found=str(error), advice=advice), None
    return Check(name="journal", ok=found.ok, found=found.found, advice=found.advice or advice), last_ms


def check_switch(state_dir: Path) -> Check:
    """Look what the human's switch says, and since when."""
    switch = HaltSwitch(state_dir / "switch")
    asked = switch.asked()
    if asked is TradingState.ACTIVE:
        return Check(name="halt switch", ok=True, found="not set: the desk may trade")
    found = f"the desk is {asked.value}{_since(switch.path)}"
    return Check(name="halt switch", ok=True, found=found, advice="take it back with `python main.py resume`")


def checks_of(console: Console, plan: DeskPlan | str) -> Iterator[Check]:
    """Look at machine, folders, journal, switch and gate: what a desk needs wherever it trades."""
    clock = SystemClock()
    yield check_python()
    yield check_sqlite()
    last_ms: int | None = None
    if isinstance(plan, str):
        yield check_settings(0, plan)
    else:
        yield check_settings(plan.n_changed, None)
        yield check_folder("state folder", plan.state_dir)
        yield check_folder("log folder", plan.log_file.parent)
        journal, last_ms = check_journal(plan.database_url)
        yield journal
        yield check_switch(plan.state_dir)
        yield check_notified(plan.notified)
        if plan.gate is not None:
            yield from check_gate(plan.gate, plan.database_url)
        yield check_recordings(_recordings(plan), [str(folder) for folder in plan.data_dirs])
    yield check_clock(clock.now_ms, clock.elapsed_s, last_ms)
    yield check_kernel_cache(CACHES)
    yield check_terminal(console)


def _of_the_world(plan: DeskPlan | str) -> Iterator[Check]:
    """Look at the live market and at the way to a venue."""
    if isinstance(plan, str) or plan.live is None:
        return
    if plan.live.build_feed is not None:
        yield check_feed(plan.live.build_feed)
    yield from check_live(plan.live, plan.database_url)


def check_notified(notified: tuple[tuple[str, int], ...]) -> Check:
    """Look who would be told of what. Nobody is no failure: then only terminal and log tell."""
    told = ", ".join(f"{severity} {count}" for severity, count in notified if count)
    if not told:
        return Check(name="notifications", ok=True, found="nobody is told anything (NOTIFY_CRITICAL)")
    is_halt_told = dict(notified).get("critical", 0) > 0
    advice = "" if is_halt_told else "nobody would be told of a halt: set NOTIFY_CRITICAL"
    return Check(name="notifications", ok=True, found=f"targets: {told}", advice=advice)


def _recordings(plan: DeskPlan) -> list[str]:
    try:
        return [recording_name(path) for path in find_recordings(plan.data_dirs, plan.symbols)]
    except BadInput:
        return []


def _look_inside(database_url: str) -> tuple[Check, int | None]:
    name = printable(parse_url(database_url))
    with open_journal(database_url, writable=False) as store:
        recorded = runs(store)
        finished = [run for run in recorded if run.finished_ms is not None]
        n_runs = count_text(len(recorded), "run")
        count = f"{name}: {n_runs}, {len(recorded) - len(finished)} of them unfinished"
        last_ms = max((run.finished_ms or run.started_ms for run in recorded), default=None)
        if not finished:
            return Check(name="journal", ok=True, found=count), last_ms
        return _verified(store, finished[-1], count), last_ms


def _verified(store: Store, run: RecordedRun, count: str) -> Check:
    if (run.n_rows or 0) > MOST_ROWS:
        advice = f"its last run is long; verify it with `python main.py audit verify {run.run_id}`"
        return Check(name="journal", ok=True, found=count, advice=advice)
    report = verify(store, run.run_id)
    if report.first is None:
        return Check(name="journal", ok=True, found=f"{count}; {run.run_id} is unaltered")
    found = f"{count}; {run.run_id} was altered: {report.first.sentence}"
    advice = f"keep the file as it is, name another DATABASE_URL, and see `python main.py audit verify {run.run_id}`"
    return Check(name="journal", ok=False, found=found, advice=advice)


def _writer_at_work(database_url: str) -> str:
    """Return who else writes to a journal that can be read. Raises DeskError when nobody can write to it."""
    try:
        open_journal(database_url, writable=True).close()
    except BadInput as error:
        return str(error)
    return ""


def _since(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    kind = "" if stat.S_ISREG(status.st_mode) else " (it is not a file, which halts)"
    return f" since {when_text(int(status.st_mtime) * 1_000)}{kind}"
