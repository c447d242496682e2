"""The exchange's clock against ours."""

from typing import Final

from domain.ports import Timer
from market.live.connection import Connection
from market.live.trouble import Unanswered

REMARKABLE_MS: Final = 1_000
TOO_FAR_MS: Final = 5_000
LONGEST_WAY_MS: Final = 2_000


class VenueTime:
    """How far the exchange's clock is ahead of ours, measured by asking it and halving the way there and back.

    offset_ms: exchange minus ours; 0 until measured.
    """

    __slots__ = ("_connection", "_timer", "offset_ms")

    def __init__(self, connection: Connection, timer: Timer) -> None:
        """Begin as if both clocks agreed."""
        self._connection = connection
        self._timer = timer
        self.offset_ms = 0

    async def measure(self) -> int:
        """Ask once; return the new offset. Raises Unanswered."""
        sent_ms = self._timer.now_ms()
        told_ms = int(await self._connection.ask("the exchange's time", self._connection.exchange.fetch_time))
        way_ms = self._timer.now_ms() - sent_ms
        if not 0 <= way_ms <= LONGEST_WAY_MS:
            raise Unanswered(f"the exchange's time: there and back took {way_ms} ms, too long to tell a clock by")
        self.offset_ms = told_ms - sent_ms - way_ms // 2
        return self.offset_ms

    def now_ms(self) -> int:
        """Return the exchange's time as far as we know it."""
        return self._timer.now_ms() + self.offset_ms

    async def wait_until_ms(self, venue_ms: int) -> None:
        """Return when the exchange's clock shows `venue_ms` or more."""
        await self._timer.wait_until_ms(venue_ms - self.offset_ms)

    @property
    def defect(self) -> str | None:
        """Why no new risk may be taken by these clocks; None while they agree well enough."""
        if abs(self.offset_ms) <= TOO_FAR_MS:
            return None
        side = "behind" if self.offset_ms > 0 else "ahead of"
        return f"our clock is {abs(self.offset_ms) / 1000:.1f} s {side} the exchange's"
