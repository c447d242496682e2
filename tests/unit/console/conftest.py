"""A small hand-made run of SOL-PERP with every kind of tick, for everything that shows one."""

import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec.structs import replace
from rich.console import Console

from desk.tally import RunSummary, Tally
from domain.account import Fill, FundingPayment, Trade
from domain.decisions import Approved, ApprovedOrder, ExitPlan, ExitReason, Proposal, Refusal, Side, Signal
from domain.features import Feature, Features, Regime
from domain.instrument import Instrument
from domain.market import MINUTE_MS, Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot
from domain.tick import GateExchange, Outcome, RiskCheck, TickRecord, TradingState

SYMBOL = "SOL-PERP"
START_MS = 1_746_057_600_000
CASH = 10_000_000_000
PLAN = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.005,
    trail_arm_frac=0.005,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=240,
)
SOL = Instrument(
    symbol=SYMBOL,
    tick_size_price=Decimal("0.001"),
    lot_size_base=Decimal("0.01"),
    min_size_lots=1,
    initial_margin_frac=0.05,
    maintenance_margin_frac=0.03,
    liquidator_fee_frac=0.0075,
    funding_clamp_den=33,
)
WAITING = Signal(
    strategy="e3",
    side=None,
    failed_mask=0b11,
    conviction_frac=0.0,
    reasons=("body is under 0.5 ATR", "volume z is under 2"),
)
MILD = Signal(
    strategy="funding_fade",
    side=None,
    failed_mask=0b110,
    conviction_frac=0.0,
    reasons=("funding is under 0.2 bps an hour", "premium is under 5 bps"),
)
FIRED = Signal(strategy="e3", side=Side.BUY, failed_mask=0, conviction_frac=0.65, reasons=("explosive bar, momentum",))
ENTRY = ApprovedOrder(
    client_order_id=f"{SYMBOL}-{START_MS + 3 * MINUTE_MS}-entry",
    symbol=SYMBOL,
    strategy="e3",
    side=Side.BUY,
    size_lots=3_377,
    reduce_only=False,
    reference_ticks=148_050,
    decided_ms=START_MS + 3 * MINUTE_MS,
    exit_plan=PLAN,
)
ENTRY_FILL = Fill(
    client_order_id=ENTRY.client_order_id,
    symbol=SYMBOL,
    side=Side.BUY,
    size_lots=3_377,
    price_ticks=148_080,
    fee_microusd=1_750_229,
    slippage_microusd=1_013_100,
    filled_ms=START_MS + 3 * MINUTE_MS,
)
STOP_FILL = Fill(
    client_order_id=f"{ENTRY.client_order_id}-stop",
    symbol=SYMBOL,
    side=Side.SELL,
    size_lots=3_377,
    price_ticks=146_570,
    fee_microusd=1_732_382,
    slippage_microusd=978_000,
    filled_ms=START_MS + 5 * MINUTE_MS,
    exit_reason=ExitReason.STOP,
)
PAYMENT = FundingPayment(
    symbol=SYMBOL,
    position_lots=3_377,
    rate_quote_per_base_1e9=1_500_000,
    amount_microusd=-50_655,
    settled_ms=START_MS + 5 * MINUTE_MS,
    source="drift",
)
TRADE = Trade(
    symbol=SYMBOL,
    strategy="e3",
    side=Side.BUY,
    size_lots=3_377,
    entry_ticks=148_080,
    exit_ticks=146_570,
    gross_microusd=-50_992_700,
    fees_microusd=3_482_611,
    funding_microusd=-50_655,
    slippage_microusd=1_991_100,
    mae_bps=104.0,
    mfe_bps=22.5,
    exit_reason=ExitReason.STOP,
    regime=Regime.BULL_TREND,
    conviction_frac=0.65,
    risk_microusd=49_996_485,
    opened_ms=START_MS + 3 * MINUTE_MS,
    closed_ms=START_MS + 5 * MINUTE_MS,
    n_bars=2,
    client_order_id=ENTRY.client_order_id,
)


