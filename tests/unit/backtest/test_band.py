import itertools

import numpy as np
import pytest

from backtest.band import N_TRADES, band_of_run, resampled_sums
from backtest.outcome import EquityCurve, RunOutcome
from domain.errors import BadInput
from tests.unit.risk.cases import NOON_MS, trade

MINUTES = NOON_MS + 60_000 * np.arange(2_880, dtype=np.int64)


def outcome_of(results_r, equity=None):
    """Return a run of two days whose trades came to these results, at a risk of 50 USD each."""
    return RunOutcome(
        run_id="backtest-1",
        symbols=("SOL-PERP",),
        is_simulated=False,
        curve=EquityCurve(
            close_ms=MINUTES,
            equity_microusd=np.full(2_880, 10_000_000_000) if equity is None else equity,
            starting_microusd=10_000_000_000,
        ),
        trades=tuple(trade(round(one * 50_000_000), NOON_MS) for one in results_r),
    )


COIN = [1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0] * 10


def test_the_band_tells_the_backtests_own_figures():
    equity = np.full(2_880, 10_000_000_000)
    equity[1_000:] = 9_000_000_000
    band = band_of_run(outcome_of([2.0, -1.0, -1.0, 1.0] * 10, equity), seed=1)
    assert (band.n_trades, band.mean_r, band.win_rate_frac) == (40, 0.25, 0.5)
    assert band.trades_per_day == pytest.approx(20.0)
    assert band.max_drawdown_frac == pytest.approx(0.1)


def test_the_edges_of_a_fair_coin_are_those_of_the_binomial():
    """With blocks of one the sum of 40 throws has quantiles -10 and 10 (Binomial(40, 1/2): 15 and 25 wins)."""
    sums = resampled_sums(np.array([1.0, -1.0]), 20_000, 40, 1, seed=3)
    assert tuple(np.quantile(sums[:, 39], [0.05, 0.95])) == (-10.0, 10.0)


def test_every_block_is_a_stretch_of_neighbours_that_wraps():
    results = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    drawn = np.diff(resampled_sums(results, 50, 12, 3, seed=9), prepend=0.0)
    for row in drawn.reshape(50, 4, 3):
        for first, second in itertools.chain.from_iterable(itertools.pairwise(block) for block in row):
            assert second == (first + 1) % 5


def test_the_same_seed_draws_the_same_band_and_another_seed_a_near_one():
    band, again, other = (band_of_run(outcome_of(COIN), seed=seed) for seed in (5, 5, 6))
    assert band == again
    assert band.low_r != other.low_r
    assert np.allclose(band.low_r, other.low_r, atol=4.0)


def test_the_edges_widen_with_the_number_of_trades():
    band = band_of_run(outcome_of(COIN), seed=5)
    widths = np.subtract(band.high_r, band.low_r)
    assert band.ns == N_TRADES
    # Sums of whole R lie on a lattice, so that near numbers of trades may share an edge.
    assert (np.diff(widths) >= 0).all()
    assert widths[-1] > 3 * widths[0]


def test_false_alarms_are_fewer_the_wider_the_cap():
    caps = [band_of_run(outcome_of(COIN), seed=5, halted_at_frac=cap).halted_frac for cap in (0.0, 0.2, 1.0, 5.0)]
    assert caps == sorted(caps, reverse=True)
    assert caps[0] > 0.1
    assert caps[-1] == 0.0


def test_too_few_trades_and_results_that_are_all_alike_are_refused_by_name():
    with pytest.raises(BadInput, match="run backtest-1 has 29 trades; a band needs at least 30"):
        band_of_run(outcome_of([1.0] * 29), seed=1)
    with pytest.raises(BadInput, match=r"every trade of run backtest-1 came to 1.000 R"):
        band_of_run(outcome_of([1.0] * 30), seed=1)
