"""Everything a compiled run is told besides the tape: instrument, venue, exits, caps and sizes, as plain numbers."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np

from domain.errors import BadInput
from domain.grid import steps_nearest
from domain.instrument import MICROUSD_PER_USD, Instrument
from domain.market import MINUTE_MS
from domain.record import Record
from execution.account import Market
from execution.fees import TAKER_FEE_NUMERATORS
from execution.paper import PaperTerms
from risk.allocation import WHOLE_1E9, AllocationMethod
from risk.limits import RiskLimits, SizingPolicy
from risk.portfolio import Portfolio
from risk.sleeves import UNTRIED
from strategy.exits import WIDEST_STOP_FRAC, ExitRules

TermsArray = np.recarray[Any, np.dtype[np.void]]


class Rules(Record, frozen=True, kw_only=True):
    """The parts' own records of one parameter set, as `settings` makes them."""

    exits: ExitRules
    limits: RiskLimits
    sizing: SizingPolicy
    paper: PaperTerms
    portfolio: Portfolio = Portfolio()


class Terms(NamedTuple):
    """The figures of one run. Units are in the names, meanings are those of the records they come from."""

    tick: float
    unit: int
    lot_size_1e9: int
    min_size_lots: int
    initial_bps: int
    maintenance_bps: int
    liquidator_fee_bps: float
    initial_margin_frac: float
    maintenance_margin_frac: float
    starting_cash_microusd: int
    fee_numerator: int
    half_spread_bps: float
    slippage_bps: float
    latency_bars: int
    stop_frac: float
    stop_atr: float
    widest_stop_frac: float
    target_frac: float
    trail_frac: float
    trail_arm_frac: float
    partial_at_r: float
    partial_frac: float
    max_hold_ms: int
    max_daily_loss_frac: float
    max_drawdown_frac: float
    max_consecutive_losses: int
    cooldown_after_trade_ms: int
    cooldown_after_loss_ms: int
    order_cap_usd: float
    position_cap_usd: float
    gross_cap_frac: float
    max_mark_oracle_gap_bps: float
    max_spread_bps: float
    margin_cap_frac: float
    min_liquidation_distance_bps: float
    risk_per_trade_frac: float
    daily_vol_target_frac: float
    kelly_fraction: float
    kelly_min_trades: int
    share_1e9: int


_PACKED: Final = np.dtype(
    [(name, np.int64 if kind is int else np.float64) for name, kind in Terms.__annotations__.items()]
)


def packed(terms: Terms) -> Terms:
    """Return the same figures as one numpy record, read by the same names.

    Kernels hand a record on as an address; a tuple of forty numbers they would copy at every call.
    """
    return cast("Terms", packed_all([terms])[0])


def packed_all(many: Sequence[Terms]) -> TermsArray:
    """Return many sets of figures as one array of numpy records, shape (n,)."""
    return np.array([tuple(terms) for terms in many], dtype=_PACKED).view(np.recarray)


def terms_of(rules: Rules, instrument: Instrument) -> Terms:
    """Return the figures of one parameter set on one instrument. Raises BadInput for what is not compiled."""
    _require_compiled(rules)
    exits, limits, sizing, paper = rules.exits, rules.limits, rules.sizing, rules.paper
    market = Market.of(instrument)
    return Terms(
        tick=market.tick,
        unit=market.unit,
        lot_size_1e9=market.lot_size_1e9,
        min_size_lots=market.min_size_lots,
        initial_bps=market.initial_bps,
        maintenance_bps=market.maintenance_bps,
        liquidator_fee_bps=market.liquidator_fee_bps,
        initial_margin_frac=instrument.initial_margin_frac,
        maintenance_margin_frac=instrument.maintenance_margin_frac,
        starting_cash_microusd=steps_nearest(paper.starting_cash_usd, 1.0 / MICROUSD_PER_USD),
        fee_numerator=TAKER_FEE_NUMERATORS[paper.fee_tier],
        half_spread_bps=paper.half_spread_bps,
        slippage_bps=paper.slippage_bps,
        latency_bars=paper.latency_bars,
        stop_frac=exits.stop_frac,
        stop_atr=exits.stop_atr,
        widest_stop_frac=WIDEST_STOP_FRAC,
        target_frac=exits.target_frac,
        trail_frac=exits.trail_frac,
        trail_arm_frac=exits.trail_arm_frac,
        partial_at_r=exits.partial_at_r,
        partial_frac=exits.partial_frac if exits.partial_at_r > 0.0 else 0.0,
        max_hold_ms=exits.max_hold_bars * MINUTE_MS,
        max_daily_loss_frac=limits.max_daily_loss_frac,
        max_drawdown_frac=limits.max_drawdown_frac,
        max_consecutive_losses=limits.max_consecutive_losses,
        cooldown_after_trade_ms=limits.cooldown_after_trade_ms,
        cooldown_after_loss_ms=limits.cooldown_after_loss_ms,
        order_cap_usd=limits.max_order_notional_usd,
        position_cap_usd=limits.max_position_notional_usd,
        gross_cap_frac=limits.max_gross_exposure_frac,
        max_mark_oracle_gap_bps=limits.max_mark_oracle_gap_bps,
        max_spread_bps=limits.max_spread_bps,
        margin_cap_frac=limits.max_margin_usage_frac,
        min_liquidation_distance_bps=limits.min_liquidation_distance_bps,
        risk_per_trade_frac=sizing.risk_per_trade_frac,
        daily_vol_target_frac=sizing.daily_vol_target_frac,
        kelly_fraction=sizing.kelly_fraction,
        kelly_min_trades=sizing.kelly_min_trades,
        share_1e9=_share_1e9(rules.portfolio),
    )


def _require_compiled(rules: Rules) -> None:
    """Raise BadInput for what is not compiled: rejections, drawn from the names of orders, and graduated deployment."""
    if rules.paper.reject_frac > 0.0:
        raise BadInput("PAPER_REJECT_PCT must be 0 in the compiled engine; `backtest` draws rejections")
    deployment = rules.portfolio.deployment
    if deployment.is_graduated or deployment.band is not None:
        raise BadInput(
            "DEPLOYMENT_GRADUATED must be false and DEPLOYMENT_BAND_FILE empty in the compiled engine; `backtest` "
            "follows both"
        )


def _share_1e9(portfolio: Portfolio) -> int:
    """Return the share that every sleeve has whatever its record; all of it when capital is not shared out."""
    method = portfolio.allocation.method
    if method is AllocationMethod.NONE:
        return WHOLE_1E9
    if method is not AllocationMethod.EQUAL:
        raise BadInput(
            f"ALLOCATION_METHOD={method.value} follows each strategy's record, which the compiled engine does not "
            "keep; use none or equal there, or `backtest`"
        )
    return portfolio.share_1e9(portfolio.sleeves[0], UNTRIED)
