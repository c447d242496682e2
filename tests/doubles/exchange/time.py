"""The time of the local exchange: it stands until it is moved, and whoever waits for it is woken then."""

import asyncio
import mmap
import struct
from pathlib import Path

WIDTH = 8
NAP_S = 0.001


class SimulatedTime:
    """A clock in the test's hands. mirror: a file of eight bytes that shows it to another process."""

    def __init__(self, now_ms: int, mirror: Path | None = None) -> None:
        self._now_ms = now_ms
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._page: mmap.mmap | None = None
        if mirror is not None:
            mirror.write_bytes(struct.pack("<q", now_ms))
            with mirror.open("r+b") as handle:
                self._page = mmap.mmap(handle.fileno(), WIDTH)

    def now_ms(self) -> int:
        return self._now_ms

    def elapsed_s(self) -> float:
        return self._now_ms / 1000

    def move_to(self, now_ms: int) -> None:
        """Move on; never back."""
        self._now_ms = max(self._now_ms, now_ms)
        if self._page is not None:
            self._page[:WIDTH] = struct.pack("<q", self._now_ms)
        due = [future for at_ms, future in self._waiting if at_ms <= self._now_ms]
        self._waiting = [one for one in self._waiting if one[0] > self._now_ms and not one[1].done()]
        for future in due:
            if not future.done():
                future.set_result(None)

    async def wait_until_ms(self, at_ms: int) -> None:
        if at_ms <= self._now_ms:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((at_ms, future))
        await future


class MirroredTime:
    """The same time, seen from another process through the file."""

    def __init__(self, mirror: Path) -> None:
        with mirror.open("rb") as handle:
            self._page = mmap.mmap(handle.fileno(), WIDTH, access=mmap.ACCESS_READ)

    def now_ms(self) -> int:
        return int(struct.unpack("<q", self._page[:WIDTH])[0])

    async def wait_until_ms(self, at_ms: int) -> None:
        await asyncio.sleep(0)
        while self.now_ms() < at_ms:  # noqa: ASYNC110 - another process moves it
            await asyncio.sleep(NAP_S)
