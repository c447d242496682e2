"""Made-up situations say nothing of a level, are the same again, and turn upside down and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.decisions import Side
from domain.features import Feature, Regime
from gate.check.probes import DIRECTIONAL, SYMBOL, mirrored, shuffled, situations
from tests.unit.gate.questions import reader

SEEDS = some.integers(0, 10_000)


def closes_of(situation):
    return np.array([one.bar.close_price for one in situation.recent])


@given(SEEDS)
def test_the_same_seed_makes_up_the_same_and_another_something_else(seed):
    assert situations(3, seed) == situations(3, seed)
    assert situations(3, seed) != situations(3, seed + 1)


def test_both_sides_and_both_rules_occur():
    given_ = situations(40, 7)
    assert {one.proposal.side for one in given_} == {Side.BUY, Side.SELL}
    assert {one.proposal.strategy for one in given_} == {"e3", "funding_fade"}
    assert {one.features.regime for one in given_} >= {Regime.BULL_TREND, Regime.BEAR_TREND, Regime.CHOP}


@given(SEEDS)
def test_a_trade_upside_down_twice_is_the_trade(seed):
    (one,) = situations(1, seed)
    other = mirrored(one)
    back = mirrored(other)
    assert other.proposal.side is one.proposal.side.opposite
    assert (back.proposal, back.features) == (one.proposal, one.features)
    assert closes_of(back) == pytest.approx(closes_of(one))


@given(SEEDS)
def test_upside_down_every_return_and_every_figure_with_a_direction_changes_its_sign(seed):
    (one,) = situations(1, seed)
    other = mirrored(one)
    assert np.diff(np.log(closes_of(other))) == pytest.approx(-np.diff(np.log(closes_of(one))))
    for feature in Feature:
        before, after = one.features.value(feature), other.features.value(feature)
        if feature in DIRECTIONAL:
            assert after == -before
        elif feature is not Feature.REGIME:
            assert after == before


@given(SEEDS)
def test_shuffled_the_same_trades_stand_in_all_the_same_markets_none_in_its_own(seed):
    before = situations(5, seed)
    after = shuffled(before)
    assert [one.proposal for one in after] == [one.proposal for one in before]
    assert {one.features for one in after} == {one.features for one in before}
    assert all(one.features != other.features for one, other in zip(after, before, strict=True))
    for one in after:
        assert one.recent[-1].as_of_ms == one.snapshot.as_of_ms == one.proposal.as_of_ms


def test_every_one_can_be_asked_about_and_no_two_are_the_same_question():
    asker = reader("http://127.0.0.1:1")
    given_ = situations(10, 7)
    ways = [*given_, *shuffled(given_), *map(mirrored, given_)]
    prompts = [asker.question(one).prompt for one in ways]
    assert len(set(prompts)) == 30
    assert not any(SYMBOL in prompt for prompt in prompts)
