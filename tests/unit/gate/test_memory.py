"""What became of earlier triggers is told once it cannot depend on anything to come, and the same in every life."""

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import ExitReason, Side
from domain.market import HOUR_MS, MINUTE_MS
from gate.memory import LEAST_RESOLVED, MOST_Z, N_FIGURES, SETTLING_BARS, BaseRate, Memory, vector_of
from tests.unit.gate.questions import features, proposal
from tests.unit.gate.situations import MIRRORED_FEATURES, NOW_MS, mirrored_features, resolved, whole

HELD = 240
RIPE = HELD + SETTLING_BARS
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def hourly(n, first=RIPE, **parts):
    """Return triggers an hour apart, the oldest first, the latest of them just ripe."""
    return [resolved(first + 60 * number, **parts) for number in range(n - 1, -1, -1)]


def asked(past, **parts):
    return whole(resolved=past, **parts)


def bodies(past, values):
    """Return the triggers with other bodies: the only figure in which they then differ."""
    return [
        msgspec.structs.replace(
            one, trigger=msgspec.structs.replace(one.trigger, features=features(BODY_OVER_ATR=value))
        )
        for one, value in zip(past, values, strict=True)
    ]


def test_the_base_rate_counts_the_wins_of_this_rule_on_this_side():
    past = [
        *hourly(20, net_bps=150.0),
        *hourly(15, net_bps=-111.0),
        *hourly(50, net_bps=150.0, side=Side.SELL),
        *hourly(50, net_bps=150.0, strategy="funding_fade"),
    ]
    assert Memory().base_rate(asked(past)) == BaseRate(n_resolved=35, n_wins=20)


def test_a_rate_over_fewer_than_thirty_is_not_known():
    assert Memory().base_rate(asked(hourly(LEAST_RESOLVED - 1))) is None
    assert Memory().base_rate(asked(hourly(LEAST_RESOLVED))) == BaseRate(n_resolved=30, n_wins=30)
    assert Memory().similar(asked(hourly(LEAST_RESOLVED - 1)), 5) == ()


def test_a_net_of_exactly_nothing_is_no_win():
    assert Memory().base_rate(asked(hourly(30, net_bps=0.0))) == BaseRate(n_resolved=30, n_wins=0)


def test_a_trigger_that_ended_early_counts_only_when_the_slow_ones_of_its_time_do():
    """Stops are hit within minutes, time stops after hours: a rate of those known first would be a rate of stops."""
    quick = [resolved(minutes_ago, net_bps=-111.0, n_bars=2) for minutes_ago in range(40, 3, -1)]
    slow = hourly(30, net_bps=20.0, n_bars=HELD)
    assert Memory().base_rate(asked([*slow, *quick])) == BaseRate(n_resolved=30, n_wins=30)


def test_a_trigger_is_remembered_from_the_minute_its_holding_time_has_passed():
    past = hourly(30)
    before = whole(now_ms=NOW_MS - MINUTE_MS, resolved=past)
    assert Memory().base_rate(before) is None
    assert Memory().base_rate(whole(resolved=past)) is not None


def test_the_most_similar_are_told_nearest_first_with_their_ends():
    past = bodies(hourly(40, net_bps=-111.0), np.linspace(2.0, 9.0, 40))
    past[7:9] = bodies([resolved(2_000, net_bps=190.0), resolved(3_000, net_bps=-50.0)], [0.873, 0.9])
    found = Memory().similar(asked(past), 3)
    assert [(one.net_r, one.exit_reason) for one in found] == [
        (1.9, ExitReason.TARGET),
        (-0.5, ExitReason.STOP),
        (-1.11, ExitReason.STOP),
    ]
    assert found[0].distance == 0.0 < found[1].distance < found[2].distance


def test_the_distance_is_the_root_mean_square_of_the_z_scores():
    """Bodies of 0 and 2 in equal number: mean 1, deviation 1. A body of 0.873 lies 0.873 from the nearer ones."""
    past = bodies(hourly(40), [0.0, 2.0] * 20)
    nearest = Memory().similar(asked(past), 1)[0]
    assert nearest.distance == pytest.approx(0.873 / math.sqrt(N_FIGURES), abs=1e-6)


def test_one_wild_figure_cannot_drown_the_others():
    past = bodies(hourly(100), [0.0, 2.0] * 50)
    wild = whole(resolved=past, features=features(BODY_OVER_ATR=1e9))
    assert Memory().similar(wild, 1)[0].distance == pytest.approx((MOST_Z - 1) / math.sqrt(N_FIGURES), abs=1e-6)


