"""One symbol's minutes as they come in: in order or not, twice, from another time, or not figures at all."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from domain.market import MINUTE_MS, Bar
from domain.record import Record
from market.screening import why_unsound

N_FIGURES: Final = 6


class Origin(StrEnum):
    """How a bar came: STREAM, as it formed; REST, asked for afterwards."""

    STREAM = "stream"
    REST = "rest"


class Kept(Record, frozen=True, kw_only=True, gc=False):
    """A bar that is not given out yet. is_whole: nothing can be missing from it once its minute is over."""

    bar: Bar
    origin: Origin
    is_whole: bool


class BarBook:
    """Collects rows of one symbol until their minute is asked for.

    A row is ccxt's: opening ms, open, high, low, close, volume. Rows of minutes already given out, from the future or
    beyond belief are left out and counted (`take_oddities`); of several rows of one minute the last counts. Each row
    holds the whole minute so far, so what matters is that the last one was seen: see `is_closed`.
    """

    __slots__ = ("_calls_final", "_kept", "_newest_ms", "_oddities", "_unit_base", "_venue_ms", "next_open_ms")

    def __init__(self, next_open_ms: int, unit_base: float = 1.0, *, calls_final: bool = False) -> None:
        """Begin with the minute that opens at `next_open_ms`.

        unit_base: base in one unit of the rows' volumes. calls_final: the exchange itself says which bars are final.
        """
        self.next_open_ms = next_open_ms
        self._unit_base = unit_base
        self._calls_final = calls_final
        self._venue_ms = 0
        self._oddities: dict[str, int] = {}
        self._kept: dict[int, Kept] = {}
        self._newest_ms = -1

    def take(self, row: Sequence[object], venue_now_ms: int, origin: Origin, *, is_final: bool = False) -> None:
        """Take one row as it came, whatever it is. is_final: the stream has shown that this bar will not change."""
        self._venue_ms = venue_now_ms
        bar = bar_of(row, self._unit_base)
        if isinstance(bar, str):
            self._odd(bar)
            if row and isinstance(row[0], int):
                # It was to replace what is kept of its minute, which is out of date therefore.
                self._kept.pop(row[0], None)
        elif bar.open_ms < self.next_open_ms:
            self._odd("a bar of a minute already taken")
        elif bar.open_ms > venue_now_ms + MINUTE_MS:
            self._odd("a bar from the future")
        else:
            self._kept[bar.open_ms] = Kept(bar=bar, origin=origin, is_whole=is_final)
            if origin is Origin.STREAM:
                self._newest_ms = max(self._newest_ms, bar.open_ms)

    def see_clock(self, venue_now_ms: int) -> None:
        """Take what the exchange's clock shows, as far as we know it."""
        self._venue_ms = venue_now_ms

    def has_successor(self, open_ms: int) -> bool:
        """Say whether the stream has shown a bar after the minute that opens at `open_ms`."""
        return self._newest_ms > open_ms

    def is_closed(self, open_ms: int) -> bool:
        """Say whether a minute's bar is there and will not change.

        By REST, which is asked when the minute is over; or by a stream that showed it to its end. Its end: the exchange
        called it final, or where it does not do so, went on to the next on the same line. Called final it is closed
        when its clock or its successor says that the minute is over: neither is believed alone.
        """
        kept = self._kept.get(open_ms)
        if kept is None or kept.origin is Origin.REST:
            return kept is not None
        is_over = self._calls_final and self._venue_ms >= open_ms + MINUTE_MS
        return kept.is_whole and (is_over or self.has_successor(open_ms))

    def interrupted(self) -> None:
        """Forget the bar that is forming: the stream has broken, and nobody can say what was missed."""
        for open_ms in [one for one in self._kept if not self.is_closed(one)]:
            del self._kept[open_ms]

    def at(self, open_ms: int) -> Kept | None:
        """Return the bar of a minute as far as it is known."""
        return self._kept.get(open_ms)

    def give_out(self, open_ms: int) -> Kept | None:
        """Return the bar of the oldest minute there is, which is over with that; None when it has none."""
        found = self._kept.pop(open_ms, None)
        self.next_open_ms = max(self.next_open_ms, open_ms + MINUTE_MS)
        return found

    def take_oddities(self) -> dict[str, int]:
        """Return what was left out since last asked, and how often; forget it."""
        found, self._oddities = self._oddities, {}
        return found

    def _odd(self, why: str) -> None:
        self._oddities[why] = self._oddities.get(why, 0) + 1


def bar_of(row: Sequence[object], unit_base: float = 1.0) -> Bar | str:
    """Return the bar of a row, or why it is none. unit_base: base in one unit of its volume."""
    if len(row) < N_FIGURES or not isinstance(row[0], int) or row[0] % MINUTE_MS:
        return "a bar without its minute"
    figures = [float(one) if isinstance(one, int | float) else math.nan for one in row[1:N_FIGURES]]
    why = why_unsound(*figures)
    if why is not None:
        return why
    return Bar(
        open_ms=row[0],
        close_ms=row[0] + MINUTE_MS,
        open_price=figures[0],
        high_price=figures[1],
        low_price=figures[2],
        close_price=figures[3],
        volume_base=figures[4] * unit_base,
    )
