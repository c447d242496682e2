"""What a watcher says in its terminal, and which targets a test reached."""

import json
import logging
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from console.figures import count_text
from console.sheets import sheet

_WORDS: Final = {
    "told": "told; look whether it arrived",
    "refused": "could not be told: wrong token, no such place, or not reachable",
    "unknown": "no answer in time; it may have arrived",
}


class WatchLines:
    """One line for each thing a watcher says."""

    def __init__(self, console: Console) -> None:
        """Write to this terminal."""
        self._console = console

    def begun(self, n_targets: int, journal: str) -> None:
        """Say what is watched."""
        self._line(f"watching {journal}; {count_text(n_targets, 'target')} to tell; Ctrl-C ends")

    def say(self, level: int, text: str) -> None:
        """Say something, louder from a warning on."""
        self._line(text, "bold" if level >= logging.WARNING else "")

    def ended(self) -> None:
        """Say that nobody watches any more."""
        self._line("watching has ended; what was not told waits for the next watcher")

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), soft_wrap=True)


def print_tried(console: Console, tried: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    """Print which targets a test reached. tried: (printable name, told | refused | unknown)."""
    if as_json:
        rows = [{"target": name, "result": result} for name, result in tried]
        console.file.write(json.dumps({"targets": rows}) + "\n")
        return
    table = sheet("target", "found")
    for name, result in tried:
        table.add_row(name, Text(_WORDS[result], "green" if result == "told" else "red"))
    console.print(table)
