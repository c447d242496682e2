import math

import numpy as np
import pytest

from backtest.luck.bootstrap import sharpe_interval
from backtest.metrics.returns import annual_sharpe

RETURNS = np.random.default_rng(8).normal(0.001, 0.02, size=400)


def test_the_seed_decides_and_nothing_else() -> None:
    assert sharpe_interval(RETURNS, seed=3) == sharpe_interval(RETURNS, seed=3)
    assert sharpe_interval(RETURNS, seed=3) != sharpe_interval(RETURNS, seed=4)


def test_drawing_in_several_goes_changes_nothing_but_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sharpe_interval(RETURNS, seed=3, n_resamples=4_000)
    monkeypatch.setattr("backtest.luck.bootstrap.DAYS_AT_ONCE", 40_000)
    parts = sharpe_interval(RETURNS, seed=3, n_resamples=4_000)
    assert whole is not None
    assert parts is not None
    assert (parts.low, parts.high) == (pytest.approx(whole.low, abs=0.15), pytest.approx(whole.high, abs=0.15))


def test_days_without_memory_give_the_width_of_the_textbook() -> None:
    """Of independent normal days the Sharpe ratio's standard error is sqrt((1 + SR^2 / 2) / T) a day (Lo 2002)."""
    interval = sharpe_interval(RETURNS, seed=1, n_resamples=4_000, mean_block_days=1.0)
    assert interval is not None
    daily = annual_sharpe(RETURNS) / math.sqrt(365)
    width = 2 * 1.6449 * math.sqrt((1 + daily**2 / 2) / 400) * math.sqrt(365)
    assert interval.high - interval.low == pytest.approx(width, rel=0.1)
    assert interval.low < annual_sharpe(RETURNS) < interval.high


def test_days_that_come_in_stretches_are_less_sure_than_their_number_says() -> None:
    stretches = np.repeat(np.random.default_rng(9).normal(0.001, 0.02, size=80), 5)
    in_blocks = sharpe_interval(stretches, seed=1, mean_block_days=20.0)
    alone = sharpe_interval(stretches, seed=1, mean_block_days=1.0)
    assert in_blocks is not None
    assert alone is not None
    assert in_blocks.high - in_blocks.low > 1.5 * (alone.high - alone.low)


def test_one_endless_block_is_the_record_itself() -> None:
    interval = sharpe_interval(RETURNS, seed=1, mean_block_days=1e15, n_resamples=50)
    assert interval is not None
    assert (interval.low, interval.high) == (pytest.approx(annual_sharpe(RETURNS)),) * 2


def test_the_size_of_the_bet_does_not_matter() -> None:
    one, other = sharpe_interval(RETURNS, seed=2), sharpe_interval(RETURNS * 3.0, seed=2)
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_too_little_to_draw_from_has_no_interval() -> None:
    assert sharpe_interval(RETURNS[:9], seed=1) is None
    assert sharpe_interval(np.zeros(100), seed=1) is None
    assert sharpe_interval(np.array([]), seed=1) is None


@pytest.mark.parametrize("wrong", [{"confidence_frac": 1.0}, {"mean_block_days": 0.5}, {"n_resamples": 0}])
def test_an_impossible_bootstrap_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="impossible"):
        sharpe_interval(RETURNS, seed=1, **wrong)
