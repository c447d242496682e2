"""What `main.py montecarlo` prints: how different a run could have been, as tables and a sentence."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from console.figures import percent_text
from console.sheets import heading, sheet, simulated_banner
from domain.record import Record


class SpreadColumn(Record, frozen=True, kw_only=True):
    """One figure over all paths. is_frac: shown in percent. figures: (value, standard error) in the order of the rows.

    rank_frac: the share of paths below the run's own figure.
    """

    head: str
    is_frac: bool
    figures: tuple[tuple[float, float], ...]
    actual: float
    rank_frac: float


class OddsRow(Record, frozen=True, kw_only=True):
    """One event: in how many of the paths. at_most_frac: said where no path had it."""

    event: str
    frac: float
    standard_error: float
    at_most_frac: float
    has_happened: bool


class SpreadSheet(Record, frozen=True, kw_only=True):
    """One way of resampling: its title, what its rows are called, its columns and odds."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[SpreadColumn, ...]
    odds: tuple[OddsRow, ...]


def print_montecarlo(
    console: Console,
    head: str,
    sheets: Sequence[SpreadSheet],
    notes: Sequence[str],
    verdict: str,
    *,
    is_simulated: bool,
) -> None:
    """Print every sheet, what the reader must know, and what it comes to."""
    console.print()
    console.rule(Text(head, style="bold"), align="left")
    if is_simulated:
        console.print(simulated_banner())
    for one in sheets:
        _print_sheet(console, one)
    if notes:
        console.print(heading("To be read with this"))
        for note in notes:
            console.print(Text(f"  {note}", style="yellow"))
    console.print(heading("What it comes to"))
    console.print(Text(verdict))


def _print_sheet(console: Console, one: SpreadSheet) -> None:
    table = sheet("", *(f">{column.head}" for column in one.columns), title=one.title)
    table.columns[0].no_wrap = True
    for place, name in enumerate(one.rows):
        table.add_row(name, *(_cell(column, *column.figures[place]) for column in one.columns))
    table.add_row(Text("as it was", "bold"), *(Text(_text(column, column.actual), "bold") for column in one.columns))
    table.add_row(Text("paths below", "dim"), *(Text(f"{one.rank_frac:.0%}", "dim") for one in one.columns))
    console.print(table)
    chances = sheet("", ">of the paths", "as it was")
    for row in one.odds:
        chances.add_row(row.event, _chance(row), "did" if row.has_happened else "did not")
    console.print()
    console.print(chances)


def _cell(column: SpreadColumn, value: float, error: float) -> Text:
    return Text.assemble(_text(column, value), (f" ±{_bare(column, error)}", "dim"))


def _text(column: SpreadColumn, value: float) -> str:
    return f"{value * 100:.1f}" if column.is_frac else f"{value:,.0f}"


def _bare(column: SpreadColumn, error: float) -> str:
    return f"{error * 100:.2f}" if column.is_frac else f"{error:.1f}"


def _chance(row: OddsRow) -> str:
    if row.frac == 0.0:
        return f"none; at most {percent_text(row.at_most_frac)}"
    return f"{percent_text(row.frac)} ±{row.standard_error * 100:.2f}"
