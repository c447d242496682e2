"""The simulated market beside recorded perpetuals: same tails, same clustering, same tie of volume to moves.

Measured over 28 simulated days per seed (7, 3, 11) and the four recorded windows (July 2023 and May 2025):

| one-minute figure                     | SOL recorded | SOL simulated | BTC recorded | BTC simulated |
|---------------------------------------|--------------|---------------|--------------|---------------|
| standard deviation of returns, bps    | 9.3 to 10.7  | 9.9 to 10.7   | 3.3 to 5.4   | 4.4 to 4.8 |
| kurtosis of returns                   | 10 to 178    | 9 to 24       | 10 to 258    | 16 to 21 |
| kurtosis without the wildest 0.1 %    | 6.4 to 11.1  | 7.1 to 9.3    | 8.0 to 12.5  | 6.6 to 9.8 |
| autocorrelation of moves, lag 1       | 0.23 to 0.26 | 0.27 to 0.32  | 0.25 to 0.35 | 0.27 to 0.32 |
| autocorrelation of moves, lag 10      | 0.15 to 0.16 | 0.20 to 0.24  | 0.18 to 0.24 | 0.17 to 0.24 |
| autocorrelation of moves, lag 60      | 0.10         | 0.11 to 0.14  | 0.11 to 0.16 | 0.09 to 0.16 |
| autocorrelation of returns, lag 1     | -0.024 to -0.016 | -0.010 to 0.026 | -0.005 to -0.002 | -0.007 to 0.017 |
| correlation of volume with moves      | 0.52 to 0.62 | 0.52 to 0.54  | 0.56 to 0.68 | 0.52 to 0.55 |
| autocorrelation of log volume, lag 1  | 0.65 to 0.67 | 0.64 to 0.67  | 0.70 to 0.72 | 0.65 to 0.70 |
| range of a minute over its mean move  | 1.81 to 1.83 | 1.71 to 1.72  | 1.53 to 1.63 | 1.71 to 1.72 |
| explosive minutes a day (body and z)  | 69 to 76     | 83 to 84      | 76 to 77     | 83 to 84 |
| minutes without volume                | 0.0000       | 0.0000        | 0.0000       | 0.0000 |

Fifteen further seeds, both symbols and nine figures were tried when the market was calibrated: 0 of 270 left the bands.
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pytest

from market.sim import SimFeed
from market.sim_parameters import SimParameters

OHLCV: Final = Path(__file__).parents[3] / "shared" / "data" / "ohlcv"
WINDOWS: Final = ("binance-usdm_2023-07_2023-08", "binance-usdm_2025-05_2025-05")
RECORDED: Final = {"SOL-PERP": "solusdt", "BTC-PERP": "btcusdt"}
DAYS: Final = 28
SEEDS: Final = (7, 3, 11)
SLACK: Final = 1.35
WIDEST: Final = 2.0
Figures = dict[str, float]

pytestmark = [
    pytest.mark.skipif(not OHLCV.is_dir(), reason="the recorded market data (shared/data) is not beside the project"),
    pytest.mark.parametrize("symbol", RECORDED),
]


def autocorrelation(series: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(series[:-lag], series[lag:])[0, 1])


def kurtosis(series: np.ndarray) -> float:
    centred = series - series.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)


def explosive_a_day(bars: pd.DataFrame) -> float:
    """Count minutes with a body of half an ATR(14) and a volume two deviations above its mean of 20."""
    before = bars.close.shift()
    true_range = pd.Series(np.maximum(bars.high, before) - np.minimum(bars.low, before))
    atr = true_range.ewm(alpha=1 / 14, adjust=False).mean()
    window = bars.volume.rolling(20)
    volume_z = (bars.volume - window.mean()) / window.std(ddof=0)
    return float((((bars.close - bars.open).abs() >= 0.5 * atr) & (volume_z >= 2.0)).mean() * 1_440)


def figures(bars: pd.DataFrame) -> Figures:
    returns = np.diff(np.log(bars.close.to_numpy())) * 1e4
    moves, volume = np.abs(returns), bars.volume.to_numpy()[1:]
    spans = np.log(bars.high.to_numpy() / bars.low.to_numpy()) * 1e4
    return {
        "std": float(returns.std()),
        "kurtosis": kurtosis(returns),
        "trimmed_kurtosis": kurtosis(np.clip(returns, *np.quantile(returns, (0.0005, 0.9995)))),
        "clustering_1": autocorrelation(moves, 1),
        "clustering_10": autocorrelation(moves, 10),
        "clustering_60": autocorrelation(moves, 60),
        "memory_1": autocorrelation(returns, 1),
        "volume_tie": float(np.corrcoef(volume, moves)[0, 1]),
        "volume_memory": autocorrelation(np.log1p(volume), 1),
        "range_over_move": float(spans.mean() / moves.mean()),
        "explosive_a_day": explosive_a_day(bars),
        "silent_frac": float((volume == 0.0).mean()),
    }


@cache
def recorded(symbol: str) -> tuple[Figures, ...]:
    paths = [OHLCV / f"{RECORDED[symbol]}_1m_{window}.parquet" for window in WINDOWS]
    return tuple(figures(pd.read_parquet(path)) for path in paths)


async def _bars(feed: SimFeed) -> pd.DataFrame:
    rows = []
    while (minute := await feed.next_minute()) is not None:
        bar = minute[0].bar
        assert bar is not None
        rows.append((bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base))
    return pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"])


@cache
def simulated(symbol: str, seed: int) -> Figures:
    return figures(asyncio.run(_bars(SimFeed(SimParameters(seed=seed), [symbol], DAYS * 1_440))))


def all_recorded(name: str) -> list[float]:
    return [found[name] for symbol in RECORDED for found in recorded(symbol)]


@pytest.mark.parametrize("seed", SEEDS)
def test_volatility_is_within_a_factor_of_two_of_every_recorded_window(symbol: str, seed: int) -> None:
    for window in recorded(symbol):
        assert window["std"] / WIDEST < simulated(symbol, seed)["std"] < window["std"] * WIDEST


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "name",
    [
        "kurtosis",
        "trimmed_kurtosis",
        "clustering_1",
        "clustering_10",
        "clustering_60",
        "volume_tie",
        "volume_memory",
        "range_over_move",
        "explosive_a_day",
    ],
)
def test_a_figure_lies_in_the_recorded_band(symbol: str, seed: int, name: str) -> None:
    """The band runs from the lowest to the highest recorded figure, with SLACK on either side."""
    band = all_recorded(name)
    assert min(band) / SLACK <= simulated(symbol, seed)[name] <= max(band) * SLACK


@pytest.mark.parametrize("seed", SEEDS)
def test_a_return_does_not_tell_the_next_one(symbol: str, seed: int) -> None:
    limit = max(0.03, *(abs(memory) for memory in all_recorded("memory_1")))
    assert abs(simulated(symbol, seed)["memory_1"]) < limit


@pytest.mark.parametrize("seed", SEEDS)
def test_minutes_without_volume_are_as_rare_as_recorded(symbol: str, seed: int) -> None:
    assert simulated(symbol, seed)["silent_frac"] <= max(all_recorded("silent_frac")) + 0.001


def test_the_tails_are_far_from_a_normal_distribution(symbol: str) -> None:
    assert min(simulated(symbol, seed)["trimmed_kurtosis"] for seed in SEEDS) > 5.0
