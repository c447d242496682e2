"""How large an entry may be: every method names a size in lots, and the smallest wins.

The kernels are compiled and take plain numbers, so that a sweep sizes with the same arithmetic as the desk.
Conviction does not size: it decided that the trade is worth asking for. The gate may shrink, nothing enlarges.
"""

import math
from typing import Final

from domain.compiled import kernel
from domain.grid import steps_down
from risk.allocation import part_of
from risk.case import Case
from risk.exposure import MAX_MICROUSD
from risk.limits import RiskLimits, SizingPolicy

MAX_LOTS: Final = 10**15
MINUTES_PER_DAY: Final = 1440
FLOAT_NOISE: Final = 1e-12
ALLOCATION: Final = "allocation"
CORRELATION: Final = "correlation_cap"
DEPLOYMENT: Final = "deployment"
GATE: Final = "gate"
GRID: Final = "grid"
KELLY: Final = "kelly"
CAPS: Final = ("order_cap", "position_cap", "gross_exposure_cap", "margin_cap", "liquidation_cap")

Sizes = tuple[tuple[str, int], ...]


@kernel
def lots_within(budget: float, per_lot: float) -> int:
    """Return the most lots whose total `lots x per_lot` stays within the budget, 0 when there is none.

    Bounded by MAX_LOTS, which stands for "this method sets no bound". Both in micro-dollars (or any one unit).
    """
    if not (budget > 0.0 and per_lot >= 0.0):
        return 0
    if budget >= per_lot * MAX_LOTS:
        return MAX_LOTS
    lots = steps_down(budget, per_lot)
    # The grid forgives a millionth of a step; a budget forgives only the last digit of a float.
    return lots - 1 if lots * per_lot > budget * (1.0 + FLOAT_NOISE) else lots


@kernel
def lots_in_room(room_microusd: int, lot_notional_microusd: int) -> int:
    """Return the most lots whose notional fits the room left under a cap, exactly, in whole micro-dollars."""
    if room_microusd <= 0:
        return 0
    return room_microusd // lot_notional_microusd


@kernel
def lots_by_stop(equity_microusd: float, risk_frac: float, stop_loss_microusd: float) -> int:
    """Return the size that loses `risk_frac` of the equity at the stop, where one lot loses `stop_loss_microusd`."""
    return lots_within(equity_microusd * risk_frac, stop_loss_microusd)


@kernel
def lots_by_volatility(
    equity_microusd: float, daily_vol_target_frac: float, vol_bps: float, lot_notional_microusd: float
) -> int:
    """Return the size whose daily profit has a standard deviation of `daily_vol_target_frac` of the equity.

    vol_bps: of one-minute log returns, taken to a day by the square root of 1,440 minutes. A market that stands
    still (0) sets no bound.
    """
    daily_vol_frac = vol_bps / 1e4 * math.sqrt(MINUTES_PER_DAY)
    return lots_within(equity_microusd * daily_vol_target_frac, daily_vol_frac * lot_notional_microusd)


@kernel
def kelly_frac(n_wins: int, n_losses: int, win_sum_r: float, loss_sum_r: float) -> float:
    """Return the part of the equity to put at risk per trade that would have grown this record fastest, in [-1, 1].

    With win rate p, loss rate q = 1 - p, mean win b and mean loss a, both in R, the growth p ln(1 + f b) +
    q ln(1 - f a) is largest at f = p / a - q / b (Kelly 1956, for unequal stakes). Negative: better not traded.
    A record without losses bounds nothing (1), one without wins forbids everything (-1), an empty one is 0.
    """
    if n_wins + n_losses == 0:
        return 0.0
    if n_losses == 0:
        return 1.0
    if n_wins == 0:
        return -1.0
    win_rate = n_wins / (n_wins + n_losses)
    fraction = win_rate / (loss_sum_r / n_losses) - (1.0 - win_rate) / (win_sum_r / n_wins)
    return min(1.0, max(-1.0, fraction))


