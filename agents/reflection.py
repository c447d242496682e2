"""Reflections: what a closed trade, or a trigger the gate denied, was expected to do, what it did, and the lesson.

All of it follows from the proposal and from what became of it, by the rules below, so that a run lived again reflects
alike. Only relative figures are told: no date, no price, no symbol.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.execution import Settled
from agents.ledger import outcome_of
from domain.decisions import ApprovedOrder, Denied, ExitReason
from domain.features import Feature, Features
from domain.instrument import Instrument
from domain.record import Record
from domain.situation import Counterfactual, Reflection, Resolved, Trigger
from domain.tick import GateExchange

LESSON_CHARS: Final = 160
TRADE: Final = "trade"
COUNTERFACTUAL: Final = "counterfactual"
_BPS: Final = 10_000
_NOT_THE_MARKET: Final = frozenset({ExitReason.HALT, ExitReason.END_OF_RUN, ExitReason.LIQUIDATION})
_STOPPED: Final = frozenset({ExitReason.STOP, ExitReason.TRAILING})


class _Expected(Record, frozen=True, kw_only=True):
    """A trigger with the gate's answer to it."""

    trigger: Trigger
    exchange: GateExchange

    @property
    def is_denied(self) -> bool:
        return isinstance(self.exchange.verdict, Denied)


@dataclass(slots=True)
class Reflections:
    """Remembers what was expected of open trades and of denied triggers until their end is known.

    grounds: by strategy, the figures it enters on. A trigger that the gate denied and the desk took all the same, as
    shadow mode does, is reflected on twice: as the trade it was, and as the trigger that was denied.
    """

    grounds: Mapping[str, tuple[Feature, ...]]
    instruments: Mapping[str, Instrument]
    _entered: dict[str, _Expected] = field(default_factory=dict, init=False)
    _denied: dict[str, _Expected] = field(default_factory=dict, init=False)

    def expect(
        self, trigger: Trigger, exchange: GateExchange, entered: ApprovedOrder | None, *, will_resolve: bool
    ) -> None:
        """Remember a trigger the gate was asked about. entered: the order the desk sent for it.

        will_resolve: whether a shadow trade of it is open, so that its end will be heard of.
        """
        expected = _Expected(trigger=trigger, exchange=exchange)
        if entered is not None:
            self._entered[entered.client_order_id] = expected
        if expected.is_denied and will_resolve:
            self._denied[trigger.trigger_id] = expected

    def reflect(
        self, settled: Settled, ended: Sequence[Resolved], features: Features | None, as_of_ms: int
    ) -> tuple[Reflection, ...]:
        """Reflect on the desk's trades that closed in this minute, then on the denied triggers that ended in it.

        features: of the minute in which they ended.
        """
        found: list[Reflection] = []
        for order_id, _ in settled.refusals:
            self._entered.pop(order_id, None)
        for trade in settled.trades:
            expected = self._entered.pop(trade.client_order_id, None)
            if expected is not None:
                outcome = outcome_of(expected.trigger, trade, self.instruments[trade.symbol], as_of_ms)
                found.append(self._reflection(TRADE, trade.client_order_id, expected, outcome, features))
        for one in ended:
            expected = self._denied.pop(one.trigger.trigger_id, None)
            if expected is not None:
                found.append(self._reflection(COUNTERFACTUAL, one.trigger.trigger_id, expected, one.outcome, features))
        return tuple(found)

    def _reflection(
        self, subject: str, subject_id: str, expected: _Expected, outcome: Counterfactual, features: Features | None
    ) -> Reflection:
        grounds = self.grounds.get(expected.trigger.proposal.strategy, ())
        judged = [(ground, is_borne_out(ground, expected.trigger, outcome, features)) for ground in grounds]
        return Reflection(
            subject=subject,
            subject_id=subject_id,
            expected=_in_words(expected),
            happened=_what_happened(outcome),
            held=tuple([_figure(ground, expected.trigger) for ground, holds in judged if holds is True]),
            failed=tuple([_figure(ground, expected.trigger) for ground, holds in judged if holds is False]),
            lesson=lesson(expected.trigger, outcome, is_denied=subject == COUNTERFACTUAL),
        )


