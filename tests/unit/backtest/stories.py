"""A small made-up run of two markets, for everything that exports or reports one."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from backtest.outcome import EquityCurve, RunOutcome
from backtest.story import Deed, RunStory, SymbolTape, ToldTrade
from db.chain import RunHeader
from db.deeds import RefusalCount
from db.reading import RecordedRun
from domain.account import Fill, FundingPayment, Trade
from domain.decisions import ExitReason, Side
from domain.features import Regime
from domain.instrument import Instrument
from domain.market import MINUTE_MS

START_MS = 1_746_057_600_000
CASH = 10_000_000_000
N_MINUTES = 240
EVIL = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)> & \u2028 \"'"


def instrument(symbol: str, tick: str, lot: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size_price=Decimal(tick),
        lot_size_base=Decimal(lot),
        min_size_lots=1,
        initial_margin_frac=0.05,
        maintenance_margin_frac=0.03,
        liquidator_fee_frac=0.0075,
        funding_clamp_den=33,
    )


INSTRUMENTS = {
    "SOL-PERP": instrument("SOL-PERP", "0.001", "0.01"),
    "BTC-PERP": instrument("BTC-PERP", "0.1", "0.0001"),
}


def trade(**changes: Any) -> Trade:
    """Return a long of 2.50 SOL from 150.000 to 151.000, or what the changes make of it."""
    fields: dict[str, Any] = {
        "symbol": "SOL-PERP",
        "strategy": "e3",
        "side": Side.BUY,
        "size_lots": 250,
        "entry_ticks": 150_000,
        "exit_ticks": 151_000,
        "gross_microusd": 2_500_000,
        "fees_microusd": 300_000,
        "funding_microusd": -100_000,
        "slippage_microusd": 50_000,
        "mae_bps": 3.5,
        "mfe_bps": 70.25,
        "exit_reason": ExitReason.TARGET,
        "regime": Regime.BULL_TREND,
        "conviction_frac": 0.7,
        "risk_microusd": 4_000_000,
        "opened_ms": START_MS + 30 * MINUTE_MS,
        "closed_ms": START_MS + 90 * MINUTE_MS,
        "n_bars": 60,
        "client_order_id": "SOL-PERP-1-entry",
    }
    return Trade(**{**fields, **changes})


def curve(equities: list[int], start: int = CASH, first_ms: int = START_MS + MINUTE_MS) -> EquityCurve:
    return EquityCurve(
        close_ms=first_ms + np.arange(len(equities), dtype=np.int64) * MINUTE_MS,
        equity_microusd=np.array(equities, dtype=np.int64),
        starting_microusd=start,
    )


def tape(symbol: str, level: float, lots: int = 0) -> SymbolTape:
    """Return four hours around a level; held from minute 30 to 90; minute 100 has no bar."""
    places = np.arange(N_MINUTES)
    closes = level * (1 + 0.01 * np.sin(places / 9.0))
    opens = np.append(level, closes[:-1])
    reach = level * 0.001
    prices = np.column_stack([opens, np.maximum(opens, closes) + reach, np.minimum(opens, closes) - reach, closes])
    prices[100] = np.nan
    return SymbolTape(
        symbol=symbol,
        close_ms=START_MS + (places + 1) * MINUTE_MS,
        prices=prices,
        regime=np.where(places < 20, -1, places // 60).astype(np.int8),
        position_lots=np.where((places >= 30) & (places < 90), lots, 0).astype(np.int64),
    )


def fill(**changes: Any) -> Fill:
    fields: dict[str, Any] = {
        "client_order_id": "SOL-PERP-1-entry",
        "symbol": "SOL-PERP",
        "side": Side.BUY,
        "size_lots": 250,
        "price_ticks": 150_000,
        "fee_microusd": 150_000,
        "slippage_microusd": 25_000,
        "filled_ms": START_MS + 30 * MINUTE_MS,
    }
    return Fill(**{**fields, **changes})


def story(*, why: str = "explosive bar", is_simulated: bool = False, is_finished: bool = True) -> RunStory:
    """Return the run: one closed SOL long, one BTC short still open, two refusals."""
    closed = trade()
    net = closed.net_microusd
    leave = fill(
        client_order_id="SOL-PERP-1-entry-target",
        side=Side.SELL,
        price_ticks=151_000,
        filled_ms=closed.closed_ms,
        exit_reason=ExitReason.TARGET,
    )
    short = fill(
        client_order_id="BTC-PERP-2-entry",
        symbol="BTC-PERP",
        side=Side.SELL,
        size_lots=10,
        price_ticks=600_000,
        fee_microusd=0,
        slippage_microusd=0,
        filled_ms=START_MS + 200 * MINUTE_MS,
    )
    equities = [CASH] * 90 + [CASH + net] * 150
    equities[60] = CASH - 50_000_000
    return RunStory(
        run=_recorded(is_simulated=is_simulated, is_finished=is_finished),
        outcome=RunOutcome(
            run_id="made/up",
            symbols=tuple(INSTRUMENTS),
            is_simulated=is_simulated,
            curve=curve(equities),
            trades=(closed,),
        ),
        instruments=INSTRUMENTS,
        tapes=(tape("SOL-PERP", 150.0, 250), tape("BTC-PERP", 60_000.0)),
        deeds=(
            Deed(fill=fill(), why=why, tick_no=29),
            Deed(fill=leave, why="the target was reached", tick_no=None),
            Deed(fill=short, why=why, tick_no=199),
        ),
        trades=(ToldTrade(trade=closed, entry_why=why, exit_why="the target was reached", tick_no=29),),
        funding=(
            FundingPayment(
                symbol="SOL-PERP",
                position_lots=250,
                rate_quote_per_base_1e9=40_000_000,
                amount_microusd=-100_000,
                settled_ms=START_MS + 60 * MINUTE_MS,
                source="drift",
            ),
        ),
        refusals=(RefusalCount(asked="risk", rule="cooled_down", n_times=2, example=why),),
        outcomes={"no_signal": 470, "entered": 2, "refused": 8},
        failed_tests=((f"e3: {why}", 400),),
    )


def _recorded(*, is_simulated: bool, is_finished: bool) -> RecordedRun:
    return RecordedRun(
        run_no=1,
        header=RunHeader(
            run_id="made/up",
            command="backtest",
            settings_json='{"E3_VOLUME_Z":2.0,"SYMBOLS":["SOL-PERP","BTC-PERP"]}',
            code_version="0123abcd",
            data_identity="feed",
            symbols=tuple(INSTRUMENTS),
            instruments_json=msgspec.json.encode(list(INSTRUMENTS.values())).decode(),
            is_simulated=is_simulated,
        ),
        started_ms=START_MS,
        finished_ms=START_MS + 1 if is_finished else None,
        n_rows=500 if is_finished else None,
        chain_hash="ab" * 32 if is_finished else None,
        summary_json=None,
    )


def quiet_story() -> RunStory:
    """Return a run of one minute without a bar in which nothing was done."""
    told = story()
    tapes = tuple(
        replace(one, close_ms=one.close_ms[:1], prices=one.prices[:1] * np.nan, regime=one.regime[:1],
                position_lots=one.position_lots[:1])
        for one in told.tapes
    )  # fmt: skip
    outcome = replace(told.outcome, trades=(), curve=curve([CASH]))
    return replace(
        told, outcome=outcome, tapes=tapes, trades=(), deeds=(), funding=(), refusals=(), failed_tests=(), outcomes={}
    )
