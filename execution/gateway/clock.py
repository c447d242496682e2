"""The gateway's clock: the one file of its process that reads the machine's."""

import time


class SystemClock:
    """The machine's clock, UTC."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def elapsed_s(self) -> float:
        """Return seconds of a clock that only moves forward."""
        return time.monotonic()