def test_a_figure_that_is_not_known_counts_as_the_usual_one():
    past = bodies(hourly(40), [0.0, 2.0] * 20)
    unseen = whole(resolved=past, features=features(BODY_OVER_ATR=math.nan))
    assert Memory().similar(unseen, 1)[0].distance == pytest.approx(1 / math.sqrt(N_FIGURES), abs=1e-6)


def test_a_long_in_a_rising_market_is_like_a_short_in_a_falling_one():
    rising = features(BOOK_IMBALANCE=0.3)
    long, short = proposal(), msgspec.structs.replace(proposal(), side=Side.SELL)
    assert np.array_equal(vector_of(long, rising), vector_of(short, mirrored_features(rising)))
    assert len(vector_of(long, rising)) == N_FIGURES
    changed = vector_of(long, rising) != vector_of(long, mirrored_features(rising))
    assert changed.sum() == len(MIRRORED_FEATURES)


def test_of_two_that_are_equally_far_the_later_one_is_told():
    past = hourly(40)
    past[-1] = resolved(RIPE, net_bps=-42.0)
    assert Memory().similar(asked(past), 1)[0].net_r == -0.42


def test_one_event_is_told_once_however_many_minutes_fired():
    """Forty triggers of forty minutes in a row, and ten of other hours that look less alike."""
    burst = [resolved(2_000 + minute, net_bps=100.0) for minute in range(40, 0, -1)]
    others = bodies(hourly(10, first=3_000, net_bps=-111.0), [2.0] * 10)
    found = Memory().similar(asked([*others, *burst]), 3)
    assert [one.net_r for one in found] == [1.0, -1.11, -1.11]


@st.composite
def histories(draw):
    """Return triggers of some days in the order they ended, some of which end after the question."""
    made = draw(st.lists(st.integers(-300, 6_000), min_size=30, max_size=90, unique=True))
    triggers = [
        resolved(
            minutes_ago,
            net_bps=float(draw(st.integers(-200, 200))),
            n_bars=draw(st.integers(1, HELD)),
            side=draw(st.sampled_from([*Side])),
            BODY_OVER_ATR=draw(st.sampled_from([0.5, 0.8, -0.8, 3.0])),
        )
        for minutes_ago in made
    ]
    return sorted(triggers, key=lambda one: one.outcome.resolved_ms)


def answers(memory, situation):
    return memory.base_rate(situation), memory.similar(situation, 5)


@given(histories())
def test_nothing_that_ends_after_the_question_or_might_have_is_seen(past):
    situation = asked(past)
    ripe = [
        one
        for one in past
        if one.outcome.resolved_ms <= NOW_MS and one.trigger.proposal.as_of_ms + RIPE * MINUTE_MS <= NOW_MS
    ]
    assert answers(Memory(), situation) == answers(Memory(), asked(ripe))


@given(histories())
def test_no_two_neighbours_are_of_one_hour(past):
    made_by_net = {}
    told_apart = []
    for number, one in enumerate(past):
        net_bps = number + 1.0
        made_by_net[round(net_bps / 100, 6)] = one.trigger.proposal.as_of_ms
        told_apart.append(msgspec.structs.replace(one, outcome=msgspec.structs.replace(one.outcome, net_bps=net_bps)))
    made = sorted(made_by_net[round(one.net_r, 6)] for one in Memory().similar(asked(told_apart), 5))
    assert all(later - earlier >= HOUR_MS for earlier, later in itertools.pairwise(made))


@given(histories(), st.integers(1, 30))
def test_a_memory_that_grew_with_the_run_answers_as_a_fresh_one_does(past, step):
    """A relived run starts with an empty memory; it may not answer otherwise than the one that was there."""
    growing, grown = [], Memory()
    for number, one in enumerate(past):
        growing.append(one)
        if number % step == 0:
            now_ms = max(NOW_MS, one.outcome.resolved_ms)
            situation = whole(now_ms=now_ms, resolved=growing)
            assert answers(grown, situation) == answers(Memory(), situation)


def test_a_memory_that_is_shown_another_run_forgets_the_first():
    memory = Memory()
    first, second = hourly(40, net_bps=100.0), hourly(60, net_bps=-100.0)
    assert memory.base_rate(asked(first)) == BaseRate(n_resolved=40, n_wins=40)
    assert memory.base_rate(asked(second)) == BaseRate(n_resolved=60, n_wins=0)
    assert memory.base_rate(asked(first[:35])) == BaseRate(n_resolved=35, n_wins=35)
