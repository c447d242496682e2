"""A strategy is found by its name, and an unknown name says which are known."""

import pytest

from domain.errors import BadInput
from strategy.e3 import E3Thresholds
from strategy.registry import STRATEGIES, build_strategies


def test_strategies_are_built_in_the_order_asked_for_with_their_thresholds_or_defaults() -> None:
    chosen = build_strategies(("funding_fade", "e3"), {"e3": E3Thresholds(volume_z=3.0)})
    assert [strategy.name for strategy in chosen] == ["funding_fade", "e3"]
    assert chosen[1].parameters[1] == 3.0


def test_every_registered_name_is_the_strategys_own() -> None:
    assert [strategy.name for strategy in build_strategies(tuple(STRATEGIES), {})] == list(STRATEGIES)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="names martingale; known are e3, funding_fade"):
        build_strategies(("e3", "martingale"), {})
