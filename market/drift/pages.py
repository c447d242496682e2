"""One file or page after it was read."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from market.drift.counts import FileCounts

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """The rows taken, what became of every line, and the cursor of the page after it (None on the last)."""

    rows: tuple[_T, ...]
    counts: FileCounts
    next_page: str | None
