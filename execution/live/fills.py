"""The venue's executions in the words of our books."""

from typing import Final

from domain.account import Fill, FundingPayment
from domain.decisions import ExitReason, Side
from domain.funding import funding_payment_microusd
from domain.instrument import Instrument, usd
from domain.market import FundingSettlement
from domain.protection import average_ticks
from execution.live.broker import Execution

FillKey = tuple[str, int, int, int, int]
PaidKey = tuple[str, int, int]
SUFFIXES: Final = {
    ExitReason.STOP: "stop",
    ExitReason.TRAILING: "trail",
    ExitReason.TARGET: "target",
    ExitReason.PARTIAL: "partial",
}


def fill_of(
    execution: Execution,
    instrument: Instrument,
    client_order_id: str,
    reference_ticks: int,
    exit_reason: ExitReason | None,
) -> Fill:
    """Return an execution as a fill on the grid.

    A price between two ticks is booked at the nearest one and the rest goes with the fee, so that the cash is exact.
    """
    side, lots, unit = int(execution.side), execution.size_lots, instrument.microusd_per_tick_lot
    price_ticks = average_ticks(execution.quote_microusd, lots, unit)
    rest_microusd = execution.quote_microusd - lots * price_ticks * unit
    return Fill(
        client_order_id=client_order_id,
        symbol=execution.symbol,
        side=execution.side,
        size_lots=lots,
        price_ticks=price_ticks,
        fee_microusd=execution.fee_microusd + side * rest_microusd,
        slippage_microusd=side * (price_ticks - reference_ticks) * lots * unit,
        filled_ms=execution.executed_ms,
        exit_reason=exit_reason,
    )


def reckoned_funding(settlement: FundingSettlement, lots: int, instrument: Instrument) -> FundingPayment:
    """Return what a settlement comes to on signed lots, where the venue does not tell what it paid."""
    rate_1e9 = settlement.rate_quote_per_base_1e9
    return FundingPayment(
        symbol=instrument.symbol,
        position_lots=lots,
        rate_quote_per_base_1e9=rate_1e9,
        amount_microusd=funding_payment_microusd(rate_1e9, lots, instrument.lot_size_1e9),
        settled_ms=settlement.settled_ms,
        source=settlement.source,
    )


def key_of(fill: Fill) -> FillKey:
    """Return what tells two fills apart, whatever they were measured against."""
    return fill.client_order_id, fill.filled_ms, fill.size_lots, fill.price_ticks, fill.fee_microusd


def paid_key_of(payment: FundingPayment) -> PaidKey:
    """Return what tells two funding settlements apart."""
    return payment.symbol, payment.settled_ms, payment.amount_microusd


def in_words(execution: Execution) -> str:
    """Say what was executed, in the venue's own figures."""
    side = "bought" if execution.side is Side.BUY else "sold"
    kind = "by the liquidator" if execution.is_liquidation else f"for {execution.wire_id}"
    return (
        f"{side} {execution.size_lots} lots of {execution.symbol} for {usd(execution.quote_microusd)} USD, "
        f"fee {usd(execution.fee_microusd)}, {kind}, at {execution.executed_ms}"
    )
