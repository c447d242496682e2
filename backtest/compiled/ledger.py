"""What an execution does to the books, and what a closed trade does to the risk desk's memory."""

from typing import Final, NamedTuple

from backtest.compiled.state import (
    BEST,
    BY_LIQUIDATION,
    CASH,
    CONVICTION,
    DAY_END,
    DAY_START,
    DECIDED,
    ENTRY,
    EQUITY,
    EXIT_VALUE,
    FEES,
    FUNDING,
    GROSS,
    INITIAL_LOTS,
    LAST_LOSS_MS,
    LAST_TRADE_MS,
    LOSS_SUM_R,
    LOTS,
    N_LOSSES,
    N_MARKS,
    N_RECORDED,
    N_TRADES,
    N_WINS,
    OPENED_MS,
    PEAK,
    RISK,
    SLIPPAGE,
    STRATEGY,
    STREAK,
    STREAK_DAY,
    TROUGH,
    WIN_SUM_R,
    WORST,
    WORST_DRAWDOWN,
    WORST_STREAK,
    TradeFloat,
    TradeInt,
)
from backtest.compiled.terms import Terms
from backtest.outcome import FloatArray, IntArray
from domain.compiled import inner_kernel
from domain.market import DAY_MS
from execution.fees import FEE_DENOMINATOR, fee

DECIDED_PLACE: Final = int(TradeInt.DECIDED_PLACE)
SPOKESMAN: Final = int(TradeInt.STRATEGY)
SIZE_LOTS: Final = int(TradeInt.SIZE_LOTS)
ENTRY_TICKS: Final = int(TradeInt.ENTRY_TICKS)
EXIT_TICKS: Final = int(TradeInt.EXIT_TICKS)
GROSS_OF: Final = int(TradeInt.GROSS)
FEES_OF: Final = int(TradeInt.FEES)
FUNDING_OF: Final = int(TradeInt.FUNDING)
SLIPPAGE_OF: Final = int(TradeInt.SLIPPAGE)
REASON_OF: Final = int(TradeInt.REASON)
RISK_OF: Final = int(TradeInt.RISK)
OPENED_OF: Final = int(TradeInt.OPENED_MS)
CLOSED_OF: Final = int(TradeInt.CLOSED_MS)
N_BARS_OF: Final = int(TradeInt.N_BARS)
MAE_BPS: Final = int(TradeFloat.MAE_BPS)
MFE_BPS: Final = int(TradeFloat.MFE_BPS)
CONVICTION_OF: Final = int(TradeFloat.CONVICTION)


class Memory(NamedTuple):
    """The arrays a run writes to. See `backtest.compiled.state`; trades have room for every signal of the tape."""

    state: IntArray
    gauges: FloatArray
    trades: IntArray
    estimates: FloatArray


@inner_kernel
def book_exit(
    memory: Memory, terms: Terms, lots: int, fill_ticks: int, reference_ticks: int, reason: int, filled_ms: int
) -> None:
    """Close `lots` (unsigned) of the position at a price; when nothing is left, put the trade on record."""
    state = memory.state
    side = 1 if state[LOTS] > 0 else -1
    gross = side * lots * (fill_ticks - state[ENTRY]) * terms.unit
    # A liquidator is paid by the price alone.
    cost = 0 if reason == BY_LIQUIDATION else fee(lots * fill_ticks * terms.unit, terms.fee_numerator, FEE_DENOMINATOR)
    state[CASH] += gross - cost
    state[GROSS] += gross
    state[FEES] += cost
    state[SLIPPAGE] += -side * (fill_ticks - reference_ticks) * lots * terms.unit
    state[EXIT_VALUE] += fill_ticks * lots
    state[LOTS] -= side * lots
    if state[LOTS] == 0:
        _record_trade(memory, side, fill_ticks, reason, filled_ms)
        _remember_trade(state, memory.gauges, filled_ms)