@kernel
def lots_by_liquidation(
    equity_microusd: float,
    gross_microusd: float,
    maintenance_microusd: float,
    maintenance_margin_frac: float,
    min_distance_frac: float,
    lot_notional_microusd: float,
) -> int:
    """Return the size that leaves the whole account `min_distance_frac` away from liquidation.

    It is `liquidation_distance_bps` of the account with the new position, solved for that position.
    """
    room = equity_microusd - maintenance_microusd - min_distance_frac * (gross_microusd + maintenance_microusd)
    cost_frac = maintenance_margin_frac + min_distance_frac * (1.0 + maintenance_margin_frac)
    return lots_within(room, cost_frac * lot_notional_microusd)


@kernel
def shrink_lots(lots: int, keep_frac: float) -> int:
    """Return the part of a size that the gate lets stand, rounded down; never more than `lots`."""
    return min(lots, steps_down(lots * keep_frac, 1.0))


@kernel
def cap_microusd(cap_usd: float) -> int:
    """Return a cap in dollars as whole micro-dollars, rounded down."""
    return steps_down(cap_usd * 1e6, 1.0)


def gross_cap_microusd(limits: RiskLimits, equity_microusd: int) -> int:
    """Return the most gross notional this equity may carry, rounded down."""
    return steps_down(limits.max_gross_exposure_frac * equity_microusd, 1.0)


def correlated_cap_microusd(limits: RiskLimits, equity_microusd: int) -> int:
    """Return the most notional that may move together on this equity, rounded down."""
    return steps_down(limits.max_correlated_exposure_frac * equity_microusd, 1.0)


@kernel
def wanted_lots(
    equity_microusd: int,
    lot_microusd: int,
    stop_loss_microusd: int,
    vol_bps: float,
    risk_frac: float,
    vol_target_frac: float,
    kelly_stake_frac: float,
) -> tuple[int, int, int]:
    """Return the lots by stop distance, by volatility target (NaN volatility: 0) and by Kelly's stake, in one call."""
    equity, lot, stop_loss = float(equity_microusd), float(lot_microusd), float(stop_loss_microusd)
    by_volatility = 0 if math.isnan(vol_bps) else lots_by_volatility(equity, vol_target_frac, vol_bps, lot)
    return lots_by_stop(equity, risk_frac, stop_loss), by_volatility, lots_by_stop(equity, kelly_stake_frac, stop_loss)


@kernel
def allowed_lots(
    equity_microusd: int,
    lot_microusd: int,
    position_lots: int,
    gross_microusd: int,
    initial_microusd: int,
    maintenance_microusd: int,
    order_cap_usd: float,
    position_cap_usd: float,
    gross_cap_frac: float,
    margin_cap_frac: float,
    initial_margin_frac: float,
    maintenance_margin_frac: float,
    min_distance_frac: float,
) -> tuple[int, int, int, int, int]:
    """Return the lots that the caps on order, position, gross exposure, margin and liquidation leave, in one call."""
    equity, lot = float(equity_microusd), float(lot_microusd)
    position_room = cap_microusd(position_cap_usd) - abs(position_lots) * lot_microusd
    gross_room = steps_down(gross_cap_frac * equity_microusd, 1.0) - gross_microusd
    margin_room = margin_cap_frac * equity_microusd - initial_microusd
    return (
        lots_in_room(cap_microusd(order_cap_usd), lot_microusd),
        lots_in_room(position_room, lot_microusd),
        lots_in_room(gross_room, lot_microusd),
        lots_within(margin_room, initial_margin_frac * lot_microusd),
        lots_by_liquidation(
            equity, float(gross_microusd), float(maintenance_microusd), maintenance_margin_frac, min_distance_frac, lot
        ),
    )


@kernel
def sleeve_lots(
    capital_microusd: int,
    lot_microusd: int,
    stop_loss_microusd: int,
    vol_bps: float,
    risk_frac: float,
    vol_target_frac: float,
    has_record: bool,
    kelly_stake_frac: float,
    gross_cap_frac: float,
    margin_cap_frac: float,
    initial_margin_frac: float,
) -> int:
    """Return the size that a sleeve's own capital bears, as if it were a whole account that holds nothing.

    Its stop, its volatility, its Kelly bet (when has_record), its gross exposure and its margin, each by the desk's
    own figures; the smallest wins. vol_target_frac 0: volatility has no say.
    """
    by_stop, by_volatility, by_kelly = wanted_lots(
        capital_microusd, lot_microusd, stop_loss_microusd, vol_bps, risk_frac, vol_target_frac, kelly_stake_frac
    )
    gross_room = steps_down(gross_cap_frac * capital_microusd, 1.0)
    by_margin = lots_within(margin_cap_frac * capital_microusd, initial_margin_frac * lot_microusd)
    lots = min(by_stop, lots_in_room(gross_room, lot_microusd), by_margin)
    if vol_target_frac > 0.0:
        lots = min(lots, by_volatility)
    return min(lots, by_kelly) if has_record else lots


