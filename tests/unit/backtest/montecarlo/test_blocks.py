"""The length of a block: long where neighbours depend on each other, one where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.montecarlo.blocks import BlockRule, Method, block_length, politis_white


def autoregression(slope: float, n_units: int, seed: int) -> np.ndarray:
    shocks = np.random.default_rng(seed).standard_normal(n_units)
    values = np.zeros(n_units)
    for place in range(1, n_units):
        values[place] = slope * values[place - 1] + shocks[place]
    return values


@pytest.mark.parametrize(("method", "factor"), [(Method.STATIONARY, 1.0), (Method.MOVING, 1.5 ** (1 / 3))])
@pytest.mark.parametrize("slope", [0.3, 0.7])
def test_an_autoregression_gets_its_theoretical_length(method: Method, factor: float, slope: float) -> None:
    """With R(k) = a^|k|: G = 2a/(1-a)², S = (1+a)/(1-a), so (2 G² / 2 S²)^(1/3) = (2a / (1-a²))^(2/3).

    Moving blocks divide by 4/3 S² and not by 2 S²: longer by the cube root of 1.5.
    """
    n_units = 8_000
    theory = (2 * slope / (1 - slope**2)) ** (2 / 3) * n_units ** (1 / 3) * factor
    found = np.mean([politis_white(autoregression(slope, n_units, seed), method) for seed in range(4)])
    assert found == pytest.approx(theory, rel=0.25)


def test_independent_units_are_drawn_nearly_one_by_one() -> None:
    lengths = [
        block_length(np.random.default_rng(seed).standard_normal(1000), BlockRule.POLITIS_WHITE, Method.STATIONARY)
        for seed in range(20)
    ]
    assert np.median(lengths) <= 3


def test_the_cube_root_rule_and_a_given_number_are_taken_as_they_are() -> None:
    returns = np.random.default_rng(1).standard_normal(1000)
    assert block_length(returns, BlockRule.CUBE_ROOT, Method.MOVING) == 10
    assert block_length(returns, 37, Method.MOVING) == 37
    assert block_length(returns, 5000, Method.MOVING) == 1000


@given(
    returns=st.lists(st.floats(-1, 1), min_size=1, max_size=60),
    rule=st.sampled_from([*BlockRule]) | st.integers(1, 100),
    method=st.sampled_from(Method),
)
def test_a_block_is_never_shorter_than_a_unit_nor_longer_than_the_record(
    returns: list[float], rule: BlockRule | int, method: Method
) -> None:
    assert 1 <= block_length(np.array(returns), rule, method) <= len(returns)


def test_a_record_in_which_every_unit_is_the_same_needs_no_blocks() -> None:
    assert politis_white(np.full(100, 0.01), Method.STATIONARY) == 1.0