def snapshot(minute: int, close_price: float = 148.05, *, is_simulated: bool = False) -> Snapshot:
    """Return the snapshot of one minute, with every reading known but open interest."""
    as_of_ms = START_MS + minute * MINUTE_MS
    return Snapshot(
        symbol=SYMBOL,
        as_of_ms=as_of_ms,
        bar=Bar(
            open_ms=as_of_ms - MINUTE_MS,
            close_ms=as_of_ms,
            open_price=147.9,
            high_price=max(148.41, close_price),
            low_price=min(147.85, close_price),
            close_price=close_price,
            volume_base=18_233.4,
            taker_buy_base=12_000.0,
        ),
        spread_bps=Reading(value=2.0, source="assumed", as_of_ms=START_MS),
        imbalance_frac=0.316,
        imbalance_source=ImbalanceSource.TAKER_FLOW,
        mark=Reading(value=148.07, source="drift", as_of_ms=START_MS),
        oracle=Reading(value=148.0, source="drift", as_of_ms=START_MS),
        premium_bps=Reading(value=4.73, source="drift", as_of_ms=START_MS),
        funding_rate_hourly_frac=Reading(value=0.0000123, source="drift", as_of_ms=START_MS),
        funding_settlement=FundingSettlement(rate_quote_per_base_1e9=1_500_000, settled_ms=as_of_ms, source="drift"),
        is_simulated=is_simulated,
    )


def features() -> Features:
    """Return warm features in a bull trend, open interest absent."""
    vector = np.full(len(Feature), np.nan)
    vector[Feature.BODY_OVER_ATR] = 0.31
    vector[Feature.VOLUME_Z] = 1.27
    vector[Feature.BOOK_IMBALANCE] = 0.316
    vector[Feature.PREMIUM_BPS] = 4.73
    vector[Feature.FUNDING_RATE_HOURLY_FRAC] = 0.0000123
    vector[Feature.REALISED_VOL_BPS] = 8.4
    vector[Feature.SPREAD_BPS] = 2.0
    vector[Feature.ATR_PRICE] = 0.171
    vector[Feature.RETURN_BPS] = 10.1
    vector[Feature.TREND_STRENGTH] = 2.4
    vector[Feature.DRAWDOWN_BPS] = 3.0
    vector[Feature.REGIME] = 1.0
    return Features(vector=vector)


def waiting(minute: int, **changes: object) -> TickRecord:
    """Return a tick in which nothing fired."""
    fields: dict[str, object] = {
        "tick_no": minute,
        "snapshot": snapshot(minute),
        "state": TradingState.ACTIVE,
        "outcome": Outcome.NO_SIGNAL,
        "why": "e3: body is under 0.5 ATR, volume z is under 2; funding_fade: funding is under 0.2 bps an hour",
        "features": features(),
        "signals": (WAITING, MILD),
        "equity_microusd": CASH,
        "cash_microusd": CASH,
    }
    return TickRecord(**{**fields, **changes})  # type: ignore[arg-type]  # fields of a record, by name


def proposal(minute: int) -> Proposal:
    """Return what E3 wanted at one minute."""
    return Proposal(
        symbol=SYMBOL,
        strategy="e3",
        side=Side.BUY,
        conviction_frac=0.65,
        reasons=("e3: explosive bar, momentum",),
        exit_plan=PLAN,
        reference_price=148.05,
        as_of_ms=START_MS + minute * MINUTE_MS,
    )


def refused(
    minute: int, rule: str = "cooled_down", reason: str = "the last losing trade closed 60 s ago"
) -> TickRecord:
    """Return a tick which risk refused."""
    return waiting(
        minute,
        outcome=Outcome.REFUSED,
        why=f"{rule}: {reason}",
        signals=(FIRED, MILD),
        proposal=proposal(minute),
        risk=RiskCheck(
            passed=("snapshot_is_fit", "snapshot_is_fresh"),
            sizes_lots=(),
            ruling=Refusal(rule=rule, reason=reason),
        ),
    )


