"""What no stream tells: funding, open interest and the exchange's time, asked for once a minute."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from domain.market import HOUR_MS, MINUTE_MS
from market.live.connection import Connection
from market.live.figures import figure, positive
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
        facts = self._terms.facts
        call = partial(getattr(self._connection.exchange, facts.funding_question), state.market)
        told: Mapping[str, Any] = await self._connection.ask(FUNDING, call)
        now_ms = self._time.now_ms()
        self._note_prices(state, told, now_ms)
        rate = figure(told, facts.funding_word)
        if rate is None or not -1.0 < rate < 1.0:
            return
        hours = _hours(told.get("interval"), facts.funding_hours)
        shown = FundingShown(
            rate_frac=rate * hours / (facts.shown_hours or hours),
            interval_hours=hours,
            next_ms=self._next_funding_ms(told.get("fundingTimestamp"), now_ms),
        )
        state.funding.add(now_ms, shown)

    def _next_funding_ms(self, told_ms: object, now_ms: int) -> int | None:
        facts = self._terms.facts
        if not facts.tells_next_funding:
            every_ms = facts.funding_hours * HOUR_MS
            return (now_ms // every_ms + 1) * every_ms
        return told_ms if isinstance(told_ms, int) and told_ms > 0 else None

    async def _interest(self, state: SymbolState) -> None:
        facts, exchange = self._terms.facts, self._connection.exchange
        if facts.interest_word:
            call = partial(exchange.fetch_ticker, state.market)
        else:
            call = partial(exchange.fetch_open_interest, state.market, dict(facts.interest_params))
        told: Mapping[str, Any] = await self._connection.ask(INTEREST, call)
        now_ms = self._time.now_ms()
        self._note_prices(state, told, now_ms)
        value = None if facts.interest_word else positive(told.get("openInterestValue"))
        amount = positive(figure(told, facts.interest_word or "openInterestAmount"))
        mark = state.mark.at(minute_of(now_ms) + MINUTE_MS, 5 * MINUTE_MS)
        if value is None and amount is not None and mark is not None:
            value = amount * state.unit_base * mark[1]
        if value is not None:
            state.interest_usd.add(now_ms, value)

    def _note_prices(self, state: SymbolState, told: Mapping[str, Any], now_ms: int) -> None:
        facts = self._terms.facts
        for trail, word in ((state.mark, facts.mark_word), (state.index, facts.index_word)):
            price = positive(figure(told, word))
            if price is not None:
                trail.add(now_ms, price)


def _hours(interval: object, otherwise: int) -> float:
    found = _HOURS.fullmatch(interval) if isinstance(interval, str) else None
    return float(found.group(1)) if found is not None and int(found.group(1)) > 0 else float(otherwise)
