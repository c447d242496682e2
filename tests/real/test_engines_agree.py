"""On recorded markets too the compiled engine gives the desk's trades and equity, to the last micro-dollar."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import main
from domain.market import Snapshot
from settings import load_settings
from tests.flow.engines import by_the_desk, by_the_kernel

SOL_2023 = "data/ohlcv/solusdt_1m_binance-spot_2023-01_2023-12.parquet"
N_SETS = int(os.environ.get("TIDEGATE_PARAMETER_SETS", "3"))
"""How many random parameter sets; 50 over the whole year is the full count, and takes a quarter of an hour."""
N_MINUTES = None if N_SETS >= 50 else 30_000
HALT = "2023-03-17T00:00Z"
"""Where the shorter span begins: a week before the exchange stood still for 80 minutes."""

CHOICES: Mapping[str, tuple[float | str, ...]] = {
    "STRATEGIES": ("e3", "e3,funding_fade"),
    "E3_BODY_OVER_ATR": (0.3, 0.5, 0.8, 1.2),
    "E3_VOLUME_Z": (1.0, 2.0, 3.0),
    "E3_MAX_REALISED_VOL_BPS": (10, 30, 60),
    "E3_MIN_IMBALANCE_FRAC": (-1, 0, 0.2),
    "E3_MIN_MOVE_BPS": (0, 15, 40),
    "EXIT_STOP_PCT": (0.4, 1, 2),
    "EXIT_STOP_ATR": (0, 0, 4),
    "EXIT_TARGET_PCT": (0.5, 1, 2, 4),
    "EXIT_TRAIL_PCT": (0, 0.3, 0.8),
    "EXIT_TRAIL_ARM_PCT": (0.2, 0.5),
    "EXIT_PARTIAL_AT_R": (0, 1),
    "EXIT_MAX_HOLD_BARS": (15, 60, 240),
    "RISK_MAX_DRAWDOWN_PCT": (15, 99),
    "RISK_MAX_DAILY_LOSS_PCT": (2, 100),
    "RISK_MAX_CONSECUTIVE_LOSSES": (3, 1000),
    "RISK_COOLDOWN_AFTER_TRADE_S": (0, 300),
    "RISK_COOLDOWN_AFTER_LOSS_S": (0, 900),
    "SIZING_KELLY_FRACTION": (0, 0, 0.25),
    "SIZING_DAILY_VOL_TARGET_PCT": (0, 2),
    "PAPER_LATENCY_BARS": (0, 1),
    "PAPER_SLIPPAGE_BPS": (0, 1, 3),
    "FEATURE_VOLUME_BARS": (20, 60),
}


def random_knobs(seed: int) -> dict[str, str]:
    draws = np.random.default_rng(seed)
    return {name: str(values[int(draws.integers(len(values)))]) for name, values in CHOICES.items()}


@pytest.fixture(scope="module")
def year(shared: Path) -> list[Snapshot]:
    """Return SOL's recorded spot minutes of 2023, or the weeks around the exchange's halt."""
    given = {"FEED": "replay", "REPLAY_DATA": str(shared / SOL_2023)}
    given |= {} if N_MINUTES is None else {"REPLAY_FROM": HALT}
    feed = main.build_feed(load_settings(None, {}, given), N_MINUTES)

    async def drained() -> list[Snapshot]:
        taken: list[Snapshot] = []
        while (minute := await feed.next_minute()) is not None:
            taken += minute
        return taken

    return asyncio.run(drained())


@pytest.mark.parametrize("seed", range(N_SETS))
def test_both_engines_agree_exactly_over_a_recorded_market_with_its_gaps(year: list[Snapshot], seed: int) -> None:
    settings = load_settings(None, {}, random_knobs(seed))
    desk, kernel = by_the_desk(settings, year), by_the_kernel(settings, year)
    assert len(desk.trades) > 0
    assert kernel.trades == desk.trades
    assert kernel.equity_microusd == desk.equity_microusd


def test_the_recorded_span_holds_the_exchange_s_halt(year: list[Snapshot]) -> None:
    assert max(snapshot.n_missing_bars for snapshot in year) == 80
