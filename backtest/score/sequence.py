"""What a choice of triggers comes to one after the other: all of them side by side, or one position a market."""

from typing import Final

import numpy as np

from backtest.outcome import FloatArray, IntArray
from backtest.score.ledger import BoolArray, Ledger
from domain.compiled import kernel

NEVER_MS: Final = np.iinfo(np.int64).min


def taken_one_at_a_time(ledger: Ledger, allowed: BoolArray) -> BoolArray:
    """Return which allowed triggers, shape (n,), find their market free.

    A trigger is skipped while an earlier taken one of its market is open; one that comes in the minute in which the
    other ended finds the market free. So a denial may free the market for the next trigger.
    """
    taken = np.zeros(ledger.n_triggers, dtype=np.bool_)
    free_from_ms = np.empty(len(ledger.market.names), dtype=np.int64)
    _take(taken, free_from_ms, ledger.market.places, ledger.triggered_ms, ledger.resolved_ms, allowed)
    return taken


def deepest_fall_bps(ledger: Ledger, taken: BoolArray) -> float:
    """Return how far the sum of the taken, shape (n,), fell from its highest in the order they ended; >= 0.

    The sum begins at zero, which counts as its first height.
    """
    return _added_up(ledger.net_bps, taken, resolved_order(ledger))[1]


def resolved_order(ledger: Ledger) -> IntArray:
    """Return the places of the triggers in the order their ends became known."""
    return np.argsort(ledger.resolved_ms, kind="stable")


class Columns:
    """What is known of each of many choices after a walk over them, shape (n_rows, 6)."""

    SUM_BPS, FALL_BPS, N_WON, N_TAKEN, TAKEN_SUM_BPS, TAKEN_FALL_BPS = range(6)


def walked(ledger: Ledger, allowed: BoolArray) -> FloatArray:
    """Return the `Columns` of each choice, shape (n_rows, 6). allowed: shape (n_rows, n)."""
    return _walked(
        allowed,
        ledger.market.places,
        len(ledger.market.names),
        ledger.triggered_ms,
        ledger.resolved_ms,
        ledger.net_bps,
        resolved_order(ledger),
    )


@kernel
def _take(
    taken: BoolArray,
    free_from_ms: IntArray,
    market: IntArray,
    triggered_ms: IntArray,
    resolved_ms: IntArray,
    allowed: BoolArray,
) -> int:
    free_from_ms[:] = NEVER_MS
    n_taken = 0
    for place in range(len(allowed)):
        taken[place] = allowed[place] and free_from_ms[market[place]] <= triggered_ms[place]
        if taken[place]:
            free_from_ms[market[place]] = resolved_ms[place]
            n_taken += 1
    return n_taken


@kernel
def _added_up(net_bps: FloatArray, taken: BoolArray, order: IntArray) -> tuple[float, float]:
    """Return the sum of the taken in this order, and its deepest fall."""
    total, peak, fall = 0.0, 0.0, 0.0
    # A factor instead of a branch: whether a trigger is taken is a coin's throw to the processor.
    for place in order:
        total += net_bps[place] * taken[place]
        peak = max(peak, total)
        fall = max(fall, peak - total)
    return total, fall


@kernel
def _walked(
    allowed: BoolArray,
    market: IntArray,
    n_markets: int,
    triggered_ms: IntArray,
    resolved_ms: IntArray,
    net_bps: FloatArray,
    order: IntArray,
) -> FloatArray:
    told = np.empty((allowed.shape[0], 6))
    taken = np.empty(allowed.shape[1], dtype=np.bool_)
    free_from_ms = np.empty(n_markets, dtype=np.int64)
    for row in range(allowed.shape[0]):
        n_won = 0
        for place in range(allowed.shape[1]):
            n_won += allowed[row, place] and net_bps[place] > 0.0
        told[row, 0], told[row, 1] = _added_up(net_bps, allowed[row], order)
        told[row, 2] = n_won
        told[row, 3] = _take(taken, free_from_ms, market, triggered_ms, resolved_ms, allowed[row])
        told[row, 4], told[row, 5] = _added_up(net_bps, taken, order)
    return told
