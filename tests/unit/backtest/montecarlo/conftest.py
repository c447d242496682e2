"""Hand-made trades, units and bars, small enough to compute with a pencil."""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from backtest.montecarlo.units import Units
from backtest.outcome import EquityCurve, RunOutcome
from db.prices import PriceColumns
from domain.account import Trade
from domain.decisions import ExitReason, Side
from domain.features import Regime
from domain.instrument import Instrument
from domain.market import MINUTE_MS

START_MS = 1_746_057_600_000
CASH = 1_000_000_000
SOL = Instrument(
    symbol="SOL-PERP",
    tick_size_price=Decimal("0.001"),
    lot_size_base=Decimal("0.01"),
    min_size_lots=1,
    initial_margin_frac=0.05,
    maintenance_margin_frac=0.03,
    liquidator_fee_frac=0.0075,
    funding_clamp_den=33,
)


def trade(net_microusd: int, minute: int = 0, n_minutes: int = 2, **changes: object) -> Trade:
    """Return a trade that made `net_microusd`, opened at a minute after the start and held for some."""
    fields: dict[str, object] = {
        "symbol": "SOL-PERP",
        "strategy": "e3",
        "side": Side.BUY,
        "size_lots": 100,
        "entry_ticks": 100_000,
        "exit_ticks": 101_000,
        "gross_microusd": net_microusd,
        "fees_microusd": 0,
        "funding_microusd": 0,
        "slippage_microusd": 0,
        "mae_bps": 0.0,
        "mfe_bps": 0.0,
        "exit_reason": ExitReason.TARGET,
        "regime": Regime.CHOP,
        "conviction_frac": 0.6,
        "risk_microusd": 1_000_000,
        "opened_ms": START_MS + minute * MINUTE_MS,
        "closed_ms": START_MS + (minute + n_minutes) * MINUTE_MS,
        "n_bars": n_minutes,
        "client_order_id": f"SOL-PERP-{minute}-entry",
    }
    return Trade(**{**fields, **changes})  # type: ignore[arg-type]  # fields of a record, by name


def fixed_units(net: list[float], start: float, **changes: object) -> Units:
    """Return units of fixed stakes without costs."""
    values, none = np.array(net, dtype=np.float64), np.zeros(len(net))
    units = Units(net=values, slippage=none, fees=none, scale=np.ones(len(net)), is_compound=False, start=float(start))
    return units._replace(**changes)


def bars(prices: list[tuple[float, float]], symbol: str = "SOL-PERP") -> PriceColumns:
    """Return bars a minute apart from the start on, of (open, close)."""
    opens_ms = START_MS + MINUTE_MS * np.arange(len(prices), dtype=np.int64)
    opens, closes = zip(*prices, strict=True)
    return PriceColumns(
        symbol=symbol,
        open_ms=opens_ms,
        close_ms=opens_ms + MINUTE_MS,
        open_price=np.array(opens, dtype=np.float64),
        close_price=np.array(closes, dtype=np.float64),
    )


def outcome(trades: list[Trade], equity: list[int] | None = None, *, is_simulated: bool = False) -> RunOutcome:
    """Return a run with these trades. equity: at each following day's end; else cash after each trade, a day each."""
    ends = list(CASH + np.cumsum([one.net_microusd for one in trades])) if equity is None else equity
    ends = ends or [CASH]
    return RunOutcome(
        run_id="hand-made",
        symbols=("SOL-PERP",),
        is_simulated=is_simulated,
        curve=EquityCurve(
            close_ms=START_MS + 86_400_000 * (1 + np.arange(len(ends), dtype=np.int64)),
            equity_microusd=np.array(ends, dtype=np.int64),
            starting_microusd=CASH,
        ),
        trades=tuple(trades),
    )


@pytest.fixture
def made() -> SimpleNamespace:
    """Return the makers of this file."""
    return SimpleNamespace(
        trade=trade, units=fixed_units, bars=bars, outcome=outcome, SOL=SOL, START_MS=START_MS, CASH=CASH
    )


Maker = Callable[..., Units]
