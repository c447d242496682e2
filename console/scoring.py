"""A gate's score for a person: the plain sentences first, then the tables."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from console.sheets import sheet, simulated_banner

SheetCells = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]
"""A title, heads as `console.sheets.sheet` takes them, and rows of text."""

_STYLES = {"evidence_for": "bold green", "evidence_against": "bold red", "no_evidence": "bold", "too_few": "bold"}


def print_score(console: Console, title: str, finding: str, said: Sequence[str], tables: Sequence[SheetCells]) -> None:
    """Print who is scored, the verdict, what it comes to, and the tables. said: the verdict's sentence first."""
    console.print()
    console.rule(Text(title, style="bold"), align="left")
    for place, text in enumerate(said):
        console.print(Text(text, style=_STYLES[finding] if place == 0 else ""))
    for name, heads, rows in tables:
        if rows:
            table = sheet(*heads, title=name)
            for row in rows:
                table.add_row(*row)
            console.print(table)


def print_others(console: Console, others: Sequence[tuple[str, str]]) -> None:
    """Print those of whom only the verdict is told, and how to see more. others: names with their sentences."""
    if others:
        console.print(Text("\nAlso asked (--model and --prompt choose):", style="bold"))
        for name, sentence in others:
            console.print(Text(f"  {name}: {sentence}"))


def print_simulated(console: Console) -> None:
    """Print that the market was made up."""
    console.print(simulated_banner())


def print_notes(console: Console, notes: Sequence[str], *, wraps: bool = True) -> None:
    """Print what stands under everything, in a softer colour. wraps: False for a path, which must stay whole."""
    for note in notes:
        console.print(Text(note, style="dim"), soft_wrap=not wraps)
