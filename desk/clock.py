"""The clock. This file is the only one in the house that reads the machine's; a tape brings its own time."""

import asyncio
import time

LONGEST_NAP_MS = 1_000


class SystemClock:
    """The machine's clock, UTC."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000

    async def wait_until_ms(self, at_ms: int) -> None:
        """Return when the clock shows `at_ms` or more; a clock that is set back meanwhile is waited for."""
        # No event tells that the wall clock was set: it is looked at again every so often.
        while (left_ms := at_ms - self.now_ms()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left_ms, LONGEST_NAP_MS) / 1000)

    def elapsed_s(self) -> float:
        """Return seconds of a clock that only moves forward, for measuring durations."""
        return time.perf_counter()
