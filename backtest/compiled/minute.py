"""One minute at the paper venue, compiled: funding, orders at the open, stop and target in the bar, liquidation."""

from backtest.compiled.columns import (
    CLOSE,
    FLAGS,
    HALF_SPREAD_BPS,
    HAS_BAR,
    HIGH,
    HIGH_PRICE,
    LONG_WORST,
    LOW,
    LOW_PRICE,
    OPEN_MS,
    OPEN_PRICE,
    RATE_1E9,
    SETTLES,
    SHORT_WORST,
    Columns,
)
from backtest.compiled.ledger import Memory, book_exit
from backtest.compiled.state import (
    AN_ENTRY,
    AN_EXIT,
    BEST,
    BY_LIQUIDATION,
    BY_PARTIAL,
    BY_STOP,
    BY_TARGET,
    BY_TRAIL,
    CASH,
    ENTRY,
    EXIT_VALUE,
    FEES,
    FUNDING,
    GROSS,
    INITIAL_LOTS,
    IS_TRAILING,
    LOTS,
    MARK,
    N_MARKS,
    NOBODY,
    OPENED_MS,
    PARTIAL,
    PARTIAL_LOTS,
    PENDING,
    PLAN_STOP_FRAC,
    SENT_LOTS,
    SENT_MS,
    SENT_REASON,
    SENT_REFERENCE,
    SENT_SIDE,
    SLIPPAGE,
    STOP,
    TARGET,
    WAIT_BARS,
    WORST,
)
from backtest.compiled.terms import Terms
from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.funding import funding_payment_microusd
from domain.market import MINUTE_MS
from domain.protection import initial_levels, partial_size_lots
from execution.fees import FEE_DENOMINATOR, fee
from execution.margin import LIQUIDATION_BUFFER_BPS, liquidation_lots, margin_requirement_microusd
from execution.matching import NOTHING, protective_fills, taker_fill_ticks
from execution.matching import STOP as STOPPED


@kernel
def shortage_of(cash_microusd: int, lots: int, entry_ticks: int, at_ticks: int, unit: int, margin_bps: int) -> int:
    """Return maintenance requirement less equity with the position valued at `at_ticks`; > 0 may be liquidated."""
    requirement = margin_requirement_microusd(lots * at_ticks * unit, margin_bps)
    return requirement - cash_microusd - lots * (at_ticks - entry_ticks) * unit


@kernel
def _shortage_microusd(state: IntArray, terms: Terms, at_ticks: int, buffer_bps: int) -> int:
    margin_bps = terms.maintenance_bps + buffer_bps
    return shortage_of(state[CASH], state[LOTS], state[ENTRY], at_ticks, terms.unit, margin_bps)


@kernel
def serve_minute(memory: Memory, columns: Columns, terms: Terms, place: int) -> None:
    """Carry out one minute on orders and position, in the order of `execution.minute.Minute`."""
    state, ints = memory.state, columns.ints
    flags = ints[place, FLAGS]
    if state[LOTS] != 0 and flags & SETTLES:
        amount = funding_payment_microusd(ints[place, RATE_1E9], state[LOTS], terms.lot_size_1e9)
        state[CASH] += amount
        state[FUNDING] += amount
    if flags & HAS_BAR:
        measured = columns.floats[place, HALF_SPREAD_BPS]
        half_spread_bps = terms.half_spread_bps if measured != measured else measured
        _fill_order(memory, columns, terms, place, half_spread_bps)
        if state[LOTS] != 0:
            _protect(memory, columns, terms, place, half_spread_bps)
        if state[LOTS] != 0:
            _liquidate(memory, columns, terms, place)
        _mark(state, ints, place)
    if state[LOTS] == 0 and state[PENDING] == AN_EXIT:
        state[PENDING] = NOBODY


@kernel
def _fill_order(memory: Memory, columns: Columns, terms: Terms, place: int, half_spread_bps: float) -> None:
    state, open_ms = memory.state, columns.ints[place, OPEN_MS]
    # A bar that opened before the decision cannot have filled the order.
    if state[PENDING] == NOBODY or open_ms < state[SENT_MS]:
        return
    if state[WAIT_BARS] > 0:
        state[WAIT_BARS] -= 1
        return
    cost_bps = half_spread_bps + terms.slippage_bps
    fill_ticks = taker_fill_ticks(state[SENT_SIDE], columns.floats[place, OPEN_PRICE], cost_bps, terms.tick)
    if state[PENDING] == AN_ENTRY:
        _enter(state, memory.gauges, terms, fill_ticks, open_ms)
    elif state[LOTS] != 0:
        lots = min(state[SENT_LOTS], abs(state[LOTS]))
        book_exit(memory, terms, lots, fill_ticks, state[SENT_REFERENCE], state[SENT_REASON], open_ms)
    state[PENDING] = NOBODY


