"""What a figure was at the end of a minute, also when it has changed since."""

from typing import Final, Generic, TypeVar

from domain.market import MINUTE_MS

_T = TypeVar("_T")

N_MINUTES: Final = 4


class Trail(Generic[_T]):
    """Keeps the last value of each of the newest minutes; a minute holds what was known at its close or before."""

    __slots__ = ("_by_minute",)

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._by_minute: dict[int, tuple[int, _T]] = {}

    def add(self, known_ms: int, value: _T) -> None:
        """Take a value known at `known_ms`; one older than what its minute already has is left out."""
        minute = -(-known_ms // MINUTE_MS)
        held = self._by_minute.get(minute)
        if held is not None and held[0] > known_ms:
            return
        self._by_minute[minute] = known_ms, value
        if len(self._by_minute) > N_MINUTES:
            del self._by_minute[min(self._by_minute)]

    def at(self, as_of_ms: int, max_age_ms: int) -> tuple[int, _T] | None:
        """Return when and what was last known at `as_of_ms`; None where that is too old or nothing."""
        minutes = [minute for minute in self._by_minute if minute * MINUTE_MS <= as_of_ms]
        if not minutes:
            return None
        known_ms, value = self._by_minute[max(minutes)]
        return (known_ms, value) if as_of_ms - known_ms <= max_age_ms else None

    def forget(self) -> None:
        """Forget everything: it can no longer be believed."""
        self._by_minute.clear()
