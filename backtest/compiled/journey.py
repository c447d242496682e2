"""How a round trip is worked out: from the fill through the bars to the exit, with nobody's money.

Compiled, as `minute.py` and `exits.py` do it for an account. Bars far from every level are passed several at a time.
"""

from typing import Final

from backtest.compiled.columns import (
    AS_OF_MS,
    CLOSE,
    FLAGS,
    HALF_SPREAD_BPS,
    HAS_BAR,
    HIGH,
    HIGH_PRICE,
    INNER_HIGH,
    INNER_LOW,
    LONG_WORST,
    LOW,
    LOW_PRICE,
    OPEN_MS,
    OPEN_PRICE,
    SETTLES,
    SHORT_WORST,
    Columns,
)
from backtest.compiled.landmarks import (
    BOTTOM,
    HIGHEST_CLOSE,
    HIGHEST_WORST,
    IS_SETTLING,
    IS_WHOLE,
    LOWEST_CLOSE,
    LOWEST_WORST,
    SPAN_MINUTES,
    TOP,
    Landmarks,
)
from backtest.compiled.landmarks import HIGHEST as SPAN_HIGHEST
from backtest.compiled.landmarks import LOWEST as SPAN_LOWEST
from backtest.compiled.state import BY_STOP, BY_STRATEGY, BY_TARGET, BY_TIME, BY_TRAIL
from backtest.compiled.terms import Terms
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
    WHOLE,
    WHY,
    WordArray,
)
from backtest.outcome import IntArray
from domain.compiled import inner_kernel, kernel
from domain.market import MINUTE_MS
from domain.protection import initial_levels, trailed_stop
from execution.matching import NOTHING, protective_fills, taker_fill_ticks
from execution.matching import STOP as STOPPED
from strategy.rules import LONG_LEAVES, SHORT_LEAVES, SideArray

_STAY: Final = -1
_LONGEST_MS: Final = 2**31 - 1


@kernel
def work_out(
    row: WordArray,
    columns: Columns,
    landmarks: Landmarks,
    leaves: SideArray,
    terms: Terms,
    place: int,
    side: int,
    stop_frac: float,
) -> None:
    """Write into `row`, shape (N_WORDS,), the trip of an order sent after minute `place`.

    side: 1 or -1. leaves: when the order's strategy wants out, shape (n_minutes,).
    """
    ints, entered = columns.ints, _fills_at(columns.ints, terms.latency_bars, place)
    row[KNOWN] = ENDLESS
    if entered == len(ints):
        return
    bought = _fill_ticks(columns, terms, entered, side)
    stop, target, _ = initial_levels(side, bought, stop_frac, terms.target_frac, 0.0)
    row[ENTERED], row[BOUGHT], row[REACHED], row[FELL], row[N_HELD] = entered, bought, bought, bought, 0
    row[LOWEST] = row[HIGHEST] = ints[entered, CLOSE]
    row[FARTHEST] = ints[entered, LONG_WORST if side > 0 else SHORT_WORST]
    is_whole, is_funded = _hold(row, columns, landmarks, leaves, terms, side, stop, target)
    sent_ms, left_ms = ints[place, AS_OF_MS], ints[row[LEFT], AS_OF_MS]
    if not is_whole or left_ms - sent_ms > _LONGEST_MS:
        return
    closed_ms = ints[row[LEFT], OPEN_MS] + (0 if row[WHY] in (BY_TIME, BY_STRATEGY) else MINUTE_MS)
    row[OPENED], row[CLOSED] = ints[entered, OPEN_MS] - sent_ms, closed_ms - sent_ms
    row[LEFT_MS], row[KNOWN] = left_ms - sent_ms, FUNDED if is_funded else WHOLE


