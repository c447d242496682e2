"""What is wrong with the settings: all of it at once, never one complaint at a time."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.errors import BadInput

SHOWN_CHARACTERS = 60


class Problem(NamedTuple):
    """One refused setting: its name, what was given (printable, never a secret), what is allowed, and its source."""

    name: str
    given: str
    allowed: str
    source: str


class SettingsError(BadInput):
    """The settings do not allow a start. `problems` holds every reason, in the order of `.env.example`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "a setting is" if len(self.problems) == 1 else f"{len(self.problems)} settings are"
        rows = (f"{row.name} = {row.given} ({row.source}; allowed: {row.allowed})" for row in self.problems)
        super().__init__(f"{count} refused: {'; '.join(rows)}")


def shown(given: object) -> str:
    """Return a given value fit for a terminal: on one line, without control characters, not endless."""
    text = "".join(character if character.isprintable() else "?" for character in str(given))
    if not text:
        return "(empty)"
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
