"""The settings as a person sees them: what counts and from where, or what is refused and why."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Row(Protocol):
    """One effective setting."""

    @property
    def name(self) -> str: ...  # noqa: D102 - named by the protocol's own line
    @property
    def value(self) -> str: ...  # noqa: D102 - as above
    @property
    def source(self) -> str: ...  # noqa: D102 - as above
    @property
    def meaning(self) -> str: ...  # noqa: D102 - as above


class Refused(Protocol):
    """One refused setting."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as above
    @property
    def given(self) -> str: ...  # noqa: D102 - as above
    @property
    def allowed(self) -> str: ...  # noqa: D102 - as above
    @property
    def source(self) -> str: ...  # noqa: D102 - as above


def print_settings(console: Console, rows: Iterable[Row]) -> None:
    """Print every setting; those that are not at their default stand out."""
    table = Table(title="Effective settings", title_justify="left", box=None, header_style="bold")
    for head in ("setting", "value", "from", "meaning"):
        table.add_column(head, overflow="fold", no_wrap=head == "setting")
    for row in rows:
        style = "dim" if row.source == "default" else "bold"
        table.add_row(Text(row.name, style), Text(row.value, style), Text(row.source, style), Text(row.meaning, "dim"))
    console.print(table)


def print_problems(console: Console, problems: Sequence[Refused]) -> None:
    """Print every refused setting with what was given and what is allowed."""
    count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    table = Table(title=f"error: {count} refused", title_justify="left", title_style="bold red", header_style="bold")
    for head in ("name", "given", "allowed", "from"):
        table.add_column(head, overflow="fold", no_wrap=head == "name")
    for row in problems:
        table.add_row(Text(row.name, "bold"), Text(row.given, "red"), Text(row.allowed), Text(row.source, "dim"))
    console.print(table)
