"""What the meta-label model would have said of each trigger at its time, walked forward over all of them."""

from collections.abc import Sequence
from typing import Final

from backtest.score.gathering import same
from backtest.score.ledger import MetaLabel, MetaLabels
from db.triggers import TriggerStory
from domain.decisions import Proposal
from domain.situation import Resolved, Trigger
from gate.metalabel.vector import Design
from gate.metalabel.walk import WalkForward

FEWEST_TRIGGERS: Final = 200
"""Resolved triggers before it says anything, as the backend has it unless told otherwise."""


def meta_labels_of(stories: Sequence[TriggerStory], design: Design, fewest: int = FEWEST_TRIGGERS) -> MetaLabels:
    """Walk the model over every trigger, asked or not, in order of time; return what it said of each.

    It approves where its chance reaches what its training triggers' mean win and mean loss ask for, which is an
    expected result of zero. Its model at an instant comes from triggers alone that had ended before.
    """
    walk = WalkForward(design, fewest)
    for story in stories:
        if story.outcome is not None:
            walk.learn(Resolved(trigger=_trigger(story), outcome=story.outcome))
    said: dict[tuple[object, ...], MetaLabel] = {}
    for story in sorted(stories, key=lambda one: one.triggered_ms):
        model = walk.model_at(story.triggered_ms)
        chance = walk.chance_frac(_proposal(story), story.features)
        if model is not None and chance is not None:
            said[same(story)] = MetaLabel(p_win_frac=chance, is_approved=chance >= model.break_even_frac)
    return lambda story: said.get(same(story))


def _trigger(story: TriggerStory) -> Trigger:
    return Trigger(
        trigger_id=story.trigger_id, tick_no=story.tick_no, proposal=_proposal(story), features=story.features
    )


def _proposal(story: TriggerStory) -> Proposal:
    """Return the proposal without its reasons, which the model does not see."""
    return Proposal(
        symbol=story.symbol,
        strategy=story.strategy,
        side=story.side,
        conviction_frac=story.conviction_frac,
        reasons=(),
        exit_plan=story.exit_plan,
        reference_price=story.reference_price,
        as_of_ms=story.triggered_ms,
    )