def competing_sizes(case: Case, policy: SizingPolicy) -> Sizes:
    """Return (method, lots) for every method that competes; the smallest is the size of the order.

    A reference price off the instrument's grid leaves one size, 0 lots by "grid". Volatility not known gives 0:
    a size that cannot be judged is not taken. Kelly is silent until the record is long enough.
    """
    if not 0 < case.lot_notional_microusd < MAX_MICROUSD:
        return ((GRID, 0),)
    allocated = _allocated(case, policy) if case.portfolio.shares_out else ()
    return (*_wanted(case, policy), *_allowed(case), *allocated, *_unlike(case))


def kelly_of(case: Case) -> float:
    """Return the full Kelly fraction of the desk's own record."""
    record = case.counters
    return kelly_frac(record.n_wins, record.n_losses, record.win_sum_r, record.loss_sum_r)


def _has_record(case: Case, policy: SizingPolicy) -> bool:
    return policy.kelly_fraction > 0.0 and case.counters.n_trades >= policy.kelly_min_trades


def _wanted(case: Case, policy: SizingPolicy) -> Sizes:
    has_record = _has_record(case, policy)
    by_stop, by_volatility, by_kelly = wanted_lots(
        case.exposure.equity_microusd,
        case.lot_notional_microusd,
        case.stop_loss_per_lot_microusd,
        math.nan if case.realised_vol_bps is None else case.realised_vol_bps,
        policy.risk_per_trade_frac,
        policy.daily_vol_target_frac,
        policy.kelly_fraction * kelly_of(case) if has_record else 0.0,
    )
    sizes: Sizes = (("risk_per_trade", by_stop),)
    if policy.daily_vol_target_frac > 0.0:
        sizes = (*sizes, ("volatility", by_volatility))
    return (*sizes, (KELLY, by_kelly)) if has_record else sizes


def _allowed(case: Case) -> Sizes:
    limits, held, instrument = case.limits, case.exposure, case.instrument
    lots = allowed_lots(
        held.equity_microusd,
        case.lot_notional_microusd,
        held.position_lots,
        held.gross_notional_microusd,
        held.initial_margin_microusd,
        held.maintenance_margin_microusd,
        limits.max_order_notional_usd,
        limits.max_position_notional_usd,
        limits.max_gross_exposure_frac,
        limits.max_margin_usage_frac,
        instrument.initial_margin_frac,
        instrument.maintenance_margin_frac,
        limits.min_liquidation_distance_bps / 1e4,
    )
    return tuple(zip(CAPS, lots, strict=True))


def _allocated(case: Case, policy: SizingPolicy) -> Sizes:
    sleeve = case.proposal.strategy, case.proposal.symbol
    capital = part_of(case.exposure.equity_microusd, case.portfolio.share_1e9(sleeve, case.standing))
    has_record = _has_record(case, policy)
    lots = sleeve_lots(
        capital,
        case.lot_notional_microusd,
        case.stop_loss_per_lot_microusd,
        math.nan if case.realised_vol_bps is None else case.realised_vol_bps,
        policy.risk_per_trade_frac,
        policy.daily_vol_target_frac,
        has_record,
        policy.kelly_fraction * kelly_of(case) if has_record else 0.0,
        case.limits.max_gross_exposure_frac,
        case.limits.max_margin_usage_frac,
        case.instrument.initial_margin_frac,
    )
    return ((ALLOCATION, lots),)


def _unlike(case: Case) -> Sizes:
    if case.limits.max_correlated_exposure_frac <= 0.0 or case.alike_microusd == 0:
        return ()
    room = correlated_cap_microusd(case.limits, case.exposure.equity_microusd) - case.alike_microusd
    return ((CORRELATION, lots_in_room(room, case.lot_notional_microusd)),)
