"""The clocks. This file is the only one in the house that reads the machine's."""

import time
from dataclasses import dataclass


class SystemClock:
    """The machine's clock, UTC."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def elapsed_s(self) -> float:
        """Return seconds of a clock that only moves forward, for measuring durations."""
        return time.perf_counter()


@dataclass(slots=True)
class TapeClock:
    """Time as the tape tells it: it stands still until a minute is taken."""

    tape_ms: int = 0

    def now_ms(self) -> int:
        """Return the close of the last minute taken."""
        return self.tape_ms
