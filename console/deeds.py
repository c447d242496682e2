"""What was done, in a decision's story: orders, noes, fills, funding, and how the trade ended."""

from rich.console import Console
from rich.text import Text

from console.figures import (
    bps_text,
    count_text,
    gain_text,
    holding_text,
    price_text,
    r_text,
    short_when_text,
    side_text,
    size_text,
    span_text,
    usd_text,
    when_text,
)
from console.sheets import gain_style, heading, sheet
from db.retelling import Decision
from domain.account import Fill, Trade
from domain.decisions import ApprovedOrder
from domain.instrument import Instrument


def print_deeds(console: Console, decision: Decision, instrument: Instrument) -> None:
    """Tell what was sent, what came of it now and later, and how the account stood after the tick."""
    record = decision.record
    console.print(heading("What was done"))
    if not record.orders:
        console.print("No order was sent.")
    for order in record.orders:
        console.print(Text(_order_text(order, instrument)))
    for order_id, refusal in (*record.refusals, *decision.later_refusals):
        console.print(Text(f"Not done, {order_id}: {refusal.rule.replace('_', ' ')}: {refusal.reason}", style="yellow"))
    _print_fills(console, "Learnt in this tick", record.fills, instrument)
    for payment in record.funding:
        console.print(
            Text(f"Funding: {gain_text(payment.amount_microusd)} on {holding_text(instrument, payment.position_lots)}")
        )
    _print_fills(console, "What came of its orders", decision.later_fills, instrument)
    for trade in (*record.trades, *decision.later_trades):
        console.print(_ending_text(trade, instrument))
    if any(not order.reduce_only for order in record.orders) and not decision.later_trades and decision.later_fills:
        console.print("The position it opened was still open when the record ends.")
    held = holding_text(instrument, record.position_lots)
    money = f"equity {usd_text(record.equity_microusd)}, cash {usd_text(record.cash_microusd)}"
    console.print(Text(f"\nAfter the tick: {held} in {record.snapshot.symbol}, {money}.", style="dim"))


def _order_text(order: ApprovedOrder, instrument: Instrument) -> str:
    what = "buy" if order.side > 0 else "sell"
    why = "an entry" if order.exit_reason is None else f"an exit ({order.exit_reason.value.replace('_', ' ')})"
    size = f"{size_text(instrument, order.size_lots)} at about {price_text(instrument, order.reference_ticks)} USD"
    return f"On record before it was sent, {order.client_order_id}: {what} {size}, {why} for {order.strategy}."


def _print_fills(console: Console, title: str, fills: tuple[Fill, ...], instrument: Instrument) -> None:
    if not fills:
        return
    table = sheet("UTC", "", ">size", ">price USD", ">fee", ">slippage", "why", title=title)
    for fill in fills:
        table.add_row(
            short_when_text(fill.filled_ms),
            "bought" if fill.side > 0 else "sold",
            size_text(instrument, fill.size_lots),
            price_text(instrument, fill.price_ticks),
            usd_text(fill.fee_microusd),
            usd_text(fill.slippage_microusd),
            "entry" if fill.exit_reason is None else fill.exit_reason.value.replace("_", " "),
        )
    console.print(table)


def _ending_text(trade: Trade, instrument: Instrument) -> Text:
    result = f"{gain_text(trade.net_microusd)} net, {r_text(trade.net_microusd, trade.risk_microusd)}"
    how = trade.exit_reason.value.replace("_", " ")
    size = f"{side_text(trade.side)} {size_text(instrument, trade.size_lots)}"
    prices = f"{price_text(instrument, trade.entry_ticks)} to {price_text(instrument, trade.exit_ticks)} USD"
    lasted = f"{span_text(trade.closed_ms - trade.opened_ms)} ({count_text(trade.n_bars, 'bar')})"
    text = Text(f"\nThe trade ended {when_text(trade.closed_ms)} by {how}, after {lasted}: ", style="bold")
    text.append(result, style=gain_style(trade.net_microusd))
    fees, funding = gain_text(-trade.fees_microusd), gain_text(trade.funding_microusd)
    money = f"{gain_text(trade.gross_microusd)} from the price, {fees} fees, {funding} funding"
    reach = f"at best {bps_text(trade.mfe_bps)} in its favour, at worst {bps_text(trade.mae_bps)} against it"
    text.append(
        f"\n{trade.strategy}, {size}, {prices}, in regime {trade.regime.value.replace('_', ' ')}.", style="default"
    )
    text.append(f"\n{money}; {reach}.", style="default")
    return text
