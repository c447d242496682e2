"""An ordinary case before the risk desk: everything is fine unless a test says otherwise."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from domain.account import Position, Trade
from domain.decisions import ExitPlan, ExitReason, Proposal, Side
from domain.features import Regime
from domain.instrument import Instrument
from domain.market import DAY_MS, Bar, Reading, Snapshot
from domain.tick import RiskCheck
from risk.case import Case
from risk.counters import CountersView, RiskCounters
from risk.desk import RiskDesk
from risk.exposure import Exposure
from risk.limits import RiskLimits, SizingPolicy

NOON_MS = 20_000 * DAY_MS + DAY_MS // 2
EQUITY_MICROUSD = 10_000_000_000
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
PLAN = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.005,
    trail_arm_frac=0.005,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=240,
)


def reading(value: float) -> Reading:
    """Return a figure of the ordinary snapshot's moment."""
    return Reading(value=value, source="test", as_of_ms=NOON_MS)


def counters_view(**changes: Any) -> CountersView:
    """Return the memory of a desk that has seen one tick of today, with changes."""
    counters = RiskCounters()
    counters.on_tick(NOON_MS, EQUITY_MICROUSD)
    return replace(counters.view(), **changes)


def proposal(**changes: Any) -> Proposal:
    """Return a proposal to buy SOL at 100, with changes."""
    ordinary = Proposal(
        symbol="SOL-PERP",
        strategy="e3",
        side=Side.BUY,
        conviction_frac=0.5,
        reasons=("body over ATR",),
        exit_plan=PLAN,
        reference_price=100.0,
        as_of_ms=NOON_MS,
    )
    return replace(ordinary, **changes)


def snapshot(**changes: Any) -> Snapshot:
    """Return a fit snapshot at noon with a tight spread and mark on oracle, with changes."""
    bar = Bar(
        open_ms=NOON_MS - 60_000,
        close_ms=NOON_MS,
        open_price=100.0,
        high_price=101.0,
        low_price=99.0,
        close_price=100.0,
        volume_base=1_000.0,
    )
    ordinary = Snapshot(
        symbol="SOL-PERP",
        as_of_ms=NOON_MS,
        bar=bar,
        spread_bps=reading(2.0),
        mark=reading(100.0),
        oracle=reading(100.0),
    )
    return replace(ordinary, **changes)


def case(**changes: Any) -> Case:
    """Return a case that every entry rule lets pass, with changes."""
    ordinary = Case(
        proposal=proposal(),
        snapshot=snapshot(),
        now_ms=NOON_MS,
        instrument=SOL,
        limits=RiskLimits(),
        sizing=SizingPolicy(),
        counters=counters_view(),
        exposure=Exposure(equity_microusd=EQUITY_MICROUSD),
        realised_vol_bps=10.0,
    )
    return replace(ordinary, **changes)


def trade(net_microusd: int, closed_ms: int, risk_microusd: int = 50_000_000) -> Trade:
    """Return a closed trade of so much net profit."""
    return Trade(
        symbol="SOL-PERP",
        strategy="e3",
        side=Side.BUY,
        size_lots=100,
        entry_ticks=100_000,
        exit_ticks=100_000,
        gross_microusd=net_microusd,
        fees_microusd=0,
        funding_microusd=0,
        slippage_microusd=0,
        mae_bps=0.0,
        mfe_bps=0.0,
        exit_reason=ExitReason.STOP,
        regime=Regime.CHOP,
        conviction_frac=0.5,
        risk_microusd=risk_microusd,
        opened_ms=closed_ms - 60_000,
        closed_ms=closed_ms,
        n_bars=1,
        client_order_id=f"SOL-PERP-{closed_ms - 60_000}-entry",
    )


def position(size_lots: int) -> Position:
    """Return a position of so many signed lots, entered at 100."""
    return Position(
        symbol="SOL-PERP",
        strategy="e3",
        size_lots=size_lots,
        initial_lots=size_lots,
        entry_ticks=100_000,
        entry_cost_microusd=SOL.notional_microusd(size_lots, 100_000),
        exit_plan=PLAN,
        opened_ms=NOON_MS,
        client_order_id="SOL-PERP-0-entry",
    )


def ruled(desk: RiskDesk, put: Case, keep_frac: float) -> RiskCheck:
    """Put a case before the desk as the pipeline does: screened first, sized only when every entry rule passed."""
    screened = desk.screen(put)
    return screened if isinstance(screened, RiskCheck) else desk.rule_on(screened, keep_frac)
