"""The time a live feed lives by."""

from typing import Protocol

from domain.market import MINUTE_MS
from domain.ports import Clock


class Timer(Clock, Protocol):
    """A clock that one can also wait for: the machine's, or in a test the exchange's own."""

    async def wait_until_ms(self, at_ms: int) -> None:
        """Return when the clock shows `at_ms` or more."""
        ...


def minute_of(at_ms: int) -> int:
    """Return the opening of the minute that a moment lies in."""
    return at_ms // MINUTE_MS * MINUTE_MS
