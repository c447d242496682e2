"""Why a trade was made in one run only: the first step of the tick at which the other run went another way."""

from collections.abc import Callable

from backtest.compare.alignment import Kind, Meeting
from backtest.compare.causes import KNOBS_OF_RULE, RULES_OF_THE_MINUTE, SIZE_KNOBS, STRATEGY_KNOBS, Blame, Cause
from backtest.compare.journeys import Journey
from backtest.compare.pairs import Evidence, Half
from backtest.compare.same_trade import features_blame
from db.pairing import Line, Wanted
from domain.tick import Outcome, TradingState

Trace = Callable[[str, Journey, Half], Blame | None]
"""(rule, the trade that was refused, the run that refused it) -> the earlier difference behind it, or None."""


def one_sided_blame(evidence: Evidence, journey: Journey, *, is_in_a: bool, trace: Trace) -> Blame:
    """Walk the minute of the decision in both runs, in the order of the tick, to the step where they part."""
    other = evidence.b if is_in_a else evidence.a
    name = "B" if is_in_a else "A"
    meeting = evidence.meeting(journey.symbol, journey.decided_ms)
    theirs = meeting.b if is_in_a else meeting.a
    if theirs is None:
        return _absent(other, name, journey.decided_ms)
    unseen = _unusable(evidence, meeting, theirs, name)
    if unseen is not None:
        return unseen
    wanted = other.wanted.get(theirs.id)
    if wanted is None or wanted.side != journey.side:
        return _not_proposed(evidence, meeting, name)
    if theirs.state != TradingState.ACTIVE:
        return Blame(cause=Cause.DESK_STATE, why=f"the desk of {name} was {theirs.state}")
    if wanted.rule is not None:
        return _refused(evidence, journey, other, wanted, trace, name)
    if theirs.outcome == Outcome.DENIED:
        return Blame(cause=Cause.GATE, why=f"the gate of {name} denied")
    return _not_filled(other, journey, name)


def _absent(other: Half, name: str, at_ms: int) -> Blame:
    if not other.covers(at_ms):
        return Blame(cause=Cause.SPAN, why=f"{name} had not begun or was over")
    return Blame(cause=Cause.MISSED_TICK, why=f"{name} has no row for the minute")


def _unusable(evidence: Evidence, meeting: Meeting, theirs: Line, name: str) -> Blame | None:
    if Kind.UNFIT in meeting.kinds:
        return Blame(cause=Cause.MISSED_TICK, why=f"the minute was unfit in {name}")
    if theirs.regime is not None:
        return None
    if evidence.a.run.first.as_of_ms != evidence.b.run.first.as_of_ms:
        return Blame(cause=Cause.SPAN, why=f"{name} had begun later and was not warm yet")
    blame = features_blame(evidence, meeting.symbol, meeting.as_of_ms)
    return Blame(cause=blame.cause, why=f"{name} was not warm: {blame.why}")


def _not_proposed(evidence: Evidence, meeting: Meeting, name: str) -> Blame:
    """Equal figures answered otherwise are the strategy's doing; other figures are not."""
    x, y = meeting.a, meeting.b
    if x is not None and y is not None and evidence.figures_agree(x, y):
        judged_otherwise = evidence.has_changed(STRATEGY_KNOBS) or not evidence.is_same_code
        if judged_otherwise or Kind.FEATURE not in meeting.kinds:
            return Blame(cause=Cause.THRESHOLD, why=f"{name} answered the same figures otherwise")
    return features_blame(evidence, meeting.symbol, meeting.as_of_ms)


def _refused(evidence: Evidence, journey: Journey, other: Half, wanted: Wanted, trace: Trace, name: str) -> Blame:
    rule = wanted.rule or ""
    own = Blame(cause=Cause.RISK, rule=rule, why=f"{name} refused: {wanted.reason}")
    if evidence.has_changed(KNOBS_OF_RULE.get(rule, SIZE_KNOBS)):
        return own
    if rule in RULES_OF_THE_MINUTE:
        return Blame(cause=Cause.DATA, why=f"{name} refused: {rule}: {wanted.reason}")
    root = trace(rule, journey, other)
    return own if root is None else root.knocked_on(f"{name} refused: {rule}: {wanted.reason}")


def _not_filled(other: Half, journey: Journey, name: str) -> Blame:
    refusal = other.refused.get(journey.order_id)
    if refusal is not None:
        why = f"the entry of {name} was turned away: {': '.join(refusal)}"
        return Blame(cause=Cause.VENUE, why=why)
    if journey.order_id in other.order_ids:
        return Blame(cause=Cause.OPEN_AT_END, why=f"the entry of {name} was still on its way when the run ended")
    return Blame(cause=Cause.VENUE, why=f"{name} approved the entry and has no order of it on record")