@kernel
def _enter(state: IntArray, gauges: FloatArray, terms: Terms, fill_ticks: int, open_ms: int) -> None:
    side, lots = state[SENT_SIDE], state[SENT_LOTS]
    notional = lots * fill_ticks * terms.unit
    cost = fee(notional, terms.fee_numerator, FEE_DENOMINATOR)
    if margin_requirement_microusd(notional, terms.initial_bps) + cost > max(0, state[CASH]):
        return
    stop, target, partial = initial_levels(
        side, fill_ticks, gauges[PLAN_STOP_FRAC], terms.target_frac, terms.partial_at_r
    )
    partial_lots = partial_size_lots(lots, terms.partial_frac) if partial > 0 else 0
    state[CASH] -= cost
    state[LOTS] = state[INITIAL_LOTS] = side * lots
    state[ENTRY] = state[BEST] = state[WORST] = state[MARK] = fill_ticks
    state[STOP], state[TARGET], state[IS_TRAILING] = stop, target, 0
    state[PARTIAL_LOTS] = partial_lots
    state[PARTIAL] = partial if partial_lots > 0 else 0
    state[OPENED_MS] = open_ms
    state[N_MARKS] = state[GROSS] = state[FUNDING] = state[EXIT_VALUE] = 0
    state[FEES] = cost
    state[SLIPPAGE] = side * (fill_ticks - state[SENT_REFERENCE]) * lots * terms.unit


@kernel
def _protect(memory: Memory, columns: Columns, terms: Terms, place: int, half_spread_bps: float) -> None:
    state, bar = memory.state, columns.floats[place]
    side = 1 if state[LOTS] > 0 else -1
    partial_lots, partial_fill_ticks, code, exit_lots, exit_fill_ticks = protective_fills(
        side,
        abs(state[LOTS]),
        bar[OPEN_PRICE],
        bar[HIGH_PRICE],
        bar[LOW_PRICE],
        terms.tick,
        state[STOP],
        state[TARGET],
        state[PARTIAL],
        state[PARTIAL_LOTS],
        half_spread_bps,
        terms.slippage_bps,
    )
    # On the way to a stop that lies beyond the liquidation price the liquidator comes first.
    is_due = code == STOPPED and _shortage_microusd(state, terms, state[STOP], 0) > 0
    if is_due and _liquidate(memory, columns, terms, place):
        return
    close_ms = columns.ints[place, OPEN_MS] + MINUTE_MS
    if partial_lots > 0:
        book_exit(memory, terms, partial_lots, partial_fill_ticks, state[PARTIAL], BY_PARTIAL, close_ms)
        state[PARTIAL] = state[PARTIAL_LOTS] = 0
    if code == NOTHING:
        return
    if code == STOPPED:
        reason = BY_TRAIL if state[IS_TRAILING] == 1 else BY_STOP
        book_exit(memory, terms, exit_lots, exit_fill_ticks, state[STOP], reason, close_ms)
    else:
        book_exit(memory, terms, exit_lots, exit_fill_ticks, state[TARGET], BY_TARGET, close_ms)


@kernel
def _liquidate(memory: Memory, columns: Columns, terms: Terms, place: int) -> bool:
    state = memory.state
    side = 1 if state[LOTS] > 0 else -1
    at_ticks = columns.ints[place, LONG_WORST if side > 0 else SHORT_WORST]
    if _shortage_microusd(state, terms, at_ticks, 0) <= 0:
        return False
    fill_ticks = taker_fill_ticks(-side, float(at_ticks), terms.liquidator_fee_bps, 1.0)
    lots = liquidation_lots(
        _shortage_microusd(state, terms, at_ticks, LIQUIDATION_BUFFER_BPS),
        abs(state[LOTS]),
        at_ticks,
        fill_ticks,
        terms.maintenance_bps + LIQUIDATION_BUFFER_BPS,
        terms.unit,
    )
    close_ms = columns.ints[place, OPEN_MS] + MINUTE_MS
    book_exit(memory, terms, lots, fill_ticks, at_ticks, BY_LIQUIDATION, close_ms)
    return True


@kernel
def _mark(state: IntArray, ints: IntArray, place: int) -> None:
    """Do what `Books.mark` does: the position at the close, and how far the bar reached."""
    if state[LOTS] == 0:
        return
    high, low = ints[place, HIGH], ints[place, LOW]
    state[MARK] = ints[place, CLOSE]
    state[N_MARKS] += 1
    if state[LOTS] > 0:
        state[BEST], state[WORST] = max(state[BEST], high), min(state[WORST], low)
    else:
        state[BEST], state[WORST] = min(state[BEST], low), max(state[WORST], high)
