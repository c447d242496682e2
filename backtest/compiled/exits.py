"""Looking after an open position, compiled: what the desk's exit agent does, and a lane for quiet minutes."""

from backtest.compiled.columns import (
    AS_OF_MS,
    CLOSE,
    FLAGS,
    HAS_BAR,
    HIGH,
    INNER_HIGH,
    INNER_LOW,
    LONG_WORST,
    LOW,
    SETTLES,
    SHORT_WORST,
    Columns,
)
from backtest.compiled.ledger import Memory, remember_equity
from backtest.compiled.minute import shortage_of
from backtest.compiled.signals import Signals
from backtest.compiled.state import (
    AN_EXIT,
    BEST,
    BY_STRATEGY,
    BY_TIME,
    CASH,
    DAY_END,
    ENTRY,
    EQUITY,
    IS_TRAILING,
    LOTS,
    MARK,
    N_MARKS,
    OPENED_MS,
    PARTIAL,
    PARTIAL_LOTS,
    PEAK,
    PENDING,
    SENT_LOTS,
    SENT_MS,
    SENT_REASON,
    SENT_REFERENCE,
    SENT_SIDE,
    STOP,
    STRATEGY,
    TARGET,
    TROUGH,
    WAIT_BARS,
    WORST,
)
from backtest.compiled.terms import Terms
from backtest.compiled.told import Told, tell_day, tell_flat, tell_last
from backtest.outcome import IntArray
from domain.compiled import kernel
from domain.protection import trailed_stop
from strategy.rules import LONG_LEAVES, SHORT_LEAVES

STAY = -1


@kernel
def review_exit(state: IntArray, columns: Columns, signals: Signals, terms: Terms, place: int) -> None:
    """Trail the stop, and send an exit when time is up or the strategy wants out: `ExitAgent.review`."""
    trail(state, terms)
    if state[PENDING] == AN_EXIT:
        return
    reason = reason_to_leave(state, columns, signals, terms, place)
    if reason == STAY:
        return
    state[PENDING], state[WAIT_BARS] = AN_EXIT, terms.latency_bars
    state[SENT_SIDE], state[SENT_LOTS] = (-1 if state[LOTS] > 0 else 1), abs(state[LOTS])
    state[SENT_REFERENCE], state[SENT_REASON], state[SENT_MS] = state[MARK], reason, columns.ints[place, AS_OF_MS]


@kernel
def trail(state: IntArray, terms: Terms) -> None:
    """Move the stop behind the best price."""
    if terms.trail_frac == 0.0:
        return
    side = 1 if state[LOTS] > 0 else -1
    stop_ticks, is_trailing = trailed_stop(
        side, state[STOP], state[ENTRY], state[BEST], terms.trail_frac, terms.trail_arm_frac
    )
    if stop_ticks != state[STOP]:
        state[STOP] = stop_ticks
        state[IS_TRAILING] = 1 if is_trailing else 0


@kernel
def reason_to_leave(state: IntArray, columns: Columns, signals: Signals, terms: Terms, place: int) -> int:
    """Return why the position is to be closed after this minute, or STAY."""
    if columns.ints[place, AS_OF_MS] - state[OPENED_MS] >= terms.max_hold_ms:
        return BY_TIME
    wanted = LONG_LEAVES if state[LOTS] > 0 else SHORT_LEAVES
    if signals.leaves[state[STRATEGY], place] & wanted:
        return BY_STRATEGY
    return STAY


@kernel
def ride(memory: Memory, columns: Columns, signals: Signals, terms: Terms, told: Told, place: int) -> int:
    """Carry an open position through quiet minutes from `place` on; return the first that needs a closer look.

    Quiet: a bar strictly inside stop and targets, no funding, no liquidation, no exit to be sent after it. What such a
    minute does is done here: mark, reach, trail, equity. The rest of the engine never sees it.
    """
    state, ints, leaves = memory.state, columns.ints, signals.leaves[memory.state[STRATEGY]]
    side, first, equity = (1 if state[LOTS] > 0 else -1), place, state[EQUITY]
    wanted, worst_at = (LONG_LEAVES, LONG_WORST) if side > 0 else (SHORT_LEAVES, SHORT_WORST)
    reached_at, fell_at = (HIGH, LOW) if side > 0 else (LOW, HIGH)
    # Held in registers: the compiler cannot know that the arrays written to are not the arrays read from.
    cash, lots, entry, unit, margin_bps = state[CASH], state[LOTS], state[ENTRY], terms.unit, terms.maintenance_bps
    best, worst, peak, trough, day_end = state[BEST], state[WORST], state[PEAK], state[TROUGH], state[DAY_END]
    above, below = _nearest_levels(state, side)
    tell_flat(told, state, ints, first)
    due_ms = state[OPENED_MS] + terms.max_hold_ms
    while place < len(ints) and _is_inside(ints, place, above, below, due_ms):
        if leaves[place] & wanted or shortage_of(cash, lots, entry, ints[place, worst_at], unit, margin_bps) > 0:
            break
        as_of_ms = ints[place, AS_OF_MS]
        if place > first:
            tell_day(told, ints, place, equity)
        equity = cash + lots * (ints[place, CLOSE] - entry) * unit
        worst = side * min(side * worst, side * ints[place, fell_at])
        if side * ints[place, reached_at] > side * best:
            best = state[BEST] = ints[place, reached_at]
            above, below = _trailed(state, terms, side)
        if equity > peak or equity < trough or as_of_ms >= day_end:
            remember_equity(state, memory.gauges, as_of_ms, equity)
            peak, trough, day_end = state[PEAK], state[TROUGH], state[DAY_END]
        if len(told.minutes) > 0:
            told.minutes[place] = equity
        place += 1
    if place > first:
        state[N_MARKS] += place - first
        state[MARK], state[WORST], state[EQUITY] = ints[place - 1, CLOSE], worst, equity
        tell_last(told, state, ints, place - 1, equity)
    return place


@kernel
def _is_inside(ints: IntArray, place: int, above: int, below: int, due_ms: int) -> bool:
    """Say whether a minute has a bar strictly between two levels, settles no funding, and comes before `due_ms`."""
    if ints[place, FLAGS] & (HAS_BAR | SETTLES) != HAS_BAR or ints[place, AS_OF_MS] >= due_ms:
        return False
    return bool(ints[place, INNER_LOW] > below and ints[place, INNER_HIGH] < above)


@kernel
def _trailed(state: IntArray, terms: Terms, side: int) -> tuple[int, int]:
    trail(state, terms)
    return _nearest_levels(state, side)


@kernel
def _nearest_levels(state: IntArray, side: int) -> tuple[int, int]:
    """Return the nearest levels (above, below) in ticks at which something would fill."""
    gain = state[TARGET]
    if state[PARTIAL_LOTS] > 0:
        gain = side * min(side * gain, side * state[PARTIAL])
    return (gain, state[STOP]) if side > 0 else (state[STOP], gain)
