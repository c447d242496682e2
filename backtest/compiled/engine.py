"""The compiled engine: the desk's whole tick, minute after minute, in machine code. Read `walk` first.

It gives the trades and the equity of the event engine to the last micro-dollar, and it is quick because it does not
look at minutes on which nothing can happen: a flat desk goes from signal to signal, a quiet position rides.
"""

import numpy as np

from backtest.compiled.columns import AS_OF_MS, Columns
from backtest.compiled.entries import IT_IS_OVER, consider
from backtest.compiled.exits import review_exit, ride
from backtest.compiled.leap import leap
from backtest.compiled.ledger import Memory, remember_equity
from backtest.compiled.minute import serve_minute
from backtest.compiled.signals import Signals
from backtest.compiled.state import CASH, ENTRY, EQUITY, LOTS, MARK, NOBODY, PENDING, TradeFloat, TradeInt, fresh_state
from backtest.compiled.terms import Terms
from backtest.compiled.told import Told, fill_days, forget_days, tell_equity, tell_flat
from backtest.compiled.trips import SEEN_MS, Trips
from domain.compiled import kernel


@kernel
def walk(memory: Memory, columns: Columns, signals: Signals, terms: Terms, told: Told, trips: Trips) -> None:
    """Live through a whole tape with one parameter set, from a fresh memory.

    memory: from `fresh_memory`; it ends as the run ends, with its trades in the order they closed. trips: of the exits
    in `terms`; what it lacks is worked out and stays in it.
    """
    state, n_minutes, n_signals = memory.state, len(columns.ints), len(signals.places)
    place = number = 0
    forget_days(told)
    while place < n_minutes:
        if state[LOTS] == 0 and state[PENDING] == NOBODY:
            while number < n_signals and signals.places[number] < place:
                number += 1
            if number == n_signals:
                break
            remember_equity(state, memory.gauges, int(trips.seen[trips.rows[number], SEEN_MS]), state[EQUITY])
            if consider(memory, signals, terms, trips, number) == IT_IS_OVER:
                break
            is_sent, place = state[PENDING] != NOBODY, signals.places[number] + 1
            if is_sent:
                place = leap(memory, columns, signals, terms, told, trips, number)
        else:
            place = _serve(memory, columns, signals, terms, told, place)
    tell_flat(told, state, columns.ints, n_minutes)
    fill_days(told, terms.starting_cash_microusd)


@kernel
def _serve(memory: Memory, columns: Columns, signals: Signals, terms: Terms, told: Told, place: int) -> int:
    """Serve an order or a position; return the next minute, or the same one when it left the desk flat."""
    state, n_minutes = memory.state, len(columns.ints)
    if state[PENDING] == NOBODY:
        place = ride(memory, columns, signals, terms, told, place)
        if place == n_minutes:
            return n_minutes
    _tick(memory, columns, signals, terms, told, place)
    return place if state[LOTS] == 0 and state[PENDING] == NOBODY else place + 1


@kernel
def _tick(memory: Memory, columns: Columns, signals: Signals, terms: Terms, told: Told, place: int) -> None:
    """Do what `MasterAgent.tick` does up to the exits, on a minute with an order or a position."""
    state = memory.state
    serve_minute(memory, columns, terms, place)
    equity = state[CASH] + state[LOTS] * (state[MARK] - state[ENTRY]) * terms.unit
    remember_equity(state, memory.gauges, columns.ints[place, AS_OF_MS], equity)
    tell_equity(told, state, columns.ints, place, equity)
    if state[LOTS] != 0:
        review_exit(state, columns, signals, terms, place)


def fresh_memory(starting_cash_microusd: int, n_trades: int) -> Memory:
    """Return the memory of a desk that has seen nothing, with room for so many trades."""
    state, gauges = fresh_state(starting_cash_microusd)
    trades = np.zeros((n_trades, len(TradeInt)), dtype=np.int64)
    return Memory(state=state, gauges=gauges, trades=trades, estimates=np.zeros((n_trades, len(TradeFloat))))
