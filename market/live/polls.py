"""What no stream tells: funding, open interest and the exchange's time, asked for once a minute."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from domain.market import MINUTE_MS
from market.live.connection import Connection
from market.live.notes import Notes
from market.live.state import FundingShown, SymbolState
from market.live.terms import LiveTerms
from market.live.timer import minute_of
from market.live.trouble import Unanswered
from market.live.venue_time import REMARKABLE_MS, VenueTime

AT_SECOND_MS: Final = 30_000
FUNDING, INTEREST, TIME = "funding", "open interest", "time"
_HOURS: Final = re.compile(r"(\d{1,3})h")


class Polls:
    """Asks in turn, symbol by symbol; a question without an answer is put again the next minute."""

    __slots__ = ("_connection", "_notes", "_states", "_terms", "_time", "_told_offset_ms")

    def __init__(
        self,
        connection: Connection,
        terms: LiveTerms,
        time: VenueTime,
        states: Sequence[SymbolState],
        notes: Notes,
    ) -> None:
        """Take whom to ask and where answers are written."""
        self._connection = connection
        self._terms = terms
        self._time = time
        self._states = states
        self._notes = notes
        self._told_offset_ms = 0

    async def run(self) -> None:
        """Ask now and in the middle of every minute, for ever."""
        while True:
            await self.once()
            now_ms = self._time.now_ms()
            await self._time.wait_until_ms(minute_of(now_ms - AT_SECOND_MS) + MINUTE_MS + AT_SECOND_MS)

    async def once(self) -> None:
        """Ask everything once."""
        await self.measure_time()
        for state in self._states:
            await self._ask(state, FUNDING, self._funding)
            if self._terms.facts.tells_interest:
                await self._ask(state, INTEREST, self._interest)

    async def measure_time(self) -> None:
        """Measure the clocks against each other, and say so when they moved apart or together by a second."""
        try:
            offset_ms = await self._time.measure()
        except Unanswered as error:
            self._notes.add("venue_time_unknown", str(error))
            return
        if abs(offset_ms - self._told_offset_ms) >= REMARKABLE_MS:
            self._told_offset_ms = offset_ms
            self._notes.add("clock_skew", f"the exchange's clock is {offset_ms} ms ahead of ours")

    async def _ask(self, state: SymbolState, kind: str, question: Callable[[SymbolState], Any]) -> None:
        try:
            await question(state)
        except Unanswered as error:
            if kind not in state.troubles:
                self._notes.add("question_lost", str(error), state.symbol)
            state.troubles[kind] = str(error)
        else:
            state.troubles.pop(kind, None)

    async def _funding(self, state: SymbolState) -> None:
        call = partial(self._connection.exchange.fetch_funding_rate, state.market)
        told: Mapping[str, Any] = await self._connection.ask(FUNDING, call)
        now_ms = self._time.now_ms()
        for trail, name in ((state.mark, "markPrice"), (state.index, "indexPrice")):
            price = positive(told.get(name))
            if price is not None:
                trail.add(now_ms, price)
        rate, next_ms = told.get("fundingRate"), told.get("fundingTimestamp")
        if isinstance(rate, int | float) and -1.0 < rate < 1.0:
            shown = FundingShown(
                rate_frac=float(rate),
                interval_hours=_hours(told.get("interval"), self._terms.facts.funding_hours),
                next_ms=next_ms if isinstance(next_ms, int) and next_ms > 0 else None,
            )
            state.funding.add(now_ms, shown)

    async def _interest(self, state: SymbolState) -> None:
        params = dict(self._terms.facts.interest_params)
        call = partial(self._connection.exchange.fetch_open_interest, state.market, params)
        told: Mapping[str, Any] = await self._connection.ask(INTEREST, call)
        now_ms = self._time.now_ms()
        value, amount = positive(told.get("openInterestValue")), positive(told.get("openInterestAmount"))
        mark = state.mark.at(minute_of(now_ms) + MINUTE_MS, 5 * MINUTE_MS)
        if value is None and amount is not None and mark is not None:
            value = amount * mark[1]
        if value is not None:
            state.interest_usd.add(now_ms, value)


def positive(figure: object) -> float | None:
    """Return a price or an amount, None for anything that is not a positive figure."""
    if not isinstance(figure, int | float) or isinstance(figure, bool):
        return None
    return float(figure) if 0.0 < figure < math.inf else None


def _hours(interval: object, otherwise: int) -> float:
    found = _HOURS.fullmatch(interval) if isinstance(interval, str) else None
    return float(found.group(1)) if found is not None and int(found.group(1)) > 0 else float(otherwise)
