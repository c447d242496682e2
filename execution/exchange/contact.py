"""Whether the exchange can be reached, told once when it changes."""

from typing import Final

REQUESTS: Final = "requests"
STREAM: Final = "the account's stream"


class Contact:
    """What is lost at the moment, and notes of its loss and return."""

    __slots__ = ("_lost", "_notes")

    def __init__(self) -> None:
        """Begin with nothing lost and nothing to tell."""
        self._lost: set[str] = set()
        self._notes: list[tuple[str, str]] = []

    def lost(self, part: str, why: str) -> None:
        """Note the loss of a part, unless it is lost already."""
        if part not in self._lost:
            self._lost.add(part)
            self._notes.append(("broker_lost", f"{part}: {why}"))

    def back(self, part: str) -> None:
        """Note that a part is back; `broker_back` when nothing is lost any more."""
        if part in self._lost:
            self._lost.remove(part)
            if not self._lost:
                self._notes.append(("broker_back", f"{part}: answered again"))

    def note(self, kind: str, told: str) -> None:
        """Note something else."""
        self._notes.append((kind, told))

    def take(self) -> list[tuple[str, str]]:
        """Return what there is to tell, in order, and forget it."""
        noted, self._notes = self._notes, []
        return noted
