"""From an order to the end of its trade in one step: the round trip is known, what is left to do is the money."""

from backtest.compiled.columns import AS_OF_MS, FLAGS, RATE_1E9, SETTLES, Columns
from backtest.compiled.journey import work_out
from backtest.compiled.landmarks import Landmarks
from backtest.compiled.ledger import Memory, book_exit, remember_equity, remember_extreme
from backtest.compiled.minute import shortage_of
from backtest.compiled.signals import Signals
from backtest.compiled.state import (
    BEST,
    CASH,
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
    LOTS,
    N_MARKS,
    N_TOLD,
    NOBODY,
    OPENED_MS,
    PEAK,
    PENDING,
    PLAN_STOP_FRAC,
    SENT_LOTS,
    SENT_MS,
    SENT_REFERENCE,
    SENT_SIDE,
    SLIPPAGE,
    STRATEGY,
    TOLD_EQUITY,
    TROUGH,
    WORST,
)
from backtest.compiled.terms import Terms
from backtest.compiled.told import Told, tell_day, tell_flat
from backtest.compiled.trips import (
    BOUGHT,
    CLOSED,
    ENDLESS,
    ENTERED,
    FARTHEST,
    FELL,
    FUNDED,
    HIGHEST,
    KNOWN,
    LEFT,
    LEFT_MS,
    LOWEST,
    MEANT,
    N_HELD,
    OPENED,
    REACHED,
    SOLD,
    UNKNOWN,
    WHY,
    Trips,
    WordArray,
)
from backtest.outcome import IntArray
from domain.compiled import inner_kernel, kernel
from domain.funding import funding_payment_microusd
from domain.market import DAY_MS
from execution.fees import FEE_DENOMINATOR, fee
from execution.margin import margin_requirement_microusd


@inner_kernel
def leap(
    memory: Memory, columns: Columns, signals: Signals, terms: Terms, told: Told, trips: Trips, number: int
) -> int:
    """Carry the order just sent on signal `number` to the end of its trade; return the minute in which it ends.

    Where only the minutes tell what happens, nothing is done, and the minute after the signal's is returned.
    """
    state, row = memory.state, trips.table[trips.rows[number]]
    if terms.partial_at_r == 0.0 and row[KNOWN] == UNKNOWN:
        leaves, stop_frac = signals.leaves[state[STRATEGY]], memory.gauges[PLAN_STOP_FRAC]
        work_out(row, columns, trips.landmarks, leaves, terms, state[DECIDED], state[SENT_SIDE], stop_frac)
    cost = fee(state[SENT_LOTS] * row[BOUGHT] * terms.unit, terms.fee_numerator, FEE_DENOMINATOR)
    if not _can_be_known(state, columns.ints, terms, row, cost):
        return int(state[DECIDED] + 1)
    if row[ENTERED] > state[DECIDED] + 1:
        remember_equity(state, memory.gauges, columns.ints[row[ENTERED] - 1, AS_OF_MS], state[EQUITY])
    _enter(state, terms, row, cost)
    left_ms = state[SENT_MS] + row[LEFT_MS]
    day = _day_of(columns.ints, left_ms)
    if row[KNOWN] == FUNDED:
        tell_flat(told, state, columns.ints, row[ENTERED])
        _live(memory, columns, terms, told, trips.landmarks.marks, row[ENTERED], row[LEFT])
    else:
        _tell_minutes(state, columns.ints, terms, told, trips.landmarks.marks, row)
        _pass_days(state, terms, told, trips.landmarks, row, day)
        _pass_marks(memory, terms, trips.landmarks.marks, row)
    book_exit(memory, terms, state[SENT_LOTS], row[SOLD], row[MEANT], row[WHY], state[SENT_MS] + row[CLOSED])
    remember_equity(state, memory.gauges, left_ms, state[CASH])
    if len(told.minutes) > 0:
        told.minutes[row[LEFT]] = state[CASH]
    told.days[day] = state[TOLD_EQUITY] = state[CASH]
    state[N_TOLD] = row[LEFT] + 1
    return int(row[LEFT])


