"""The metrics of holding the recorded market, against pandas and empyrical; the luck of coins tossed over it."""

from pathlib import Path

import empyrical
import numpy as np
import pandas as pd
import pytest

from backtest.luck.overfitting import overfitting_of
from backtest.luck.trials import trials_of
from backtest.luck.verdict import Finding, luck_of
from backtest.metrics.returns import daily_sharpe, returns_of
from backtest.metrics.summary import metrics_of
from backtest.outcome import EquityCurve, RunOutcome
from domain.market import MINUTE_MS

YEARS = {2022: (525_600, 365), 2023: (525_519, 365)}
SHARES = 1_000


@pytest.fixture(scope="module")
def recorded(shared: Path) -> dict[int, pd.Series]:
    """Return a year of SOL's closes by the time they were known, gaps and all."""
    return {year: closes(shared / f"data/ohlcv/solusdt_1m_binance-spot_{year}-01_{year}-12.parquet") for year in YEARS}


def closes(path: Path) -> pd.Series:
    bars = pd.read_parquet(path, columns=["ts", "open", "close"])
    return pd.Series(bars["close"].to_numpy(), index=bars["ts"].to_numpy() + MINUTE_MS)


def held(prices: pd.Series) -> EquityCurve:
    """Return the account of one who bought a thousand at the first close and sat still."""
    equity = np.round(prices.to_numpy() * SHARES * 1e6).astype(np.int64)
    return EquityCurve(close_ms=prices.index.to_numpy(), equity_microusd=equity, starting_microusd=int(equity[0]))


def daily_by_pandas(prices: pd.Series) -> np.ndarray:
    """Return daily returns with pandas' own calendar; a close at midnight is the last of its day."""
    moments = pd.to_datetime(prices.index.to_numpy() - 1, unit="ms", utc=True)
    ends = pd.Series(prices.to_numpy(), index=moments).resample("D").last().ffill().to_numpy()
    return np.diff(np.concatenate([[prices.iloc[0]], ends])) / np.concatenate([[prices.iloc[0]], ends[:-1]])


@pytest.mark.parametrize("year", sorted(YEARS))
def test_holding_a_recorded_year_has_the_figures_that_empyrical_finds(
    recorded: dict[int, pd.Series], year: int
) -> None:
    prices, (n_minutes, n_days) = recorded[year], YEARS[year]
    assert len(prices) == n_minutes
    curve = held(prices)
    outcome = RunOutcome(run_id="held", symbols=("SOL-PERP",), is_simulated=False, curve=curve, trades=())
    ours, daily = metrics_of(outcome, {}), daily_by_pandas(prices)
    assert ours.n_days == len(daily) == n_days
    assert returns_of(curve) == pytest.approx(daily, abs=1e-12)
    assert ours.cagr_frac == pytest.approx(empyrical.annual_return(daily, annualization=365), rel=1e-9)
    assert ours.volatility_frac == pytest.approx(empyrical.annual_volatility(daily, annualization=365))
    assert ours.sharpe == pytest.approx(empyrical.sharpe_ratio(daily, annualization=365))
    assert ours.sortino == pytest.approx(empyrical.sortino_ratio(daily, annualization=365))
    depth = empyrical.max_drawdown(prices.pct_change().iloc[1:].to_numpy())
    assert ours.max_drawdown_frac == pytest.approx(-depth)
    fall = prices / prices.cummax() - 1
    assert ours.max_drawdown_bottomed_ms == fall.idxmin()
    peak = prices.loc[: fall.idxmin()].max()
    assert ours.max_drawdown_began_ms == prices.loc[: fall.idxmin()][lambda past: past == peak].index[-1]


def test_the_best_of_two_hundred_coins_over_a_real_year_is_called_luck(recorded: dict[int, pd.Series]) -> None:
    """Each coin says every day whether to be long or short: none knows anything, and the best looks like a find."""
    market = daily_by_pandas(recorded[2023])
    coins = np.random.default_rng(2023).choice([-1.0, 1.0], size=(len(market), 200)) * market[:, None]
    sharpes = np.array([daily_sharpe(np.ascontiguousarray(coin)) for coin in coins.T])
    best = np.ascontiguousarray(coins[:, int(sharpes.argmax())])
    luck = luck_of(
        best, n_trades=365, seed=1, trials=trials_of(sharpes, coins), overfitting=overfitting_of(coins, n_blocks=10)
    )
    alone = luck_of(best, n_trades=365, seed=1)
    assert luck.sharpe is not None
    assert luck.sharpe > 2.0
    assert alone.finding is Finding.PLAUSIBLE
    assert luck.finding in {Finding.BELOW_LUCK, Finding.TOO_SHORT}
    assert luck.trials.n_independent == pytest.approx(200, rel=0.02)
