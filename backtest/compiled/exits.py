"""Looking after an open position, compiled: what the desk's exit agent does, and a lane for quiet minutes."""

from backtest.compiled.columns import Columns
from backtest.compiled.ledger import Memory, remember_equity
from backtest.compiled.minute import shortage_microusd
from backtest.compiled.signals import Signals
from backtest.compiled.state import (
    AN_EXIT,
    BEST,
    BY_STRATEGY,
    BY_TIME,
    CASH,
    ENTRY,
    IS_TRAILING,
    LOTS,
    MARK,
    N_MARKS,
    OPENED_MS,
    PARTIAL,
    PARTIAL_LOTS,
    PENDING,
    SENT_LOTS,
    SENT_MS,
    SENT_REASON,
    SENT_REFERENCE,
    SENT_SIDE,
    STOP,
    STRATEGY,
    TARGET,
    WAIT_BARS,
    WORST,
)
from backtest.compiled.terms import Terms
from backtest.compiled.told import Told, tell_equity
from backtest.outcome import IntArray
from domain.compiled import kernel
from domain.grid import ON_GRID
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
    state[SENT_REFERENCE], state[SENT_REASON], state[SENT_MS] = state[MARK], reason, columns.as_of_ms[place]


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
    if columns.as_of_ms[place] - state[OPENED_MS] >= terms.max_hold_ms:
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
    state = memory.state
    side = 1 if state[LOTS] > 0 else -1
    n_minutes = len(columns.as_of_ms)
    while place < n_minutes:
        if not columns.has_bar[place] or columns.settles[place] or not _is_inside(state, columns, side, place):
            return place
        at_ticks = columns.long_worst_ticks[place] if side > 0 else columns.short_worst_ticks[place]
        if shortage_microusd(state, terms, at_ticks, 0) > 0:
            return place
        if reason_to_leave(state, columns, signals, terms, place) != STAY:
            return place
        _pass_minute(memory, columns, terms, told, side, place)
        place += 1
    return place


@kernel
def _is_inside(state: IntArray, columns: Columns, side: int, place: int) -> bool:
    low, high = columns.low_in_ticks[place], columns.high_in_ticks[place]
    if side > 0:
        nearest = min(state[TARGET], state[PARTIAL]) if state[PARTIAL_LOTS] > 0 else state[TARGET]
        return bool(low > state[STOP] + ON_GRID and high < nearest - ON_GRID)
    nearest = max(state[TARGET], state[PARTIAL]) if state[PARTIAL_LOTS] > 0 else state[TARGET]
    return bool(high < state[STOP] - ON_GRID and low > nearest + ON_GRID)


@kernel
def _pass_minute(memory: Memory, columns: Columns, terms: Terms, told: Told, side: int, place: int) -> None:
    state = memory.state
    high, low, close = columns.high_ticks[place], columns.low_ticks[place], columns.close_ticks[place]
    state[MARK] = close
    state[N_MARKS] += 1
    reached, fell = (high, low) if side > 0 else (low, high)
    if side * fell < side * state[WORST]:
        state[WORST] = fell
    if side * reached > side * state[BEST]:
        state[BEST] = reached
        trail(state, terms)
    equity = state[CASH] + state[LOTS] * (close - state[ENTRY]) * terms.unit
    remember_equity(state, memory.gauges, columns.as_of_ms[place], equity)
    tell_equity(told, state, columns, place, equity)