@inner_kernel
def _fills_at(ints: IntArray, latency_bars: int, place: int) -> int:
    """Return the minute at whose open an order sent after minute `place` is filled; the tape's length when none."""
    sent_ms, wait_bars = ints[place, AS_OF_MS], latency_bars
    for at in range(place + 1, len(ints)):
        if ints[at, FLAGS] & HAS_BAR and ints[at, OPEN_MS] >= sent_ms:
            if wait_bars == 0:
                return at
            wait_bars -= 1
    return len(ints)


@inner_kernel
def _hold(
    row: WordArray,
    columns: Columns,
    landmarks: Landmarks,
    leaves: SideArray,
    terms: Terms,
    side: int,
    stop: int,
    target: int,
) -> tuple[bool, bool]:
    """Go from the entry to the exit; return whether there was one, and whether funding was settled before it."""
    ints, n_minutes, at, reached_at = columns.ints, len(columns.ints), row[ENTERED], HIGH if side > 0 else LOW
    due_ms, leaving, why = ints[at, OPEN_MS] + terms.max_hold_ms, n_minutes, _STAY
    first_stop, is_funded = stop, False
    while at < n_minutes:
        if at % SPAN_MINUTES == 0 and at > row[ENTERED] and why == _STAY:
            span = landmarks.spans[at // SPAN_MINUTES]
            tightened = _tightened(row, terms, side, stop, span[SPAN_HIGHEST] if side > 0 else span[SPAN_LOWEST])
            if _is_quiet(span, side, tightened, target) and _stays(ints, leaves, at, side, due_ms):
                _take_span(row, span, side)
                stop, is_funded, at = tightened, is_funded or span[IS_SETTLING] != 0, at + SPAN_MINUTES
                continue
        is_funded = is_funded or (ints[at, FLAGS] & SETTLES != 0 and at > row[ENTERED])
        if ints[at, FLAGS] & HAS_BAR:
            if _is_over(row, columns, terms, at, side, stop, target, stop != first_stop, at == leaving, why):
                return True, is_funded
            _take_minute(row, ints[at], side)
            if ints[at, reached_at] == row[REACHED] or at == row[ENTERED]:
                stop = _tightened(row, terms, side, stop, row[REACHED])
        if why == _STAY:
            why = _reason_to_leave(ints, leaves, at, side, due_ms)
            leaving = n_minutes if why == _STAY else _send(row, ints, landmarks, terms, at)
        at += 1
    return False, is_funded


@inner_kernel
def _send(row: WordArray, ints: IntArray, landmarks: Landmarks, terms: Terms, place: int) -> int:
    """Send the order that closes after minute `place`; return the minute that fills it."""
    row[MEANT] = landmarks.marks[place]
    return _fills_at(ints, terms.latency_bars, place)


@inner_kernel
def _reason_to_leave(ints: IntArray, leaves: SideArray, place: int, side: int, due_ms: int) -> int:
    if ints[place, AS_OF_MS] >= due_ms:
        return BY_TIME
    return BY_STRATEGY if leaves[place] & (LONG_LEAVES if side > 0 else SHORT_LEAVES) else _STAY


@inner_kernel
def _stays(ints: IntArray, leaves: SideArray, first: int, side: int, due_ms: int) -> bool:
    """Say whether no minute of a span gives a reason to leave."""
    if ints[first + SPAN_MINUTES - 1, AS_OF_MS] >= due_ms:
        return False
    asked = 0
    for place in range(first, first + SPAN_MINUTES):
        asked |= leaves[place]
    return asked & (LONG_LEAVES if side > 0 else SHORT_LEAVES) == 0


@inner_kernel
def _tightened(row: WordArray, terms: Terms, side: int, stop: int, reached: int) -> int:
    """Return the stop once the market has reached so far."""
    best = side * max(side * row[REACHED], side * reached)
    return trailed_stop(side, stop, row[BOUGHT], best, terms.trail_frac, terms.trail_arm_frac)[0]


@inner_kernel
def _is_quiet(span: IntArray, side: int, stop: int, target: int) -> bool:
    """Say whether every minute of a span has a bar strictly between stop and target."""
    above, below = (target, stop) if side > 0 else (stop, target)
    return bool(span[IS_WHOLE] != 0 and span[BOTTOM] > below and span[TOP] < above)


@inner_kernel
def _take_span(row: WordArray, span: IntArray, side: int) -> None:
    row[N_HELD] += SPAN_MINUTES
    row[LOWEST], row[HIGHEST] = min(row[LOWEST], span[LOWEST_CLOSE]), max(row[HIGHEST], span[HIGHEST_CLOSE])
    if side > 0:
        row[REACHED], row[FELL] = max(row[REACHED], span[SPAN_HIGHEST]), min(row[FELL], span[SPAN_LOWEST])
        row[FARTHEST] = min(row[FARTHEST], span[LOWEST_WORST])
    else:
        row[REACHED], row[FELL] = min(row[REACHED], span[SPAN_LOWEST]), max(row[FELL], span[SPAN_HIGHEST])
        row[FARTHEST] = max(row[FARTHEST], span[HIGHEST_WORST])


@inner_kernel
def _take_minute(row: WordArray, minute: IntArray, side: int) -> None:
    row[N_HELD] += 1
    row[LOWEST], row[HIGHEST] = min(row[LOWEST], minute[CLOSE]), max(row[HIGHEST], minute[CLOSE])
    if side > 0:
        row[REACHED], row[FELL] = max(row[REACHED], minute[HIGH]), min(row[FELL], minute[LOW])
    else:
        row[REACHED], row[FELL] = min(row[REACHED], minute[LOW]), max(row[FELL], minute[HIGH])


@inner_kernel
def _is_over(
    row: WordArray,
    columns: Columns,
    terms: Terms,
    at: int,
    side: int,
    stop: int,
    target: int,
    is_trailing: bool,
    is_leaving: bool,
    why: int,
) -> bool:
    """Say whether the trip ends in this minute, and write how: by the order sent before, by stop or by target."""
    minute = columns.ints[at]
    row[FARTHEST] = min(row[FARTHEST], minute[LONG_WORST]) if side > 0 else max(row[FARTHEST], minute[SHORT_WORST])
    if is_leaving:
        row[LEFT], row[WHY], row[SOLD] = at, why, _fill_ticks(columns, terms, at, -side)
        return True
    above, below = (target, stop) if side > 0 else (stop, target)
    if minute[INNER_LOW] > below and minute[INNER_HIGH] < above:
        return False
    code, sold = _protected(columns, terms, at, side, stop, target)
    if code == NOTHING:
        return False
    row[LEFT], row[SOLD] = at, sold
    if code == STOPPED:
        row[MEANT], row[WHY] = stop, BY_TRAIL if is_trailing else BY_STOP
    else:
        row[MEANT], row[WHY] = target, BY_TARGET
    return True


@inner_kernel
def _protected(columns: Columns, terms: Terms, place: int, side: int, stop: int, target: int) -> tuple[int, int]:
    """Return what a bar does to stop and target, and the ticks it fills at."""
    bar, half_spread_bps = columns.floats[place], _half_spread_bps(columns, terms, place)
    _, _, code, _, sold = protective_fills(
        side,
        1,
        bar[OPEN_PRICE],
        bar[HIGH_PRICE],
        bar[LOW_PRICE],
        terms.tick,
        stop,
        target,
        0,
        0,
        half_spread_bps,
        terms.slippage_bps,
    )
    return code, sold


@inner_kernel
def _fill_ticks(columns: Columns, terms: Terms, place: int, trade_side: int) -> int:
    """Return what a taker gets at a minute's open."""
    cost_bps = _half_spread_bps(columns, terms, place) + terms.slippage_bps
    return taker_fill_ticks(trade_side, columns.floats[place, OPEN_PRICE], cost_bps, terms.tick)


@inner_kernel
def _half_spread_bps(columns: Columns, terms: Terms, place: int) -> float:
    measured = columns.floats[place, HALF_SPREAD_BPS]
    return float(terms.half_spread_bps if measured != measured else measured)
