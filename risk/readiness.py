"""What sizes an entry and protects it, loaded before the first real one is waiting for it."""

from typing import Final

from domain.decisions import ExitPlan, Proposal, Side
from domain.instrument import Instrument
from domain.market import DAY_MS, Snapshot
from domain.protection import planned_levels
from risk.case import Case
from risk.counters import RiskCounters
from risk.desk import RiskDesk, Screened
from risk.exposure import Exposure, exposure_of
from risk.sizing import kelly_of

ASKED_MS: Final = DAY_MS
EQUITY_MICROUSD: Final = 10**12
PRICE_TICKS: Final = 10_000
VOL_BPS: Final = 10.0
KEPT_FRAC: Final = 0.5
PLAN: Final = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=0.5,
    partial_frac=0.5,
    max_hold_bars=1,
)


def make_ready(desk: RiskDesk) -> None:
    """Have a desk judge an entry that nobody asked for, beside a position that nobody holds.

    The desk remembers nothing, so nothing comes of it but that the kernels are loaded. It takes 40 ms, and a second or
    two where nothing has compiled them yet; the first order of a process would otherwise leave so much later.
    """
    symbol = next(iter(desk.instruments))
    case = _made_up(desk, desk.instruments[symbol])
    exposure_of(symbol, EQUITY_MICROUSD, {symbol: 1}, {symbol: PRICE_TICKS}, (), desk.instruments)
    planned_levels(PLAN, int(Side.BUY), PRICE_TICKS, 2)
    kelly_of(case)
    # Kelly's is the entry rules' one kernel; they themselves would refuse this case, which has no bar.
    desk.rule_on(Screened(case=case, passed=()), KEPT_FRAC)


def _made_up(desk: RiskDesk, instrument: Instrument) -> Case:
    # Of a strategy that is given a share of the capital, where it is shared out: without one there is nothing to size.
    strategies = {symbol: strategy for strategy, symbol in desk.portfolio.sleeves}
    counters = RiskCounters()
    counters.on_tick(ASKED_MS, EQUITY_MICROUSD)
    proposal = Proposal(
        symbol=instrument.symbol,
        strategy=strategies.get(instrument.symbol, "none"),
        side=Side.BUY,
        conviction_frac=1.0,
        reasons=(),
        exit_plan=PLAN,
        reference_price=PRICE_TICKS * instrument.tick,
        as_of_ms=ASKED_MS,
    )
    snapshot = Snapshot(symbol=instrument.symbol, as_of_ms=ASKED_MS, bar=None, defects=("it is made up",))
    exposure = Exposure(equity_microusd=EQUITY_MICROUSD)
    return desk.case(proposal, snapshot, exposure, counters.view(), ASKED_MS, VOL_BPS, alike_microusd=1)
