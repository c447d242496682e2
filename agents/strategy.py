"""The strategy agent: asks every strategy side by side and makes at most one proposal of their answers."""

from collections.abc import Sequence

from domain.decisions import Proposal, Side, Signal
from domain.features import Features
from domain.market import Snapshot
from domain.record import Record
from domain.tick import Outcome
from strategy.exits import ExitRules
from strategy.rules import Strategy
from strategy.together import apart, asked_together


class Standstill(Record, frozen=True, kw_only=True, gc=False):
    """Why nothing was proposed."""

    outcome: Outcome
    why: str


class Answered(Record, frozen=True, kw_only=True, gc=False):
    """Every strategy's answer on one tick. standstill: what that comes to when none of them fires, else None."""

    signals: tuple[Signal, ...]
    standstill: Standstill | None


NOBODY_ASKED = Answered(signals=(), standstill=None)
"""The answers on a tick without features."""


class StrategyAgent:
    """Holds the strategies and the exit rules their proposals carry."""

    __slots__ = ("_ask", "_exit_rules", "_parameters", "_quiet", "by_name", "strategies")

    def __init__(self, strategies: Sequence[Strategy], exit_rules: ExitRules) -> None:
        """Take the strategies in the order in which they are asked and recorded."""
        self.strategies = tuple(strategies)
        self.by_name = {strategy.name: strategy for strategy in strategies}
        self._exit_rules = exit_rules
        self._ask, self._parameters = asked_together(self.strategies)
        self._quiet: dict[int, Answered] = {}

    def evaluate(self, features: Features) -> Answered:
        """Return every strategy's answer; when none fires it is one that was given before for the same failed tests."""
        masks = self._ask(features.vector, self._parameters)
        return self._quiet.get(masks) or self._answer(masks, features)

    def propose(self, answered: Answered, snapshot: Snapshot, features: Features) -> Proposal | Standstill:
        """Return the proposal of the most convinced strategy; nothing when none fired or two disagree."""
        if answered.standstill is not None:
            return answered.standstill
        firing = [(signal, signal.side) for signal in answered.signals if signal.side is not None]
        best, side = firing[0] if len(firing) == 1 else max(firing, key=_conviction)
        if snapshot.bar is None or (len(firing) > 1 and any(claimed is not side for _, claimed in firing)):
            claims = ", ".join(f"{signal.strategy} says {claimed.name}" for signal, claimed in firing)
            return Standstill(outcome=Outcome.DISAGREED, why=f"strategies disagree: {claims}")
        return Proposal(
            symbol=snapshot.symbol,
            strategy=best.strategy,
            side=side,
            conviction_frac=best.conviction_frac,
            reasons=tuple([f"{signal.strategy}: {reason}" for signal, _ in firing for reason in signal.reasons]),
            exit_plan=self._exit_rules.plan(features, snapshot.bar.close_price),
            reference_price=snapshot.bar.close_price,
            as_of_ms=snapshot.as_of_ms,
        )

    def _answer(self, side_by_side: int, features: Features) -> Answered:
        masks = apart(side_by_side, len(self.strategies))
        answers = zip(self.strategies, masks, strict=True)
        signals = tuple([one.no(mask) if mask else one.fire(features) for one, mask in answers])
        if 0 in masks:
            return Answered(signals=signals, standstill=None)
        why = "; ".join([f"{signal.strategy}: {', '.join(signal.reasons)}" for signal in signals])
        answered = Answered(signals=signals, standstill=Standstill(outcome=Outcome.NO_SIGNAL, why=why))
        self._quiet[side_by_side] = answered
        return answered


def _conviction(firing: tuple[Signal, Side]) -> float:
    return firing[0].conviction_frac
