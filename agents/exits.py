"""The exit agent: looks after open positions, first in every tick. Everything it does only reduces."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from agents.books import Holding
from agents.execution import ExecutionAgent
from agents.risk import RiskAgent
from agents.strategy import StrategyAgent
from domain.account import Levels
from domain.compiled import entry_point
from domain.decisions import ApprovedOrder, ExitReason, Refusal
from domain.features import Features
from domain.market import MINUTE_MS, Snapshot
from domain.protection import trailed_stop
from domain.record import Record
from domain.tick import TradingState

# Looking a member up on its enum costs more than a small step of the tick.
_HALTED: Final = TradingState.HALTED
_FLATTENING: Final = TradingState.FLATTENING


class Departure(Record, frozen=True, kw_only=True, gc=False):
    """An exit that was sent this tick, why, and the venue's or journal's answer when it was not a plain yes."""

    order: ApprovedOrder
    why: str
    refusal: Refusal | None = None


@dataclass(slots=True)
class ExitAgent:
    """Trails stops and closes positions by time, by their strategy's wish, or because a human said so."""

    execution: ExecutionAgent
    strategies: StrategyAgent
    risk: RiskAgent
    _trailed_stop: Callable[[int, int, int, int, float, float], tuple[int, bool]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the kernel ready that moves stops."""
        self._trailed_stop = _ready_trailed_stop()

    async def review(
        self, snapshot: Snapshot, features: Features | None, state: TradingState, tick_no: int
    ) -> Departure | None:
        """Look after the position in this symbol, if there is one."""
        holding = self.execution.books.holdings.get(snapshot.symbol)
        if holding is None or state is _HALTED:
            return None
        if holding.best_ticks != holding.trailed_at_ticks:
            await self._trail(holding)
            holding.trailed_at_ticks = holding.best_ticks
        if holding.exit_order is not None:
            return None
        verdict = self._reason_to_leave(holding, snapshot, features, state)
        if verdict is None:
            return None
        reason, why = verdict
        marks = self.execution.books.marks_ticks
        order = self.risk.approve_exit(holding.position, reason, marks[snapshot.symbol], snapshot.as_of_ms)
        return Departure(order=order, why=why, refusal=await self.execution.leave(order, tick_no))

    async def _trail(self, holding: Holding) -> None:
        position, plan, levels = holding.position, holding.position.exit_plan, holding.levels
        if plan.trail_frac == 0.0:
            return
        stop_ticks, is_trailing = self._trailed_stop(
            1 if position.size_lots > 0 else -1,
            levels.stop_ticks,
            position.entry_ticks,
            holding.best_ticks,
            plan.trail_frac,
            plan.trail_arm_frac,
        )
        if stop_ticks != levels.stop_ticks:
            moved = Levels(
                stop_ticks=stop_ticks,
                target_ticks=levels.target_ticks,
                stop_is_trailing=bool(is_trailing),
                partial_ticks=levels.partial_ticks,
                partial_lots=levels.partial_lots,
            )
            await self.execution.protect(position.symbol, moved)

    def _reason_to_leave(
        self, holding: Holding, snapshot: Snapshot, features: Features | None, state: TradingState
    ) -> tuple[ExitReason, str] | None:
        position = holding.position
        if state is _FLATTENING:
            return ExitReason.HALT, "the desk was told to flatten"
        held_bars = (snapshot.as_of_ms - position.opened_ms) // MINUTE_MS
        if held_bars >= position.exit_plan.max_hold_bars:
            return ExitReason.TIME, f"held for {held_bars} minutes, the plan allows {position.exit_plan.max_hold_bars}"
        strategy = self.strategies.by_name.get(position.strategy)
        if features is None or strategy is None:
            return None
        wish = strategy.wants_out(features, position.side)
        return None if wish is None else (ExitReason.STRATEGY, f"{position.strategy}: {wish}")


@cache
def _ready_trailed_stop() -> Callable[[int, int, int, int, float, float], tuple[int, bool]]:
    return entry_point(trailed_stop, 1, 1, 1, 1, 0.0, 0.0)
