"""How everything printed looks: plain tables without boxes, gains green, the simulated market never unmarked."""

from typing import Final

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

SIMULATED: Final = "SIMULATED MARKET: the built-in market made these prices up. They say nothing about real profit."


def sheet(*heads: str, title: str = "") -> Table:
    """Return an empty table. A head that begins with `>` stands over figures: set to the right, never broken."""
    table = Table(
        title=f"\n{title}" if title else None,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim underline",
    )
    for head in heads:
        is_figure = head.startswith(">")
        table.add_column(head.removeprefix(">"), justify="right" if is_figure else "left", no_wrap=is_figure)
    return table


def pairs() -> Table:
    """Return an empty grid for figures with their names."""
    return Table.grid(padding=(0, 2, 0, 0))


def gain_style(amount: float) -> str:
    """Return the colour of a gain, a loss, or neither."""
    return "green" if amount > 0 else "red" if amount < 0 else "default"


def heading(text: str) -> Text:
    """Return the title of a section, with an empty line above."""
    return Text(f"\n{text}", style="bold")


def simulated_banner() -> Panel:
    """Return the box that stands over every output of a run in the built-in market."""
    return Panel(Text(SIMULATED, style="bold yellow"), border_style="yellow", expand=False)
