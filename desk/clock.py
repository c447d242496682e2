"""The clock. This file is the only one in the house that reads the machine's; a tape brings its own time."""

import time


class SystemClock:
    """The machine's clock, UTC."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def elapsed_s(self) -> float:
        """Return seconds of a clock that only moves forward, for measuring durations."""
        return time.perf_counter()
