"""Makers of runs: trades of SOL-PERP and the account they ran in."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace

from backtest.outcome import EquityCurve, RunOutcome
from domain.account import Trade
from domain.decisions import ExitReason, Side
from domain.features import Regime
from domain.instrument import Instrument
from domain.market import DAY_MS, MINUTE_MS

START_MS = 20_209 * DAY_MS
SOL = Instrument(
    symbol="SOL-PERP",
    tick_size_price=Decimal("0.001"),
    lot_size_base=Decimal("0.1"),
    min_size_lots=1,
    initial_margin_frac=0.1,
    maintenance_margin_frac=0.05,
    liquidator_fee_frac=0.01,
    funding_clamp_den=20,
)
TRADE = Trade(
    symbol="SOL-PERP",
    strategy="e3",
    side=Side.BUY,
    size_lots=10,
    entry_ticks=100_000,
    exit_ticks=101_000,
    gross_microusd=1_000_000,
    fees_microusd=0,
    funding_microusd=0,
    slippage_microusd=0,
    mae_bps=10.0,
    mfe_bps=110.0,
    exit_reason=ExitReason.TARGET,
    regime=Regime.CHOP,
    conviction_frac=0.5,
    risk_microusd=500_000,
    opened_ms=START_MS,
    closed_ms=START_MS + MINUTE_MS,
    n_bars=1,
    client_order_id="x",
)


@pytest.fixture(scope="session")
def instruments() -> Mapping[str, Instrument]:
    """Return the only market: one tick on one lot is 100 micro-dollars."""
    return {SOL.symbol: SOL}


@pytest.fixture(scope="session")
def start_ms() -> int:
    """Return a midnight."""
    return START_MS


@pytest.fixture(scope="session")
def trade() -> Callable[..., Trade]:
    """Return a maker of trades: one minute from the start, one lot of a dollar won, with changes."""
    return lambda **changes: replace(TRADE, **changes)


@pytest.fixture(scope="session")
def curve() -> Callable[..., EquityCurve]:
    """Return a maker of curves of so many dollars, a step apart; the first step ends one step after the start."""

    def make(dollars: Sequence[float], starting: float, step_ms: int = MINUTE_MS) -> EquityCurve:
        equity = np.round(np.array(dollars) * 1e6).astype(np.int64)
        close_ms = START_MS + step_ms * np.arange(1, len(dollars) + 1)
        return EquityCurve(close_ms=close_ms, equity_microusd=equity, starting_microusd=round(starting * 1e6))

    return make


@pytest.fixture(scope="session")
def outcome() -> Callable[..., RunOutcome]:
    """Return a maker of runs from a curve and trades."""
    return lambda curve, *trades: RunOutcome(
        run_id="r", symbols=("SOL-PERP",), is_simulated=True, curve=curve, trades=trades
    )
