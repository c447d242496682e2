"""The live picture: what a board remembers, as tables a person can follow."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from console.board import N_DEALS, N_DECISIONS, Board, Held
from console.figures import (
    ABSENT,
    bps_text,
    estimate_text,
    gain_text,
    holding_text,
    percent_text,
    price_text,
    r_text,
    short_when_text,
    side_text,
    size_text,
    span_text,
    usd_text,
    when_text,
)
from console.gate_news import GateWatch
from console.outcomes import STYLE, WORD, headline
from console.sheets import gain_style, pairs, sheet
from domain.account import Fill, Trade
from domain.grid import steps_nearest
from domain.instrument import Instrument
from domain.protection import initial_levels, trailed_stop
from domain.tick import TickRecord, TradingState

STATE_STYLE = {
    TradingState.ACTIVE: "bold green",
    TradingState.REDUCING: "bold yellow",
    TradingState.FLATTENING: "bold yellow",
    TradingState.HALTED: "bold red",
}
N_SYMBOLS = 6
N_FIXED_ROWS = 14


def paint(
    board: Board, title: str, instruments: Mapping[str, Instrument], progress: RenderableType, n_rows: int
) -> Group:
    """Return the whole picture. Safe while another thread goes on filling the board.

    n_rows: how tall the terminal is; on a low one there are fewer decisions and deals, never fewer figures.
    """
    record = board.record
    if record is None:
        return Group(progress, Text("waiting for the first minute", style="dim"))
    held, latest = list(board.held.items()), list(board.latest.values())[:N_SYMBOLS]
    # Banner, progress, account, three heads and their gaps stand in any picture.
    n_free = n_rows - N_FIXED_ROWS - len(latest) - (len(held) + 2 if held else 0) - (1 if board.gate.n_asked else 0)
    n_deals = min(N_DEALS, max(n_free // 3, 1))
    parts: list[RenderableType] = [progress, Panel(_account(board, record), title=title, title_align="left")]
    parts.append(_markets(latest, len(board.latest), instruments))
    if held:
        parts += [Text(), _positions(board, held, instruments)]
    parts += [Text(), _decisions(board, min(N_DECISIONS, max(n_free - n_deals, 2)))]
    if board.deals:
        parts += [Text(), _deals(board, instruments, n_deals)]
    return Group(*parts)


def _account(board: Board, record: TickRecord) -> Table:
    net = board.equity_microusd - (board.start_microusd or 0)
    grid = pairs()
    grid.add_row("Equity", Text(usd_text(board.equity_microusd), style="bold"), "Cash", usd_text(record.cash_microusd))
    grid.add_row("Result", Text(gain_text(net), style=gain_style(net)), "Trades closed", f"{board.n_trades:,}")
    grid.add_row(
        "Drawdown",
        f"{percent_text(board.drawdown_frac)} now, {percent_text(board.max_drawdown_frac)} at worst",
        "Desk",
        Text(record.state.value.upper(), style=STATE_STYLE[record.state]),
    )
    if board.gate.n_asked:
        grid.add_row(*_gate_cells(board.gate))
    return grid


def _gate_cells(gate: GateWatch) -> tuple[str, str, str, Text]:
    told = f"{gate.mode}, {gate.n_approved:,} of {gate.n_asked:,} approved"
    last = f"{gate.last_reason}, {gate.n_failed:,} in a row" if gate.n_failed > 1 else gate.last_reason
    return "Gate", told, "Last answer", Text(last, style="bold red" if gate.n_failed else "")


def _markets(latest: Sequence[TickRecord], n_symbols: int, instruments: Mapping[str, Instrument]) -> Table:
    table = sheet("market", ">price USD", ">spread", ">premium", "regime", "seen at UTC", "now")
    for record in latest:
        snapshot = record.snapshot
        bar, instrument = snapshot.bar, instruments.get(snapshot.symbol)
        price = ABSENT if bar is None or instrument is None else estimate_text(instrument, bar.close_price)
        table.add_row(
            snapshot.symbol,
            price,
            bps_text(None if snapshot.spread_bps is None else snapshot.spread_bps.value),
            bps_text(None if snapshot.premium_bps is None else snapshot.premium_bps.value, is_signed=True),
            "not warm" if record.features is None else record.features.regime.value.replace("_", " "),
            when_text(snapshot.as_of_ms).removesuffix(" UTC"),
            Text(WORD[record.outcome], style=STYLE[record.outcome]),
        )
    if n_symbols > len(latest):
        table.add_row(Text(f"and {n_symbols - len(latest)} more", style="dim"))
    return table


def _positions(board: Board, held: Sequence[tuple[str, Held]], instruments: Mapping[str, Instrument]) -> Table:
    table = sheet("position", "held", ">entry USD", ">stop USD", ">target USD", ">unrealised")
    for symbol, position in held:
        instrument = instruments.get(symbol)
        if instrument is not None:
            table.add_row(symbol, *_position_cells(position, instrument, board.latest[symbol]))
    return table


def _position_cells(held: Held, instrument: Instrument, record: TickRecord) -> tuple[str | Text, ...]:
    size = holding_text(instrument, held.size_lots)
    if held.entry_ticks is None:
        return size, "before this view", ABSENT, ABSENT, ABSENT
    stop, target = _protection(held, held.entry_ticks, instrument)
    bar = record.snapshot.bar
    if bar is None:
        return size, price_text(instrument, held.entry_ticks), stop, target, ABSENT
    moved_ticks = steps_nearest(bar.close_price, instrument.tick) - held.entry_ticks
    unrealised = instrument.notional_microusd(held.size_lots, moved_ticks)
    gain = Text(gain_text(unrealised), style=gain_style(unrealised))
    return size, price_text(instrument, held.entry_ticks), stop, target, gain


def _protection(held: Held, entry_ticks: int, instrument: Instrument) -> tuple[str, str]:
    """Return stop and target by the kernels the desk itself uses, from the entry and the best price so far."""
    plan = held.plan
    if plan is None:
        return ABSENT, ABSENT
    side = 1 if held.size_lots > 0 else -1
    stop, target, _ = initial_levels(side, entry_ticks, plan.stop_frac, plan.target_frac, plan.partial_at_r)
    is_trailing = False
    if held.best_price is not None:
        best = steps_nearest(held.best_price, instrument.tick)
        stop, is_trailing = trailed_stop(side, stop, entry_ticks, best, plan.trail_frac, plan.trail_arm_frac)
    trail = " (trailing)" if is_trailing else ""
    return f"{price_text(instrument, stop)}{trail}", price_text(instrument, target)


def _decisions(board: Board, n_rows: int) -> Table:
    table = sheet("UTC", "market", "decision")
    for column in table.columns:
        column.no_wrap = True
    table.add_column("why")
    told = list(board.decisions)
    newest = board.record
    if newest is not None and (not told or told[-1].record is not newest):
        quiet = newest.snapshot.symbol, Text(WORD[newest.outcome], style="dim"), _one_line(newest.why, "dim")
        table.add_row(short_when_text(newest.snapshot.as_of_ms), *quiet)
    for one in reversed(told[-n_rows:]):
        snapshot = one.record.snapshot
        word, style, why = headline(one.record)
        decision = Text(word + (f" x{one.times}" if one.times > 1 else ""), style=style)
        table.add_row(short_when_text(snapshot.as_of_ms), snapshot.symbol, decision, _one_line(why))
    return table


def _deals(board: Board, instruments: Mapping[str, Instrument], n_rows: int) -> Table:
    table = sheet("UTC", "market", "fills and closed trades")
    for deal in reversed(list(board.deals)[-n_rows:]):
        instrument = instruments.get(deal.symbol)
        if instrument is not None:
            table.add_row(*_deal_cells(deal, instrument))
    return table


def _deal_cells(deal: Fill | Trade, instrument: Instrument) -> tuple[str, str, Text]:
    if isinstance(deal, Fill):
        return short_when_text(deal.filled_ms), deal.symbol, _one_line(fill_text(deal, instrument))
    text = _one_line(trade_text(deal, instrument), gain_style(deal.net_microusd))
    return short_when_text(deal.closed_ms), deal.symbol, text


def _one_line(text: str, style: str = "") -> Text:
    """Return text that a narrow column cuts off instead of breaking."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def fill_text(fill: Fill, instrument: Instrument) -> str:
    """Tell one fill: what, how much, at what price, for what fee."""
    word = "bought" if fill.side > 0 else "sold"
    why = "" if fill.exit_reason is None else f" ({fill.exit_reason.value.replace('_', ' ')})"
    size, price = size_text(instrument, fill.size_lots), price_text(instrument, fill.price_ticks)
    return f"{word} {size} at {price} USD, fee {usd_text(fill.fee_microusd)}{why}"


def trade_text(trade: Trade, instrument: Instrument) -> str:
    """Tell one closed trade: side, its net result in USD and R, prices, how and when it ended."""
    prices = f"{price_text(instrument, trade.entry_ticks)} to {price_text(instrument, trade.exit_ticks)} USD"
    result = f"{gain_text(trade.net_microusd)} net, {r_text(trade.net_microusd, trade.risk_microusd)}"
    how = f"by {trade.exit_reason.value.replace('_', ' ')} after {span_text(trade.closed_ms - trade.opened_ms)}"
    return f"closed {side_text(trade.side)} {size_text(instrument, trade.size_lots)}: {result}; {prices}, {how}"
