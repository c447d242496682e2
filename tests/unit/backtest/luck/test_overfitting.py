import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.luck.overfitting import Overfitting, overfitting_of


def noise(seed: int, n_days: int, n_configurations: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, size=(n_days, n_configurations))


def by_definition(returns: np.ndarray, n_blocks: int) -> tuple[list[float], list[float], list[float]]:
    """Walk through the paper's steps one split at a time: logits, Sharpe ratios in and out of sample."""
    edges = [block * len(returns) // n_blocks for block in range(n_blocks + 1)]
    blocks = [returns[start:stop] for start, stop in pairwise(edges)]
    logits, inside, outside = [], [], []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        seen = np.vstack([blocks[block] for block in chosen])
        unseen = np.vstack([blocks[block] for block in range(n_blocks) if block not in chosen])
        seen_sharpes, unseen_sharpes = (part.mean(axis=0) / part.std(axis=0, ddof=1) for part in (seen, unseen))
        best = int(np.argmax(seen_sharpes))
        rank = int((unseen_sharpes < unseen_sharpes[best]).sum()) + 1
        share = rank / (returns.shape[1] + 1)
        logits.append(math.log(share / (1 - share)))
        inside.append(float(seen_sharpes[best]))
        outside.append(float(unseen_sharpes[best]))
    return logits, inside, outside


def test_two_configurations_and_two_halves_give_the_figures_worked_out_by_hand() -> None:
    """Sharpe ratios: A 1.414 then -0.707, B 0.707 then 2.121.

    First half in sample: A is best and the worse of two after it: w = 1/3, logit ln(1/2). Second half: B is best,
    and in the first half the worse: the same. It lost money once. In sample 1.414 and 2.121, out of sample
    -0.707 and 0.707: slope 1.414 / 0.707 = 2, intercept -0.707 - 2 * 1.414.
    """
    found = overfitting_of(np.array([[1.0, 0.0], [3.0, 1.0], [-1.0, 1.0], [0.0, 2.0]]), n_blocks=2)
    assert found.logits.tolist() == pytest.approx([math.log(0.5)] * 2)
    assert (found.pbo_frac, found.loss_frac) == (1.0, 0.5)
    assert found.degradation_slope == pytest.approx(2.0)
    assert found.degradation_intercept == pytest.approx(-math.sqrt(0.5) - 2 * math.sqrt(2))


@pytest.mark.parametrize(("n_days", "n_configurations", "n_blocks"), [(24, 3, 6), (53, 7, 8), (31, 1_200, 4)])
def test_the_quick_way_finds_what_the_definition_finds(n_days: int, n_configurations: int, n_blocks: int) -> None:
    returns = noise(n_days, n_days, n_configurations)
    logits, inside, outside = by_definition(returns, n_blocks)
    found = overfitting_of(returns, n_blocks)
    assert sorted(found.logits) == pytest.approx(sorted(logits))
    assert found.pbo_frac == pytest.approx(np.mean(np.array(logits) <= 0))
    assert found.loss_frac == pytest.approx(np.mean(np.array(outside) < 0))
    slope, intercept = np.polyfit(inside, outside, 1)
    assert (found.degradation_slope, found.degradation_intercept) == (pytest.approx(slope), pytest.approx(intercept))


def test_sixteen_blocks_can_be_halved_in_12870_ways() -> None:
    found = overfitting_of(noise(1, 64, 4))
    assert (found.n_blocks, found.n_splits) == (16, 12_870)
    assert np.isfinite(found.logits).all()


def test_choosing_the_best_of_pure_noise_is_a_coin() -> None:
    found = [overfitting_of(noise(seed, 160, 60), n_blocks=10).pbo_frac for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_a_configuration_that_is_truly_better_is_found_again() -> None:
    returns = noise(4, 320, 200)
    returns[:, 17] += 0.01
    found = overfitting_of(returns)
    assert found.pbo_frac < 0.01
    assert found.loss_frac < 0.01
    assert (found.logits > 3).mean() > 0.95


@given(st.integers(0, 1_000), st.floats(min_value=0.01, max_value=1_000))
def test_neither_the_size_of_the_bets_nor_the_order_of_configurations_matters(seed: int, scale: float) -> None:
    returns = noise(seed, 24, 5)
    order = np.random.default_rng(seed).permutation(5)
    one, other = overfitting_of(returns, 6), overfitting_of(returns[:, order] * scale, 6)
    assert one.logits == pytest.approx(other.logits)
    assert one.degradation_slope == pytest.approx(other.degradation_slope)


def test_configurations_that_are_all_the_same_tie_and_the_tie_counts_against_them() -> None:
    found = overfitting_of(np.tile(noise(3, 40, 1), 9), n_blocks=4)
    assert found.logits.tolist() == [0.0] * 6
    assert found.pbo_frac == 1.0


def test_configurations_that_never_trade_have_a_sharpe_of_zero() -> None:
    found = overfitting_of(np.zeros((16, 3)), n_blocks=4)
    assert (found.loss_frac, found.degradation_slope, found.logits.tolist()) == (0.0, None, [0.0] * 6)


@pytest.mark.parametrize(
    ("returns", "n_blocks", "word"),
    [
        (noise(1, 64, 4), 5, "even number"),
        (noise(1, 64, 4), 22, "even number"),
        (noise(1, 64, 4), 0, "even number"),
        (noise(1, 64, 1), 4, "at least two configurations"),
        (noise(1, 7, 4), 4, "fewer than two in each"),
        (np.full((64, 4), math.nan), 4, "not a number"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused(returns: np.ndarray, n_blocks: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        overfitting_of(returns, n_blocks)


def test_the_result_is_a_record_of_its_input() -> None:
    found: Overfitting = overfitting_of(noise(1, 20, 3), 4)
    assert (found.n_days, found.n_configurations, found.n_blocks, found.n_splits) == (20, 3, 4, 6)
