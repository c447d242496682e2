import numpy as np
import pytest

from backtest.score.coin_arm import coin_arm
from backtest.score.coins import against_coins, coin_gates
from backtest.score.ledger import ledger_of
from tests.unit.backtest.score.triggers import stories


def test_every_blind_gate_approves_exactly_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backtest.score.coins.CELLS_AT_ONCE", 4_000)
    for n_approved in (0, 1, 37, 99, 100):
        gates = np.concatenate(list(coin_gates(100, n_approved, 333, 5)))
        assert gates.shape == (333, 100)
        assert (gates.sum(axis=1) == n_approved).all()


def test_every_trigger_is_as_likely_to_be_approved_as_any_other() -> None:
    gates = np.concatenate(list(coin_gates(50, 20, 20_000, 5)))
    assert gates.mean(axis=0) == pytest.approx(0.4, abs=0.02)


def test_more_than_all_cannot_be_approved() -> None:
    with pytest.raises(ValueError, match="5 of 4"):
        next(coin_gates(4, 5, 10, 1))


def test_the_p_value_of_a_coin_is_uniform() -> None:
    """500 coins on one market: the p-values' distribution is nowhere far from the diagonal (Kolmogorov)."""
    net = np.random.default_rng(0).standard_t(4, 300) * 30.0
    p_values = []
    for seed in range(500):
        approved = np.random.default_rng(1_000 + seed).permutation(300) < 120
        drawn = np.concatenate([gates @ net for gates in coin_gates(300, 120, 999, seed)]) / 120
        p_values.append(against_coins(float(net[approved].mean()), drawn).p_value)
    ranked = np.sort(p_values)
    distance = np.abs(ranked - (np.arange(500) + 0.5) / 500).max()
    assert distance < 1.36 / np.sqrt(500)
    assert 0.03 <= (ranked <= 0.05).mean() <= 0.07


def test_a_p_value_is_never_zero_and_never_above_one() -> None:
    best = against_coins(10.0, np.zeros(999))
    assert (best.better_frac, best.worse_frac, best.p_value) == (0.001, 1.0, 0.002)
    assert against_coins(0.0, np.zeros(999)).p_value == 1.0


def test_approved_alone_and_approved_less_denied_rank_alike() -> None:
    """The sum of all is fixed, so a larger mean of the approved is a smaller one of the denied."""
    draws = np.random.default_rng(4)
    net, approved = draws.normal(0.0, 40.0, 200), draws.random(200) < 0.3
    n = int(approved.sum())
    gates = np.concatenate(list(coin_gates(200, n, 2_000, 9)))
    means = gates @ net / n
    deltas = means - (net.sum() - gates @ net) / (200 - n)
    by_mean = against_coins(float(net[approved].mean()), means)
    by_delta = against_coins(float(net[approved].mean() - net[~approved].mean()), deltas)
    assert by_mean.p_value == by_delta.p_value


def test_the_arm_of_coins_earns_the_mean_of_all_and_there_is_none_without_a_choice() -> None:
    draws = np.random.default_rng(4)
    net = draws.normal(3.0, 40.0, 400)
    arm = coin_arm(ledger_of(stories(net, np.arange(400) % 4 == 0, 20)), 4_000, 1)
    assert arm is not None
    assert arm.figures.mean_approved_bps == pytest.approx(net.mean(), abs=0.2)
    assert arm.figures.delta_bps == pytest.approx(0.0, abs=0.3)
    assert arm.figures.won_approved_frac == pytest.approx((net > 0).mean(), abs=0.01)
    assert arm.figures.sum_bps == pytest.approx(100 * net.mean(), abs=20.0)
    assert coin_arm(ledger_of(stories(net, [True] * 400, 20)), 1_000, 1) is None
