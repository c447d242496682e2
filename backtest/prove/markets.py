"""What a proof is made on: one market that can be shown whole, cut short, or with another future."""

from enum import StrEnum
from typing import Protocol

from backtest.prove.futures import Future
from domain.ports import Feed


class Level(StrEnum):
    """Where the future is replaced. SNAPSHOTS: in what the feed hands over. TAPE: in the recordings it is built of."""

    SNAPSHOTS = "snapshots"
    TAPE = "tape"


class Market(Protocol):
    """A market whose future can be replaced. Each call gives a new feed, to be walked once."""

    @property
    def level(self) -> Level:
        """Where its future is replaced."""
        ...

    def whole(self) -> Feed:
        """Return the market as it was."""
        ...

    def until(self, cut_ms: int) -> Feed:
        """Return what was known at `cut_ms` and nothing else; the feed ends there."""
        ...

    def otherwise(self, cut_ms: int, future: Future, seed: int) -> Feed:
        """Return what was known at `cut_ms`, followed by another future."""
        ...

    def veiled(self) -> Feed | None:
        """Return the whole market with a wrong future before every minute; None where that cannot be made."""
        ...
