"""A shadow trade: one proposal followed alone, by the desk's own venue, books and exits, in an account of its own.

Thousands of them are open in the course of a run, so one sleeps while a minute cannot matter to it. It is woken for
everything that the desk's tick would act on, and then has lived through every minute as a position of the desk would.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.books import Holding
from agents.execution import ExecutionAgent
from agents.exits import ExitAgent
from domain.account import Trade
from domain.decisions import Side
from domain.features import Features
from domain.instrument import Instrument
from domain.market import MINUTE_MS, Bar, Snapshot
from domain.protection import quiet_bounds
from domain.situation import Trigger
from domain.tick import TradingState

Wisher = tuple[str, Side]
LONGEST_SLEEP_MS: Final = 256 * MINUTE_MS
_ACTIVE: Final = TradingState.ACTIVE


@dataclass(slots=True)
class Shadow:
    """A trigger with the account it is traded in.

    low_price, high_price: while a bar stays strictly between them it need not be woken. due_ms: nor before this time.
    wisher: strategy and side whose wish to leave wakes it. n_marked: how many bars of its market it has been valued at.
    """

    trigger: Trigger
    instrument: Instrument
    execution: ExecutionAgent
    exits: ExitAgent
    wisher: Wisher
    n_marked: int
    low_price: float = math.inf
    high_price: float = -math.inf
    due_ms: int = 0

    @property
    def is_over(self) -> bool:
        """Say whether nothing is held and nothing on its way."""
        books = self.execution.books
        return not books.holdings and not books.entries

    async def wake(
        self, slept: Sequence[Bar], snapshot: Snapshot, features: Features | None, tick_no: int
    ) -> Trade | None:
        """Live one minute as the desk's own tick does: venue, books, exits. Return the trade when it ended.

        slept: the bars it was not woken for, oldest first.
        """
        if slept:
            self._catch_up(slept)
        report = await self.execution.venue.advance(snapshot)
        if report is not None:
            for trade in self.execution.settle(report).trades:
                return trade
        self.execution.books.mark(snapshot)
        await self.exits.review(snapshot, features, _ACTIVE, tick_no)
        self._fall_asleep(snapshot.as_of_ms)
        return None

    def _catch_up(self, slept: Sequence[Bar]) -> None:
        """Value the position at all the bars it slept through as if they were one; it is the same to the books."""
        books, symbol = self.execution.books, self.instrument.symbol
        books.mark(Snapshot(symbol=symbol, as_of_ms=slept[-1].close_ms, bar=_as_one(slept)))
        books.holdings[symbol].n_bars += len(slept) - 1

    def _fall_asleep(self, now_ms: int) -> None:
        holding = self.execution.books.holdings.get(self.instrument.symbol)
        if holding is None or holding.exit_order is not None:
            self.low_price, self.high_price = math.inf, -math.inf
            return
        position = holding.position
        side, tick = (1 if position.size_lots > 0 else -1), self.instrument.tick
        self.low_price, self.high_price = quiet_bounds(side, holding.levels, tick)
        if position.exit_plan.trail_frac > 0.0:
            untrailed_price = _untrailed_ticks(side, holding) * tick
            if side > 0:
                self.high_price = min(self.high_price, untrailed_price)
            else:
                self.low_price = max(self.low_price, untrailed_price)
        time_stop_ms = position.opened_ms + position.exit_plan.max_hold_bars * MINUTE_MS
        self.due_ms = min(time_stop_ms, now_ms + LONGEST_SLEEP_MS)


def _untrailed_ticks(side: int, holding: Holding) -> float:
    """Return the price, in ticks, short of which the trailing stop stays where it is.

    It moves when the market is better than ever and its gain arms the trail; a tick short of that covers rounding.
    """
    entry_ticks = holding.position.entry_ticks
    arms_ticks = entry_ticks * (1.0 + side * holding.position.exit_plan.trail_arm_frac) - side
    return max(side * arms_ticks, side * holding.best_ticks) * side


def _as_one(bars: Sequence[Bar]) -> Bar:
    """Return consecutive bars as one, but for the volume."""
    return Bar(
        open_ms=bars[0].open_ms,
        close_ms=bars[-1].close_ms,
        open_price=bars[0].open_price,
        high_price=max([bar.high_price for bar in bars]),
        low_price=min([bar.low_price for bar in bars]),
        close_price=bars[-1].close_price,
        volume_base=0.0,
    )