@inner_kernel
def _record_trade(memory: Memory, side: int, fill_ticks: int, reason: int, filled_ms: int) -> None:
    state, row, estimates = (
        memory.state,
        memory.trades[memory.state[N_TRADES]],
        memory.estimates[memory.state[N_TRADES]],
    )
    lots, entry_ticks = abs(state[INITIAL_LOTS]), state[ENTRY]
    row[DECIDED_PLACE], row[SPOKESMAN] = state[DECIDED], state[STRATEGY]
    row[SIZE_LOTS] = state[INITIAL_LOTS]
    row[ENTRY_TICKS] = entry_ticks
    row[EXIT_TICKS] = (state[EXIT_VALUE] * 2 + lots) // (2 * lots)
    row[GROSS_OF], row[FEES_OF], row[FUNDING_OF] = state[GROSS], state[FEES], state[FUNDING]
    row[SLIPPAGE_OF], row[REASON_OF], row[RISK_OF] = state[SLIPPAGE], reason, state[RISK]
    row[OPENED_OF], row[CLOSED_OF], row[N_BARS_OF] = state[OPENED_MS], filled_ms, state[N_MARKS] + 1
    # The last bar may have reached less far than the fill itself when the exit gapped.
    worst = min(side * state[WORST], side * fill_ticks) * side
    best = max(side * state[BEST], side * fill_ticks) * side
    estimates[MAE_BPS] = max(side * (entry_ticks - worst), 0) / entry_ticks * 1e4
    estimates[MFE_BPS] = max(side * (best - entry_ticks), 0) / entry_ticks * 1e4
    estimates[CONVICTION_OF] = memory.gauges[CONVICTION]
    state[N_TRADES] += 1


@inner_kernel
def _remember_trade(state: IntArray, gauges: FloatArray, closed_ms: int) -> None:
    """Do what `RiskCounters.on_trade` does."""
    net = state[GROSS] - state[FEES] + state[FUNDING]
    state[LAST_TRADE_MS] = max(state[LAST_TRADE_MS], closed_ms)
    if net < 0:
        state[LAST_LOSS_MS] = max(state[LAST_LOSS_MS], closed_ms)
    day = closed_ms // DAY_MS
    if day > state[STREAK_DAY]:
        state[STREAK_DAY] = day
        state[STREAK] = state[WORST_STREAK] = 0
    if day == state[STREAK_DAY]:
        state[STREAK] = state[STREAK] + 1 if net < 0 else 0
        state[WORST_STREAK] = max(state[WORST_STREAK], state[STREAK])
    if state[RISK] <= 0:
        return
    net_r = net / state[RISK]
    state[N_RECORDED] += 1
    if net_r > 0.0:
        state[N_WINS] += 1
        gauges[WIN_SUM_R] += net_r
    elif net_r < 0.0:
        state[N_LOSSES] += 1
        gauges[LOSS_SUM_R] -= net_r


@inner_kernel
def remember_equity(state: IntArray, gauges: FloatArray, as_of_ms: int, equity_microusd: int) -> None:
    """Do what `RiskCounters.on_tick` does. A second call with the same figures changes nothing."""
    state[EQUITY] = equity_microusd
    if as_of_ms >= state[DAY_END]:
        state[DAY_START] = equity_microusd
        state[DAY_END] = (as_of_ms // DAY_MS + 1) * DAY_MS
    remember_extreme(state, gauges, equity_microusd)


@inner_kernel
def remember_extreme(state: IntArray, gauges: FloatArray, equity_microusd: int) -> None:
    """Take an equity as far as peak and drawdown go."""
    if equity_microusd > state[PEAK]:
        state[PEAK] = state[TROUGH] = equity_microusd
    elif equity_microusd < state[TROUGH]:
        state[TROUGH] = equity_microusd
        peak = state[PEAK]
        fall_frac = (peak - equity_microusd) / peak if peak > 0 else 1.0
        gauges[WORST_DRAWDOWN] = max(gauges[WORST_DRAWDOWN], fall_frac)