@inner_kernel
def _day_of(ints: IntArray, as_of_ms: int) -> int:
    """Return the tape's day to which a minute belongs, by its close; its row would cost a look far away in memory."""
    return int((as_of_ms - 1) // DAY_MS - (ints[0, AS_OF_MS] - 1) // DAY_MS)


@inner_kernel
def _can_be_known(state: IntArray, ints: IntArray, terms: Terms, row: WordArray, cost_microusd: int) -> bool:
    """Say whether the trip is whole, the venue takes the order at its fill, and no liquidator can come before the exit.

    The liquidator is asked as if all funding were paid before the minute that is worst for the position.
    """
    if terms.partial_at_r > 0.0 or row[KNOWN] == ENDLESS:
        return False
    lots, cash = state[SENT_SIDE] * state[SENT_LOTS], state[CASH] - cost_microusd
    if (
        margin_requirement_microusd(lots * row[BOUGHT] * terms.unit, terms.initial_bps)
        > max(0, state[CASH]) - cost_microusd
    ):
        return False
    if row[KNOWN] == FUNDED:
        for place in range(row[ENTERED] + 1, row[LEFT] + 1):
            if ints[place, FLAGS] & SETTLES:
                cash += min(0, funding_payment_microusd(ints[place, RATE_1E9], lots, terms.lot_size_1e9))
    return bool(shortage_of(cash, lots, row[BOUGHT], row[FARTHEST], terms.unit, terms.maintenance_bps) <= 0)


@inner_kernel
def _enter(state: IntArray, terms: Terms, row: WordArray, cost_microusd: int) -> None:
    """Do what `minute._enter` does, as far as an exit that is known looks at it."""
    side, lots = state[SENT_SIDE], state[SENT_LOTS]
    state[PENDING] = NOBODY
    state[CASH] -= cost_microusd
    state[LOTS] = state[INITIAL_LOTS] = side * lots
    state[ENTRY], state[OPENED_MS] = row[BOUGHT], state[SENT_MS] + row[OPENED]
    state[BEST], state[WORST], state[N_MARKS] = row[REACHED], row[FELL], row[N_HELD]
    state[GROSS] = state[FUNDING] = state[EXIT_VALUE] = 0
    state[FEES] = cost_microusd
    state[SLIPPAGE] = side * (row[BOUGHT] - state[SENT_REFERENCE]) * lots * terms.unit


@inner_kernel
def _tell_minutes(state: IntArray, ints: IntArray, terms: Terms, told: Told, marks: IntArray, row: WordArray) -> None:
    """Tell the equity of every minute up to the one before the exit, where somebody wants to know."""
    if len(told.minutes) == 0:
        return
    tell_flat(told, state, ints, row[ENTERED])
    cash, per_tick, entry = state[CASH], state[LOTS] * terms.unit, state[ENTRY]
    for place in range(row[ENTERED], row[LEFT]):
        told.minutes[place] = cash + per_tick * (marks[place] - entry)


@inner_kernel
def _pass_days(state: IntArray, terms: Terms, told: Told, landmarks: Landmarks, row: WordArray, day: int) -> None:
    """Tell the days that end between the entry and the exit's `day`, and with what equity the risk desk's last begins.

    A day of what is told ends with midnight's minute, one of the risk desk begins with it.
    """
    marks, entered, left_ms = landmarks.marks, row[ENTERED], state[SENT_MS] + row[LEFT_MS]
    cash, per_tick, entry = state[CASH], state[LOTS] * terms.unit, state[ENTRY]
    before = day
    while before > 0 and landmarks.closings[before - 1] >= entered:
        before -= 1
        told.days[before] = cash + per_tick * (marks[landmarks.closings[before]] - entry)
    if left_ms < state[DAY_END]:
        return
    opening = landmarks.openings[day + 1 if left_ms % DAY_MS == 0 else day]
    if opening < row[LEFT]:
        state[DAY_START] = cash + per_tick * (marks[opening] - entry)
        state[DAY_END] = (left_ms // DAY_MS + 1) * DAY_MS


@inner_kernel
def _pass_marks(memory: Memory, terms: Terms, marks: IntArray, row: WordArray) -> None:
    """Remember the equity of the minutes from the entry to the one before the exit: it follows the mark.

    Only where a new peak may lie among them does their order matter; else the worst one says it all.
    """
    state, gauges, entry, per_tick = memory.state, memory.gauges, row[BOUGHT], memory.state[LOTS] * terms.unit
    cash = state[CASH]
    best, worst = (row[HIGHEST], row[LOWEST]) if per_tick > 0 else (row[LOWEST], row[HIGHEST])
    if row[N_HELD] == 0:
        return
    if cash + per_tick * (best - entry) <= state[PEAK]:
        remember_extreme(state, gauges, cash + per_tick * (worst - entry))
        return
    peak, trough = state[PEAK], state[TROUGH]
    for place in range(row[ENTERED], row[LEFT]):
        equity = cash + per_tick * (marks[place] - entry)
        if equity > peak or equity < trough:
            remember_extreme(state, gauges, equity)
            peak, trough = state[PEAK], state[TROUGH]


@kernel
def _live(memory: Memory, columns: Columns, terms: Terms, told: Told, marks: IntArray, entered: int, left: int) -> None:
    """Go through the minutes from the entry's to the exit's: funding, equity, what is told of it."""
    state, ints, entry, unit = memory.state, columns.ints, memory.state[ENTRY], terms.unit
    cash, lots, peak, trough, day_end = state[CASH], state[LOTS], state[PEAK], state[TROUGH], state[DAY_END]
    equity = state[EQUITY]
    for place in range(entered, left + 1):
        if place > entered:
            tell_day(told, ints, place, equity)
            if ints[place, FLAGS] & SETTLES:
                amount = funding_payment_microusd(ints[place, RATE_1E9], lots, terms.lot_size_1e9)
                cash += amount
                state[FUNDING] += amount
        if place == left:
            break
        equity = cash + lots * (marks[place] - entry) * unit
        if equity > peak or equity < trough or ints[place, AS_OF_MS] >= day_end:
            remember_equity(state, memory.gauges, ints[place, AS_OF_MS], equity)
            peak, trough, day_end = state[PEAK], state[TROUGH], state[DAY_END]
        if len(told.minutes) > 0:
            told.minutes[place] = equity
    state[CASH] = cash
