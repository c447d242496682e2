"""Whether a model is fit to serve the gate, for a person and for machines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from console.sheets import sheet
from gate.check.findings import Examined, Fit, Level

SETTING_COLUMNS: Final = len("GATE_MODEL_DIGEST=") + 12
_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILURE: "red"}
_VERDICTS: Final = {Fit.FIT: "bold green", Fit.WITH_WARNINGS: "bold yellow", Fit.NOT_FIT: "bold red"}


@contextmanager
def stepping(console: Console, n_steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar of `n_steps` where there is a terminal; yield what is called with a step's name when it is over."""
    columns = TextColumn("{task.description:14}"), BarColumn(), TextColumn("{task.completed}/{task.total}")
    is_hidden = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=is_hidden) as bar:
        task = bar.add_task("readiness", total=n_steps)
        yield lambda name: bar.update(task, advance=1, description=name)


def print_examined(console: Console, done: Examined) -> None:
    """Print the verdict and the findings."""
    console.print(Text(done.told, style=_VERDICTS[done.fit]), soft_wrap=True)
    table = sheet("", "", "found", "what to do")
    # A setting to be copied must not be broken at eighty columns.
    table.columns[-1].overflow, table.columns[-1].min_width = "fold", SETTING_COLUMNS
    for one in done.findings:
        table.add_row(
            Text(one.level.value, style=_STYLES[one.level]), one.name, one.found, Text(one.advice, style="dim")
        )
    console.print(table, highlight=False)


def examined_json(done: Examined) -> dict[str, Any]:
    """Return the same for machines."""
    findings = [
        {"name": one.name, "level": one.level.value, "found": one.found, "advice": one.advice} for one in done.findings
    ]
    return {"fit": done.fit is not Fit.NOT_FIT, "verdict": done.fit.value, "told": done.told, "findings": findings}
