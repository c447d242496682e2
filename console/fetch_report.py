"""What `data fetch` shows while it works and when it is done."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from console.figures import count_text, when_text
from console.sheets import sheet
from market.history.fetching import DayDone
from market.history.manifest import DayState
from market.history.series import Series


class FetchBoard:
    """The days as they come in: one bar a series on a terminal, nothing elsewhere."""

    def __init__(self, console: Console, *, quietly: bool) -> None:
        """Get ready to show. quietly: no bar, whatever the terminal."""
        self._console = console
        self._quietly = quietly or not console.is_terminal
        self.days: list[DayDone] = []

    @contextmanager
    def watching(self, series: Series, n_days: int) -> Iterator["FetchBoard"]:
        """Show the progress of one series while the block runs."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True, disable=self._quietly) as progress:
            self._progress, self._task = progress, progress.add_task(series.title, total=n_days)
            yield self

    def done(self, day: DayDone) -> None:
        """Take one day that is on disk."""
        self.days.append(day)
        self._progress.advance(self._task)


def print_fetched(
    console: Console, days: Sequence[DayDone], warning: str | None = None, *, as_json: bool = False
) -> None:
    """Say what is on disk now: per series the days, rows, and what the source did not have, and why if it is known."""
    if as_json:
        told = [
            {"series": day.series.title, "was_there": day.was_there, **msgspec.to_builtins(day.entry)} for day in days
        ]
        why = {} if warning is None else {"warning": warning}
        print(json.dumps({"days": told, **why}, allow_nan=False))  # noqa: T201 - this is the program's answer
        return
    if warning is not None:
        console.print(warning)
    if not days:
        console.print("no day is on disk")
        return
    table = sheet("series", ">days", ">fetched now", ">rows", ">rows missing", "state")
    for series in dict.fromkeys(day.series for day in days):
        own = [day for day in days if day.series == series]
        states = [day.entry.state for day in own]
        words = [f"{states.count(state)} {state}" for state in DayState if state in states]
        n_missing = sum(day.entry.n_missing for day in own)
        n_rows = sum(day.entry.n_rows for day in own)
        n_fetched = sum(not day.was_there for day in own)
        table.add_row(series.title, f"{len(own)}", f"{n_fetched}", f"{n_rows:,}", f"{n_missing:,}", ", ".join(words))
    console.print(table)
    _print_gaps(console, days)
    _print_counts(console, days)


def _print_gaps(console: Console, days: Sequence[DayDone]) -> None:
    gaps = [(day.series, gap) for day in days if day.entry.state is not DayState.EMPTY for gap in day.entry.gaps]
    for series, gap in gaps[:20]:
        console.print(f"gap: {series.title} has {count_text(gap.n_rows, 'row')} missing from {when_text(gap.first_ms)}")
    if len(gaps) > 20:
        console.print(f"and {len(gaps) - 20:,} more gaps; `data check` tells them all")


def _print_counts(console: Console, days: Sequence[DayDone]) -> None:
    for counts in (counts for day in days if not day.was_there for counts in day.entry.files):
        left_out = ", ".join(f"{n:,} {why}" for why, n in counts.reasons) or "none left out"
        cut = "; the file ends before its data do" if counts.is_cut else ""
        console.print(
            f"{counts.file_name}: {counts.n_accepted:,} of {counts.n_parsed + counts.n_malformed:,} lines taken "
            f"({left_out}){cut}"
        )
