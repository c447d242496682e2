"""A door in a double that a test shuts and opens from a thread of its own."""

import asyncio
import threading
from dataclasses import dataclass, field


@dataclass
class Latch:
    """Open at first. Whoever comes while it is shut waits until it is opened."""

    is_open: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def shut(self) -> None:
        with self._lock:
            self.is_open = False

    def open(self) -> None:
        with self._lock:
            self.is_open, waiting = True, list(self._waiting)
            self._waiting.clear()
        for one in waiting:
            one.get_loop().call_soon_threadsafe(_let_through, one)

    async def passed(self) -> None:
        """Return when it is open."""
        with self._lock:
            if self.is_open:
                return
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(mine)
        await mine


def _let_through(one: asyncio.Future[None]) -> None:
    if not one.done():
        one.set_result(None)
