"""The strategy agent asks everyone, proposes at most once, and says nothing twice."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.strategy import Standstill, StrategyAgent
from domain.decisions import Proposal, Side, Signal
from domain.features import N_FEATURES, Feature, Features, FloatArray
from domain.market import Bar, Snapshot
from domain.tick import Outcome
from strategy.exits import ExitRules
from strategy.rules import Answers

FEATURES = Features(vector=np.zeros(N_FEATURES))
BAR = Bar(
    open_ms=0, close_ms=60_000, open_price=10.0, high_price=12.0, low_price=9.0, close_price=11.0, volume_base=5.0
)
SNAPSHOT = Snapshot(symbol="SOL-PERP", as_of_ms=60_000, bar=BAR)


@dataclass
class Opinion:
    """A strategy with a fixed opinion, written in plain Python: the desk runs those too."""

    name: str
    side: int
    conviction_frac: float = 0.5
    parameters: FloatArray = field(default_factory=lambda: np.zeros(1))
    grounds: tuple[Feature, ...] = ()

    def failed_tests(self, vector: FloatArray, parameters: FloatArray) -> int:
        return 0 if self.side else 2

    def no(self, failed_mask: int) -> Signal:
        return Answers(self.name, ("first", "second"), "yes").no(failed_mask)

    def fire(self, features: Features) -> Signal:
        return Answers(self.name, ("first", "second"), "yes").yes(self.side, self.conviction_frac)

    def wants_out(self, features: Features, side: Side) -> str | None:
        return None


def ask(*opinions: Opinion) -> tuple[tuple[Signal, ...], Proposal | Standstill]:
    agent = StrategyAgent(opinions, ExitRules())
    answered = agent.evaluate(FEATURES)
    return answered.signals, agent.propose(answered, SNAPSHOT, FEATURES)


@given(sides=st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=5))
def test_something_is_proposed_exactly_when_all_who_fire_agree(sides: list[int]) -> None:
    signals, proposed = ask(*(Opinion(f"s{number}", side) for number, side in enumerate(sides)))
    assert [signal.strategy for signal in signals] == [f"s{number}" for number in range(len(sides))]
    firing = {side for side in sides if side}
    if len(firing) == 1:
        assert isinstance(proposed, Proposal)
        assert int(proposed.side) in firing
    else:
        assert isinstance(proposed, Standstill)
        assert proposed.outcome is (Outcome.DISAGREED if firing else Outcome.NO_SIGNAL)


def test_the_most_convinced_of_those_who_agree_proposes_and_all_their_reasons_are_kept() -> None:
    _, proposed = ask(Opinion("calm", 1, 0.6), Opinion("keen", 1, 0.9), Opinion("absent", 0))
    assert isinstance(proposed, Proposal)
    assert (proposed.strategy, proposed.conviction_frac) == ("keen", 0.9)
    assert proposed.reasons == ("calm: yes", "keen: yes")
    assert proposed.reference_price == 11.0


def test_the_same_noes_are_the_same_answer_and_nothing_is_built_anew() -> None:
    agent = StrategyAgent((Opinion("a", 0), Opinion("b", 0)), ExitRules())
    first = agent.evaluate(FEATURES)
    assert first is agent.evaluate(FEATURES)
    assert first.standstill is not None
    assert first.standstill.why == "a: second; b: second"


def test_a_firing_strategy_is_asked_anew_each_time() -> None:
    agent = StrategyAgent((Opinion("a", 1),), ExitRules())
    assert agent.evaluate(FEATURES) is not agent.evaluate(FEATURES)


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_strategy_is_found_again_by_its_name(name: str) -> None:
    assert StrategyAgent((Opinion("a", 1), Opinion("b", 0)), ExitRules()).by_name[name].name == name
