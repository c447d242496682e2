"""Reopening a run that is in the journal: its result, and the story a report tells of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from backtest.outcome import EquityCurve, RunOutcome
from backtest.story import Deed, RunStory, SymbolTape, ToldTrade
from db.columns import TickColumns, tick_columns
from db.deeds import SentOrder, fills, funding_payments, outcome_counts, refusals, sent_orders
from db.reading import RecordedRun, failed_tests, find_run, trades
from db.store import Store
from domain.account import Fill, Trade
from domain.decisions import ExitReason
from domain.errors import BadInput
from domain.instrument import Instrument

_N_FAILED_TESTS: Final = 20
_VENUE_SAYS: Final[Mapping[ExitReason, str]] = {
    ExitReason.STOP: "the stop was reached",
    ExitReason.TRAILING: "the trailing stop was reached",
    ExitReason.TARGET: "the target was reached",
    ExitReason.PARTIAL: "the price of the partial exit was reached",
    ExitReason.TIME: "it was held as long as the plan allows",
    ExitReason.STRATEGY: "its strategy wanted out",
    ExitReason.LIQUIDATION: "the venue liquidated it",
    ExitReason.HALT: "the desk was told to flatten",
    ExitReason.END_OF_RUN: "the run ended",
}


def reopen(store: Store, run_id: str) -> RunOutcome:
    """Return what a recorded run came to. run_id: its name or an unambiguous beginning of it.

    Raises BadInput when there is no such run, or when no minute of it is on record.
    """
    run = find_run(store, run_id)
    return _outcome(run, _ticks(store, run), trades(store, run.run_id))


def reopen_story(store: Store, run_id: str) -> RunStory:
    """Return a recorded run with everything a report tells of it. Raises BadInput as `reopen` does."""
    run = find_run(store, run_id)
    ticks = _ticks(store, run)
    outcome = _outcome(run, ticks, trades(store, run.run_id))
    sent = {one.order.client_order_id: one for one in sent_orders(store, run.run_no, ticks.tick_id)}
    deeds = tuple(_deed(fill, sent) for fill in fills(store, run.run_no))
    return RunStory(
        run=run,
        outcome=outcome,
        instruments=_instruments(run),
        tapes=tuple(_tape(ticks.of(symbol), symbol) for symbol in run.header.symbols),
        deeds=deeds,
        trades=_told(outcome.trades, deeds),
        funding=funding_payments(store, run.run_no),
        refusals=refusals(store, run.run_no),
        outcomes=outcome_counts(store, run.run_no),
        failed_tests=failed_tests(store, run.run_id, _N_FAILED_TESTS),
    )


def _ticks(store: Store, run: RecordedRun) -> TickColumns:
    ticks = tick_columns(store, run.run_no, run.header.symbols)
    if len(ticks.tick_id) == 0:
        raise BadInput(f"run {run.run_id} has no minute on record in {store.name}: there is nothing to reopen")
    return ticks


def _outcome(run: RecordedRun, ticks: TickColumns, closed: tuple[Trade, ...]) -> RunOutcome:
    """Take the account after the last tick of each minute. Nothing can be filled before the first tick ends."""
    close_ms, places_from_end = np.unique(ticks.as_of_ms[::-1], return_index=True)
    lasts = len(ticks.as_of_ms) - 1 - places_from_end
    curve = EquityCurve(
        close_ms=close_ms,
        equity_microusd=ticks.equity_microusd[lasts],
        starting_microusd=int(ticks.cash_microusd[0]),
    )
    return RunOutcome(
        run_id=run.run_id,
        symbols=run.header.symbols,
        is_simulated=run.header.is_simulated,
        curve=curve,
        trades=closed,
    )


def _instruments(run: RecordedRun) -> Mapping[str, Instrument]:
    try:
        found = msgspec.json.decode(run.header.instruments_json, type=list[Instrument])
    except msgspec.ValidationError as error:
        raise BadInput(f"the instruments of run {run.run_id} are not those of this version: {error}") from error
    return {instrument.symbol: instrument for instrument in found}


def _tape(ticks: TickColumns, symbol: str) -> SymbolTape:
    return SymbolTape(
        symbol=symbol,
        close_ms=ticks.as_of_ms,
        prices=ticks.prices,
        regime=ticks.regime,
        position_lots=ticks.position_lots,
    )


def _deed(fill: Fill, sent: Mapping[str, SentOrder]) -> Deed:
    """Take the reason from the order; protection that rested at the venue has none of its own."""
    order = sent.get(fill.client_order_id)
    if order is not None:
        return Deed(fill=fill, why="; ".join(order.reasons) or order.why, tick_no=order.tick_no)
    words = "an order that is not on record" if fill.exit_reason is None else _VENUE_SAYS[fill.exit_reason]
    return Deed(fill=fill, why=words, tick_no=None)


def _told(closed: Sequence[Trade], deeds: Sequence[Deed]) -> tuple[ToldTrade, ...]:
    """Join each trade with the deeds that opened and closed it: by order, and by market and time of the last exit."""
    entries = {deed.fill.client_order_id: deed for deed in deeds if deed.fill.exit_reason is None}
    exits = {(deed.fill.symbol, deed.fill.filled_ms): deed for deed in deeds if deed.fill.exit_reason is not None}
    told = []
    for trade in closed:
        entry, leaving = entries.get(trade.client_order_id), exits.get((trade.symbol, trade.closed_ms))
        told.append(
            ToldTrade(
                trade=trade,
                entry_why="" if entry is None else entry.why,
                exit_why=_VENUE_SAYS[trade.exit_reason] if leaving is None else leaving.why,
                tick_no=None if entry is None else entry.tick_no,
            )
        )
    return tuple(told)
