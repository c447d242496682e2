"""Whether a signal becomes an order, compiled: the risk desk's entry rules, its sizes, and the venue's own check."""

from backtest.compiled.ledger import Memory
from backtest.compiled.signals import Signals
from backtest.compiled.state import (
    AN_ENTRY,
    CASH,
    CONVICTION,
    DAY_START,
    DECIDED,
    LAST_LOSS_MS,
    LAST_TRADE_MS,
    LOSS_SUM_R,
    N_LOSSES,
    N_RECORDED,
    N_WINS,
    PEAK,
    PENDING,
    PLAN_STOP_FRAC,
    RISK,
    SENT_LOTS,
    SENT_MS,
    SENT_REFERENCE,
    SENT_SIDE,
    STRATEGY,
    STREAK_DAY,
    WAIT_BARS,
    WIN_SUM_R,
    WORST_DRAWDOWN,
    WORST_STREAK,
)
from backtest.compiled.terms import Terms
from backtest.compiled.trips import (
    SEEN_ATR,
    SEEN_CLOSE,
    SEEN_MARK,
    SEEN_MS,
    SEEN_ORACLE,
    SEEN_SPREAD,
    SEEN_VOLATILITY,
    Trips,
)
from backtest.outcome import FloatArray, IntArray
from domain.compiled import inner_kernel
from domain.grid import steps_nearest
from domain.market import DAY_MS
from execution.admission import MAX_NOTIONAL_MICROUSD
from execution.fees import FEE_DENOMINATOR, fee
from execution.margin import margin_requirement_microusd
from risk.allocation import WHOLE_1E9, part_of
from risk.exposure import MAX_MICROUSD, liquidation_distance_bps, stop_distance_ticks
from risk.rules import FLOAT_NOISE, NOISE_BPS
from risk.sizing import allowed_lots, kelly_frac, sleeve_lots, wanted_lots

GO_ON, IT_IS_OVER = range(2)


@inner_kernel
def consider(memory: Memory, signals: Signals, terms: Terms, trips: Trips, number: int) -> int:
    """Ask of signal `number`, on a flat desk, whether it may add risk, and send its order when it may.

    IT_IS_OVER when a rule refused that refuses for the rest of the run, whatever comes.
    """
    state, gauges, seen = memory.state, memory.gauges, trips.seen[trips.rows[number]]
    has_record = terms.kelly_fraction > 0.0 and state[N_RECORDED] >= terms.kelly_min_trades
    kelly = kelly_frac(state[N_WINS], state[N_LOSSES], gauges[WIN_SUM_R], gauges[LOSS_SUM_R]) if has_record else 0.0
    if (has_record and kelly <= 0.0) or gauges[WORST_DRAWDOWN] >= terms.max_drawdown_frac:
        return IT_IS_OVER
    as_of_ms = int(seen[SEEN_MS])
    if not (_market_is_sound(seen, terms) and _account_may_trade(state, terms, as_of_ms)):
        return GO_ON
    close_price, side, stop_frac = seen[SEEN_CLOSE], int(signals.sides[number]), terms.stop_frac
    if terms.stop_atr != 0.0:
        atr_price = seen[SEEN_ATR]
        if atr_price == atr_price and atr_price != 0.0:
            stop_frac = terms.stop_atr * atr_price / close_price
        stop_frac = min(stop_frac, terms.widest_stop_frac)
    reference_ticks = steps_nearest(close_price, terms.tick) if close_price / terms.tick < MAX_MICROUSD else 0
    stake_frac = terms.kelly_fraction * kelly if has_record else 0.0
    lots = _lots(state, terms, side, reference_ticks, stop_frac, seen[SEEN_VOLATILITY], has_record, stake_frac)
    if lots < terms.min_size_lots or not _order_may_leave(state, terms, lots, reference_ticks):
        return GO_ON
    state[PENDING], state[WAIT_BARS], state[SENT_MS] = AN_ENTRY, terms.latency_bars, as_of_ms
    state[SENT_SIDE], state[SENT_LOTS], state[SENT_REFERENCE] = side, lots, reference_ticks
    state[STRATEGY], state[DECIDED] = signals.strategies[number], signals.places[number]
    state[RISK] = lots * stop_distance_ticks(side, reference_ticks, stop_frac) * terms.unit
    gauges[PLAN_STOP_FRAC], gauges[CONVICTION] = stop_frac, signals.convictions[number]
    return GO_ON


@inner_kernel
def _market_is_sound(seen: FloatArray, terms: Terms) -> bool:
    """Ask `mark_agrees_with_oracle` and `spread_is_tight`."""
    mark, oracle, spread_bps = seen[SEEN_MARK], seen[SEEN_ORACLE], seen[SEEN_SPREAD]
    has_mark, has_oracle = mark == mark, oracle == oracle
    if has_mark != has_oracle:
        return False
    if has_mark:
        if mark <= 0.0 or oracle <= 0.0:
            return False
        if abs(mark - oracle) / oracle * 1e4 > terms.max_mark_oracle_gap_bps + NOISE_BPS:
            return False
    return bool(spread_bps <= terms.max_spread_bps)