def entered(minute: int = 3) -> TickRecord:
    """Return the tick that sent the entry."""
    return waiting(
        minute,
        outcome=Outcome.ENTERED,
        why="e3 buys 33.77 SOL on conviction 0.65",
        signals=(FIRED, MILD),
        proposal=proposal(minute),
        gate=GateExchange(
            request_id=f"{SYMBOL}-gate",
            backend="off",
            mode="off",
            prompt="",
            raw_reply=None,
            verdict=Approved(keep_frac=1.0, reason_code="gate_off", backend="off"),
        ),
        risk=RiskCheck(
            passed=("snapshot_is_fit", "snapshot_is_fresh", "spread_is_tight"),
            sizes_lots=(("risk_per_trade", 3_377), ("volatility", 4_210), ("order_cap", 6_754), ("kelly", 10**15)),
            ruling=ENTRY,
        ),
        orders=(ENTRY,),
    )


def filled(minute: int = 4) -> TickRecord:
    """Return the tick that learnt of the entry's fill."""
    return waiting(
        minute,
        fills=(ENTRY_FILL,),
        why="position held",
        equity_microusd=CASH - 2_763_329,
        cash_microusd=CASH - 1_750_229,
        position_lots=3_377,
    )


def closed(minute: int = 5) -> TickRecord:
    """Return the tick in which the stop was hit."""
    cash = CASH + TRADE.net_microusd
    return waiting(
        minute,
        snapshot=snapshot(minute, 146.4),
        fills=(STOP_FILL,),
        funding=(PAYMENT,),
        trades=(TRADE,),
        why="stop hit",
        equity_microusd=cash,
        cash_microusd=cash,
    )


@pytest.fixture
def instruments() -> Mapping[str, Instrument]:
    """Return the only market of the run."""
    return {SYMBOL: SOL}


@pytest.fixture
def run() -> list[TickRecord]:
    """Ten minutes: warming up, waiting, an entry, its fill, the stop, four refusals, an unfit minute."""
    cash = CASH + TRADE.net_microusd
    after = {"equity_microusd": cash, "cash_microusd": cash}
    return [
        waiting(1, outcome=Outcome.WARMING_UP, why="1 of 60 bars seen", features=None, signals=()),
        waiting(2),
        entered(3),
        filled(4),
        closed(5),
        *[_with(refused(minute), **after) for minute in range(6, 10)],
        _with(waiting(10, outcome=Outcome.UNFIT, why="gap of 2 minutes before this bar", signals=()), **after),
    ]


@pytest.fixture
def summary(run: list[TickRecord]) -> RunSummary:
    """Return what that run came to."""
    return summary_of(run)


@pytest.fixture
def page() -> Console:
    """Return a console 120 wide whose text can be read back."""
    return recording_console(120, 50)


@pytest.fixture
def page_of() -> Callable[[int, int], Console]:
    """Return the maker of consoles of any (width, height)."""
    return recording_console


@pytest.fixture
def made() -> SimpleNamespace:
    """Return the makers of this file, for tests that compose their own run."""
    return SimpleNamespace(
        waiting=waiting, refused=refused, entered=entered, filled=filled, closed=closed,
        features=features, snapshot=snapshot, summary_of=summary_of, ENTRY=ENTRY, TRADE=TRADE, SOL=SOL,
        ENTRY_FILL=ENTRY_FILL, STOP_FILL=STOP_FILL, PAYMENT=PAYMENT, CASH=CASH, START_MS=START_MS, PLAN=PLAN,
    )  # fmt: skip


def summary_of(run: list[TickRecord], *, is_simulated: bool = True) -> RunSummary:
    """Tally a run."""
    tally = Tally(starting_equity_microusd=CASH)
    for record in run:
        tally.add(record)
    return tally.summary("sol-2025-05", "ab" * 32, 0.25, is_simulated=is_simulated)


def _with(record: TickRecord, **changes: object) -> TickRecord:
    return replace(record, **changes)


def recording_console(width: int, height: int) -> Console:
    """Return a console that writes nowhere and remembers its text."""
    return Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=False)


@pytest.fixture(autouse=True)
def _activated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test see an activated environment, in which the program is called by `python`."""
    monkeypatch.setenv("VIRTUAL_ENV", ".venv")
