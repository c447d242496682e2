"""What the model says at an instant comes from what was known then: whatever ends later changes no bit of it."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import MINUTE_MS
from gate.metalabel.calibrate import LEAST_OF_EACH
from gate.metalabel.walk import EMBARGO_MS, WalkForward
from tests.unit.gate.metalabel.past import DESIGN, ended, past, trigger


def walk(resolved=(), **changes):
    one = WalkForward(DESIGN, **{"min_triggers": 60, "refit_every": 20, "most_triggers": 200, **changes})
    for each in resolved:
        one.learn(each)
    return one


def chance_of(one, wanted):
    return one.chance_frac(wanted.proposal, wanted.features)


PAST, _ = past(160)
NOW = PAST[-1].outcome.resolved_ms // MINUTE_MS + 2
ASKED = trigger(NOW, RETURN_BPS=30.0, VOLUME_Z=0.5)
SAID = chance_of(walk(PAST), ASKED)


def test_below_the_least_number_of_triggers_it_abstains():
    assert chance_of(walk(PAST[:59]), ASKED) is None
    assert chance_of(walk(PAST[:60]), ASKED) is not None
    assert chance_of(walk(PAST[:79], min_triggers=70), ASKED) is None
    assert chance_of(walk(PAST[:80], min_triggers=70), ASKED) is not None


@pytest.mark.parametrize("n_rare", [LEAST_OF_EACH - 1, LEAST_OF_EACH])
@pytest.mark.parametrize("rare_bps", [-10.0, 10.0])
def test_with_too_few_wins_or_too_few_losses_it_abstains(n_rare, rare_bps):
    resolved = [
        msgspec.structs.replace(
            one, outcome=msgspec.structs.replace(one.outcome, net_bps=rare_bps if place < n_rare else -rare_bps)
        )
        for place, one in enumerate(PAST)
    ]
    assert (chance_of(walk(resolved), ASKED) is None) == (n_rare < LEAST_OF_EACH)


FUTURE = st.lists(
    st.builds(
        lambda minute, n_bars, net, figure: (minute, n_bars, net, figure),
        st.integers(1, NOW + 30),
        st.integers(1, 300),
        st.sampled_from([-50.0, -1.0, 0.0, 1.0, 50.0]),
        st.floats(-300, 300),
    ).filter(lambda t: (t[0] + t[1]) * MINUTE_MS > ASKED.proposal.as_of_ms - EMBARGO_MS),
    max_size=30,
)


@given(FUTURE)
def test_what_ends_later_changes_nothing_though_it_was_shown(later):
    future = [
        ended(trigger(minute, symbol=f"T{place}-PERP", RETURN_BPS=figure), n_bars, net)
        for place, (minute, n_bars, net, figure) in enumerate(later)
    ]
    assert chance_of(walk([*PAST, *future]), ASKED) == SAID


def test_what_ended_in_the_minute_of_the_question_is_not_used_and_what_ended_before_it_is():
    earlier = PAST[:79]
    same, before = (
        ended(trigger(NOW - 9, symbol="BTC-PERP"), n_bars, 10.0) for n_bars in (9, 9 - EMBARGO_MS // MINUTE_MS)
    )
    assert walk([*earlier, same]).model_at(NOW * MINUTE_MS).n_trained == 60
    assert walk([*earlier, before]).model_at(NOW * MINUTE_MS).n_trained == 80


@given(st.randoms(use_true_random=False))
def test_those_of_one_minute_may_be_shown_in_any_order(random):
    """Four markets whose triggers end together: the order in which the desk walks its markets leaves no trace."""
    resolved = [
        ended(trigger(1 + 2 * (place // 4), symbol=f"M{place % 4}-PERP", RETURN_BPS=float(place % 7)), 3, net)
        for place, net in enumerate([10.0, -10.0, 10.0, -20.0, -10.0, 10.0] * 20)
    ]
    shuffled = sorted(resolved, key=lambda one: (one.outcome.resolved_ms, random.random()))
    assert chance_of(walk(shuffled, refit_every=30), ASKED) == chance_of(walk(resolved, refit_every=30), ASKED)


def live(resolved, questions):
    """Ask as a desk does: shown what has ended, then asked, and so on. Return what it said."""
    one, left, said = walk(), list(resolved), []
    for wanted in questions:
        while left and left[0].outcome.resolved_ms <= wanted.proposal.as_of_ms:
            one.learn(left.pop(0))
        said.append(chance_of(one, wanted))
    return said


def test_offline_and_live_say_the_same_to_the_bit():
    resolved, _ = past(300, n_bars=7, every=1)
    questions = [one.trigger for one in resolved]
    together = walk(resolved)
    offline = [chance_of(together, wanted) for wanted in questions]
    assert live(resolved, questions) == offline
    assert sum(said is not None for said in offline) > 200
    assert len({said for said in offline if said is not None}) > 150


def test_an_earlier_question_asked_again_gets_the_earlier_answer():
    resolved, _ = past(160)
    one = walk(resolved)
    early = trigger(resolved[90].outcome.resolved_ms // MINUTE_MS + 2, RETURN_BPS=12.0)
    first = chance_of(one, early)
    assert chance_of(one, ASKED) != first
    assert chance_of(one, early) == first


def test_a_trigger_that_is_shown_after_it_should_have_counted_is_refused():
    one = walk(PAST)
    chance_of(one, ASKED)
    with pytest.raises(ValueError, match="shown too late"):
        one.learn(ended(trigger(5, symbol="BTC-PERP")))


def test_two_runs_that_name_a_trigger_alike_may_be_walked_as_one():
    assert walk([*PAST, *PAST]).model_at(ASKED.proposal.as_of_ms).n_trained == 200


def test_only_the_last_triggers_are_remembered():
    forgotten, _ = past(100, log_odds_per_sd=-3.0, seed=1)
    after = forgotten[-1].outcome.resolved_ms // MINUTE_MS + 10
    kept, _ = past(400, seed=2, first=after)
    late = trigger(after + 1000, RETURN_BPS=30.0)
    assert chance_of(walk([*forgotten, *kept]), late) != chance_of(walk(kept), late)
    models = [walk(each).model_at(late.proposal.as_of_ms) for each in ([*forgotten, *kept], kept)]
    # The weights come from the last 200; the scores of those were given by models that remembered further back.
    assert models[0].weights == models[1].weights
    assert models[0].n_trained == models[1].n_trained == 200


def test_a_score_for_the_calibration_never_comes_from_a_model_that_saw_its_outcome():
    """Labels drawn by a coin and one long label over all: in-sample scores would find skill, these find none."""
    resolved, _ = past(600, log_odds_per_sd=0.0, n_bars=200, every=1)
    model = walk(resolved, most_triggers=600).model_at(10**6 * MINUTE_MS)
    assert model.calibration.n_scored == 600 - 60 - 200
    assert model.calibration.slope < 0.6


def test_a_figure_without_information_leaves_every_chance_near_the_base_rate():
    resolved, _ = past(2_000, log_odds_per_sd=0.0, base=-0.4)
    one = walk(resolved, most_triggers=2_000)
    base = np.mean([each.outcome.is_win for each in resolved])
    minute = resolved[-1].outcome.resolved_ms // MINUTE_MS + 2
    said = [
        chance_of(one, trigger(minute, RETURN_BPS=figure, VOLUME_Z=figure / 20)) for figure in (-60, -20, 0, 20, 60)
    ]
    assert said == pytest.approx([base] * 5, abs=0.05)


def ece(chance, wins):
    """Return the expected calibration error over ten bins of equal number."""
    order = np.argsort(chance, kind="stable")
    bins = np.array_split(order, 10)
    return sum(len(one) * abs(chance[one].mean() - wins[one].mean()) for one in bins) / len(order)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_chances_walked_forward_are_calibrated_and_near_those_that_were_drawn_with(seed):
    """The null band: what the error comes to when outcomes are drawn with the very chances that were said."""
    resolved, truth = past(3_000, log_odds_per_sd=0.8, base=-0.3, seed=seed)
    one = walk(resolved, refit_every=100, most_triggers=3_000)
    said = [chance_of(one, each.trigger) for each in resolved]
    late = np.arange(1_000, 3_000)
    chance, wins = np.array([said[place] for place in late]), np.array([resolved[p].outcome.is_win for p in late])
    random = np.random.default_rng(seed)
    null = [ece(chance, random.random(len(chance)) < chance) for _ in range(400)]
    assert ece(chance, wins.astype(float)) <= np.quantile(null, 0.99)
    assert np.abs(chance - truth[late]).mean() < 0.04
    brier, climate = np.mean((chance - wins) ** 2), wins.mean() * (1 - wins.mean())
    assert brier < 0.93 * climate
