"""What the streams did not show, asked for by REST: the bar of the minute at hand, or a stretch that was missed."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from domain.market import MINUTE_MS
from market.live.backoff import Backoff
from market.live.bars import Origin
from market.live.connection import Connection
from market.live.history import rows_between, settlements_between
from market.live.notes import Notes
from market.live.state import SymbolState
from market.live.terms import LiveTerms
from market.live.timer import minute_of
from market.live.trouble import Unanswered
from market.live.venue_time import VenueTime
from market.recording import utc_text

HISTORY: Final = "history"


class BackFill:
    """Fills the symbols' bars. settled: per symbol, the funding that fell due in the stretch last made up for."""

    __slots__ = ("_answered_until_ms", "_connection", "_notes", "_states", "_terms", "_time", "settled")

    def __init__(
        self,
        connection: Connection,
        terms: LiveTerms,
        time: VenueTime,
        states: Sequence[SymbolState],
        notes: Notes,
    ) -> None:
        """Take whom to ask and what to fill."""
        self._connection = connection
        self._terms = terms
        self._time = time
        self._states = states
        self._notes = notes
        self._answered_until_ms: dict[str, int] = {}
        self.settled: dict[str, Sequence[tuple[int, float]]] = {}

    async def complete(self, open_ms: int) -> None:
        """Ask for the bars that nothing has shown to be closed, until they are there or patience ends."""
        patience_ends_ms = open_ms + MINUTE_MS + self._terms.patience_ms
        backoff = Backoff(self._terms.seed, f"complete {open_ms}", self._terms.max_backoff_ms)
        while missing := [state for state in self._states if not state.bars.is_closed(open_ms)]:
            await self._fetch(missing, open_ms, open_ms)
            if all(state.bars.is_closed(open_ms) for state in missing):
                return
            if not await self._pause(backoff, patience_ends_ms):
                return

    async def make_up(self, first_ms: int, last_ms: int) -> None:
        """Ask for a stretch of minutes that are over, until it is answered or patience ends.

        A stretch that was answered is not asked for again: a minute that is not in the answer does not exist.
        """
        patience_ends_ms = self._time.now_ms() + self._terms.patience_ms
        backoff = Backoff(self._terms.seed, f"make up {first_ms}", self._terms.max_backoff_ms)
        while missing := [state for state in self._states if self._is_unknown(state, first_ms)]:
            await self._fetch(missing, first_ms, last_ms)
            answered = [state for state in missing if not self._is_unknown(state, first_ms)]
            await self._settle(answered, first_ms, last_ms)
            if len(answered) == len(missing) or not await self._pause(backoff, patience_ends_ms):
                return

    def _is_unknown(self, state: SymbolState, open_ms: int) -> bool:
        return not state.bars.is_closed(open_ms) and self._answered_until_ms.get(state.symbol, 0) <= open_ms

    async def _pause(self, backoff: Backoff, until_ms: int) -> bool:
        """Wait a little longer each time; return False, without waiting, where that would go beyond `until_ms`."""
        next_ms = self._time.now_ms() + backoff.failed()
        if next_ms >= until_ms:
            return False
        await self._time.wait_until_ms(next_ms)
        return True

    async def _settle(self, states: Sequence[SymbolState], first_ms: int, last_ms: int) -> None:
        n_minutes, end_ms = (last_ms - first_ms) // MINUTE_MS + 1, last_ms + MINUTE_MS
        for state in states:
            self._notes.add("back_fill", f"{n_minutes} minutes from {utc_text(first_ms)} UTC", state.symbol)
            with suppress(Unanswered):
                word = self._terms.facts.settled_word
                settled = await settlements_between(self._connection, state.market, first_ms, end_ms, word)
                self.settled[state.symbol] = settled

    async def _fetch(self, states: Sequence[SymbolState], first_ms: int, last_ms: int) -> None:
        """Ask for bars, of minutes alone that are over by what the exchange's clock says now.

        By a clock of which we had another idea we would take a bar that is still forming.
        """
        try:
            await self._time.measure()
        except Unanswered as error:
            for state in states:
                state.troubles[HISTORY] = str(error)
            return
        last_ms = min(last_ms, minute_of(self._time.now_ms()) - MINUTE_MS)
        await asyncio.gather(*(self._fetch_one(state, first_ms, last_ms) for state in states))

    async def _fetch_one(self, state: SymbolState, first_ms: int, last_ms: int) -> None:
        try:
            rows = await rows_between(self._connection, state.market, first_ms, last_ms)
        except Unanswered as error:
            state.troubles[HISTORY] = str(error)
            return
        state.troubles.pop(HISTORY, None)
        for row in rows:
            state.bars.take(row, self._time.now_ms(), Origin.REST)
        self._answered_until_ms[state.symbol] = last_ms + MINUTE_MS