@inner_kernel
def _account_may_trade(state: IntArray, terms: Terms, as_of_ms: int) -> bool:
    """Ask the rules on the day's loss, the drawdown now, the losing streak and the cooldowns, of a flat account."""
    equity, start, peak = state[CASH], state[DAY_START], state[PEAK]
    if start <= 0 or (start - equity) / start >= terms.max_daily_loss_frac:
        return False
    if (peak - equity) / peak >= terms.max_drawdown_frac if peak > 0 else True:
        return False
    if as_of_ms // DAY_MS == state[STREAK_DAY] and state[WORST_STREAK] >= terms.max_consecutive_losses:
        return False
    if as_of_ms - state[LAST_LOSS_MS] < terms.cooldown_after_loss_ms:
        return False
    return bool(as_of_ms - state[LAST_TRADE_MS] >= terms.cooldown_after_trade_ms)


@inner_kernel
def _lots(
    state: IntArray,
    terms: Terms,
    side: int,
    reference_ticks: int,
    stop_frac: float,
    volatility_bps: float,
    has_record: bool,
    stake_frac: float,
) -> int:
    """Return the smallest of the competing sizes of a flat account: `risk.sizing.competing_sizes`."""
    equity, lot_microusd = state[CASH], reference_ticks * terms.unit
    if not 0 < lot_microusd < MAX_MICROUSD:
        return 0
    stop_loss = stop_distance_ticks(side, reference_ticks, stop_frac) * terms.unit
    by_stop, by_volatility, by_kelly = wanted_lots(
        equity,
        lot_microusd,
        stop_loss,
        volatility_bps,
        terms.risk_per_trade_frac,
        terms.daily_vol_target_frac,
        stake_frac,
    )
    lots = by_stop
    if terms.daily_vol_target_frac > 0.0:
        lots = min(lots, by_volatility)
    if has_record:
        lots = min(lots, by_kelly)
    lots = min(lots, _lots_under_caps(equity, lot_microusd, terms))
    if terms.share_1e9 == WHOLE_1E9:
        return lots
    return min(lots, _lots_on_its_share(equity, terms, lot_microusd, stop_loss, volatility_bps, has_record, stake_frac))


@inner_kernel
def _lots_on_its_share(
    equity: int,
    terms: Terms,
    lot_microusd: int,
    stop_loss: int,
    volatility_bps: float,
    has_record: bool,
    stake_frac: float,
) -> int:
    """Return the size "allocation": what the share of the capital bears that every strategy has."""
    return sleeve_lots(
        part_of(equity, terms.share_1e9),
        lot_microusd,
        stop_loss,
        volatility_bps,
        terms.risk_per_trade_frac,
        terms.daily_vol_target_frac,
        has_record,
        stake_frac,
        terms.gross_cap_frac,
        terms.margin_cap_frac,
        terms.initial_margin_frac,
    )


@inner_kernel
def _lots_under_caps(equity_microusd: int, lot_microusd: int, terms: Terms) -> int:
    """Return the most lots that all caps leave a flat account."""
    caps = allowed_lots(
        equity_microusd,
        lot_microusd,
        0,
        0,
        0,
        0,
        terms.order_cap_usd,
        terms.position_cap_usd,
        terms.gross_cap_frac,
        terms.margin_cap_frac,
        terms.initial_margin_frac,
        terms.maintenance_margin_frac,
        terms.min_liquidation_distance_bps / 1e4,
    )
    return min(caps[0], caps[1], caps[2], caps[3], caps[4])


@inner_kernel
def _order_may_leave(state: IntArray, terms: Terms, lots: int, reference_ticks: int) -> bool:
    """Ask the size rules that compare floats, and whether the venue's margin check would take the order.

    The caps on notionals are whole numbers that the sizes meet exactly; they need no second look.
    """
    equity, notional = state[CASH], lots * reference_ticks * terms.unit
    if notional * terms.initial_margin_frac > max(0.0, terms.margin_cap_frac * equity * (1.0 + FLOAT_NOISE)):
        return False
    distance_bps = liquidation_distance_bps(float(equity), float(notional), notional * terms.maintenance_margin_frac)
    if distance_bps < terms.min_liquidation_distance_bps - NOISE_BPS or notional > MAX_NOTIONAL_MICROUSD:
        return False
    cost = fee(notional, terms.fee_numerator, FEE_DENOMINATOR)
    return bool(margin_requirement_microusd(notional, terms.initial_bps) + cost <= max(0, equity))
