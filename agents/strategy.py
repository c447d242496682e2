"""The strategy agent: asks every strategy side by side and makes at most one proposal of their answers."""

from collections.abc import Sequence
from operator import attrgetter

from domain.decisions import Proposal, Side, Signal
from domain.features import Features
from domain.market import Snapshot
from domain.record import Record
from domain.tick import Outcome
from strategy.exits import ExitRules
from strategy.rules import Strategy


_failed_mask = attrgetter("failed_mask")


class Standstill(Record, frozen=True, kw_only=True, gc=False):
    """Why nothing was proposed."""

    outcome: Outcome
    why: str


class StrategyAgent:
    """Holds the strategies and the exit rules their proposals carry."""

    __slots__ = ("_exit_rules", "_standstills", "by_name", "strategies")

    def __init__(self, strategies: Sequence[Strategy], exit_rules: ExitRules) -> None:
        """Take the strategies in the order in which they are asked and recorded."""
        self.strategies = tuple(strategies)
        self.by_name = {strategy.name: strategy for strategy in strategies}
        self._exit_rules = exit_rules
        self._standstills: dict[tuple[int, ...], Standstill] = {}

    def evaluate(self, features: Features) -> tuple[Signal, ...]:
        """Return every strategy's answer."""
        return tuple([strategy.evaluate(features) for strategy in self.strategies])

    def propose(self, signals: tuple[Signal, ...], snapshot: Snapshot, features: Features) -> Proposal | Standstill:
        """Return the proposal of the most convinced strategy; nothing when none fired or two disagree."""
        masks = tuple(map(_failed_mask, signals))
        if 0 in masks:
            firing = [(signal, signal.side) for signal in signals if signal.side is not None]
            return self._propose(firing, snapshot, features)
        return self._standstills.get(masks) or self._remember(masks, signals)

    def _propose(
        self, firing: list[tuple[Signal, Side]], snapshot: Snapshot, features: Features
    ) -> Proposal | Standstill:
        if len({side for _, side in firing}) > 1 or snapshot.bar is None:
            claims = ", ".join(f"{signal.strategy} says {side.name}" for signal, side in firing)
            return Standstill(outcome=Outcome.DISAGREED, why=f"strategies disagree: {claims}")
        best, side = max(firing, key=lambda pair: pair[0].conviction_frac)
        return Proposal(
            symbol=snapshot.symbol,
            strategy=best.strategy,
            side=side,
            conviction_frac=best.conviction_frac,
            reasons=tuple(f"{signal.strategy}: {reason}" for signal, _ in firing for reason in signal.reasons),
            exit_plan=self._exit_rules.plan(features, snapshot.bar.close_price),
            reference_price=snapshot.bar.close_price,
            as_of_ms=snapshot.as_of_ms,
        )

    def _remember(self, masks: tuple[int, ...], signals: tuple[Signal, ...]) -> Standstill:
        why = "; ".join(f"{signal.strategy}: {', '.join(signal.reasons)}" for signal in signals)
        standstill = Standstill(outcome=Outcome.NO_SIGNAL, why=why)
        self._standstills[masks] = standstill
        return standstill
