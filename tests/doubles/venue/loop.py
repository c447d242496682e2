"""An event loop whose time leaps to whatever is due next: a wait costs nothing, and comes out the same every time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.SelectSelector):
    """Sleeps by moving the time on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is due")
        self.now_s += max(timeout, 0.0)
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An ordinary loop on a time of its own, which begins at 0 s."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now_s


class LoopClock:
    """A `domain.ports.Clock` on the running loop's time."""

    BEGIN_MS = 1_796_000_040_000

    def now_ms(self) -> int:
        return self.BEGIN_MS + round(asyncio.get_running_loop().time() * 1000)

    def elapsed_s(self) -> float:
        return asyncio.get_running_loop().time()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on a fresh loop."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(main)