def is_borne_out(ground: Feature, trigger: Trigger, outcome: Counterfactual, end: Features | None) -> bool | None:
    """Say whether the market bore out one reason of a proposal; None where that cannot be told.

    Each figure claims something of its own, to be shown by the time the trade ended (`end`: the figures then):

    - body: the move goes on. The price came a stop's distance our way before it came as far against us. A trade does
      not outlive its stop, so a gain of that size is one that came first.
    - volume z: the surge carries the price. It came a stop's distance away from the entry, whichever way.
    - book imbalance: our side is the stronger one. The price came further our way than against us.
    - premium, funding: the crowd gives way. At least half of what stood at the trigger is gone, or its sign turned.
    """
    stop_bps = trigger.proposal.exit_plan.stop_frac * _BPS
    was = trigger.features.value(ground)
    if was is None:
        return None
    match ground:
        case Feature.BODY_OVER_ATR:
            return outcome.mfe_bps >= stop_bps
        case Feature.VOLUME_Z:
            return max(outcome.mfe_bps, outcome.mae_bps) >= stop_bps
        case Feature.BOOK_IMBALANCE:
            return outcome.mfe_bps > outcome.mae_bps
        case Feature.PREMIUM_BPS | Feature.FUNDING_RATE_HOURLY_FRAC:
            now = None if end is None else end.value(ground)
            return None if now is None or was == 0.0 else now / was <= 0.5
        case _:
            return None


def lesson(trigger: Trigger, outcome: Counterfactual, *, is_denied: bool) -> str:
    """Return what an outcome teaches in one line of at most `LESSON_CHARS` characters: the first rule that applies.

    A distance is told in stops: multiples of the way from entry to the plan's stop.
    """
    proposal = trigger.proposal
    side = "long" if proposal.side > 0 else "short"
    judged = ("denied and missed: " if outcome.is_win else "denied and spared: ") if is_denied else ""
    told = f"{judged}{proposal.strategy} {side} in {trigger.features.regime.value} {_teaching(trigger, outcome)}"
    return told[:LESSON_CHARS]


def _teaching(trigger: Trigger, outcome: Counterfactual) -> str:
    stop_bps = trigger.proposal.exit_plan.stop_frac * _BPS
    net, best = outcome.net_bps / stop_bps, outcome.mfe_bps / stop_bps
    if outcome.exit_reason in _NOT_THE_MARKET:
        return f"was ended by {outcome.exit_reason.value}, not by the plan: it says little of the trigger"
    if outcome.is_win and outcome.exit_reason is ExitReason.TARGET:
        return f"reached its target: {net:.1f} stops after costs"
    if outcome.is_win:
        return f"kept {net:.1f} of the {best:.1f} stops it was ahead by"
    if outcome.gross_bps > 0.0:
        return f"was right by less than it costs: {outcome.gross_bps:.0f} bps before, {outcome.net_bps:.0f} after"
    if best >= 0.5:
        return f"was {best:.1f} stops ahead and gave it back: {net:.1f} stops"
    if outcome.exit_reason in _STOPPED:
        return f"was wrong at once: never more than {best:.1f} stops ahead"
    return f"went nowhere in {outcome.n_bars} bars: {net:.1f} stops"


def _in_words(expected: _Expected) -> str:
    proposal, verdict = expected.trigger.proposal, expected.exchange.verdict
    plan = proposal.exit_plan
    side = "long" if proposal.side > 0 else "short"
    evidence = expected.exchange.evidence
    p_win_frac = None if evidence is None else evidence.p_win_frac
    chance = "" if p_win_frac is None else f", chance of profit {p_win_frac:.2f}"
    return (
        f"{proposal.strategy} {side}, conviction {proposal.conviction_frac:.2f}: stop {plan.stop_frac * _BPS:.0f} bps, "
        f"target {plan.target_frac * _BPS:.0f} bps, at most {plan.max_hold_bars} bars; "
        f"gate {'no' if expected.is_denied else 'yes'} ({verdict.reason_code}){chance}"
    )


def _what_happened(outcome: Counterfactual) -> str:
    return (
        f"{outcome.exit_reason.value} after {outcome.n_bars} bars: net {outcome.net_bps:.1f} bps; "
        f"at best {outcome.mfe_bps:.1f} bps ahead, at worst {outcome.mae_bps:.1f} bps behind"
    )


def _figure(ground: Feature, trigger: Trigger) -> str:
    return f"{ground.name.lower()} {trigger.features.value(ground):.3g}"
