"""Holding the desk's trades against what became of the triggers they were made of."""

from collections.abc import Iterable

from domain.account import Trade
from domain.decisions import ExitReason
from domain.situation import Counterfactual
from domain.tick import TickRecord
from execution.instruments import instrument

ENDED_BY_THE_DESK = {ExitReason.HALT, ExitReason.END_OF_RUN, ExitReason.LIQUIDATION}
SAME_SIZE = {
    "PAPER_STARTING_CASH_USD": "10000000",
    "RISK_MAX_ORDER_NOTIONAL_USD": "10000",
    "RISK_MAX_POSITION_NOTIONAL_USD": "10000",
}
"""A desk so rich that its own cap sizes every order, at the shadow trades' notional."""


def trades_with_twins(records: Iterable[TickRecord]) -> list[tuple[Trade, int, Counterfactual]]:
    """Return every trade that the market or the plan ended, when that was seen, and what its trigger came to alone."""
    records = list(records)
    resolved = {one.trigger_id: one for record in records for one in record.counterfactuals}
    return [
        (trade, record.snapshot.as_of_ms, resolved[trade.client_order_id.removesuffix("-entry")])
        for record in records
        for trade in record.trades
        if trade.exit_reason not in ENDED_BY_THE_DESK
    ]


def net_bps(trade: Trade) -> float:
    """Return a trade's net result in bps of its notional at entry."""
    notional_microusd = instrument(trade.symbol).notional_microusd(trade.size_lots, trade.entry_ticks)
    return trade.net_microusd * 10_000 / notional_microusd


def counterfactuals(records: Iterable[TickRecord]) -> list[Counterfactual]:
    return [one for record in records for one in record.counterfactuals]
