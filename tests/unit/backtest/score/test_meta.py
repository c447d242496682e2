import msgspec
import numpy as np

from backtest.score.meta import meta_labels_of
from gate.metalabel.vector import Design
from gate.prompt import Costs
from tests.unit.backtest.score.triggers import stories

DESIGN = Design(strategies=("e3",), costs=Costs(fee_bps=3.5, half_spread_bps=1.0, slippage_bps=1.0))
N = 300
NET = np.random.default_rng(1).normal(0.0, 40.0, N)
TOLD = stories(NET, [True] * N, 20)


def said(told, fewest=50):
    labels = meta_labels_of(told, DESIGN, fewest)
    return [labels(one) for one in told]


def test_it_abstains_until_enough_has_ended_and_speaks_from_then_on() -> None:
    found = said(TOLD)
    first = next(place for place, one in enumerate(found) if one is not None)
    assert first >= 50
    assert all(one is not None for one in found[first:])
    assert all(0.0 < one.p_win_frac < 1.0 for one in found[first:])


def test_what_it_says_of_a_trigger_rests_on_ends_before_it_alone() -> None:
    turned = [
        one
        if place < 200
        else msgspec.structs.replace(one, outcome=msgspec.structs.replace(one.outcome, net_bps=-one.outcome.net_bps))
        for place, one in enumerate(TOLD)
    ]
    assert said(turned)[:200] == said(TOLD)[:200]
    assert said(turned) != said(TOLD)


def test_triggers_that_never_ended_are_asked_about_and_teach_nothing() -> None:
    still_open = [one if place % 2 else msgspec.structs.replace(one, outcome=None) for place, one in enumerate(TOLD)]
    taught = [one for one in still_open if one.outcome is not None]
    assert said(still_open)[-1] == meta_labels_of(taught, DESIGN, 50)(TOLD[-1])
    assert said(still_open)[-2] is not None
