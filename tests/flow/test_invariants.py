"""Whatever the market does, whatever is proposed and however often the desk is restarted, these hold."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.master import MasterAgent
from domain.account import Position
from domain.decisions import ApprovedOrder, Refusal
from domain.market import FundingSettlement, Snapshot
from domain.tick import Outcome, TickRecord, TradingState
from execution.instruments import instrument
from tests.flow.stage import WatchedVenue, desk, minute, watch

EAGER = {
    "E3_VOLUME_Z": "-10",
    "E3_BODY_OVER_ATR": "0",
    "E3_MAX_REALISED_VOL_BPS": "10000",
    "RISK_COOLDOWN_AFTER_TRADE_S": "60",
    "RISK_COOLDOWN_AFTER_LOSS_S": "120",
    "EXIT_MAX_HOLD_BARS": "4",
}
"""An E3 that fires on almost every bar, so that risk has something to do."""

SYMBOLS = ("BTC-PERP", "SOL-PERP")
STARTS = {"BTC-PERP": 95_000.0, "SOL-PERP": 150.0}
RETURN = st.sampled_from([-0.08, -0.02, -0.006, -0.002, -0.0004, 0.0, 0.0004, 0.002, 0.006, 0.02, 0.08])


@st.composite
def tapes(draw: st.DrawFn) -> list[Snapshot]:
    """A tape of two symbols with jumps, gaps, unfit minutes and funding."""
    n_minutes = draw(st.integers(12, 40))
    prices = dict(STARTS)
    tape: list[Snapshot] = []
    for number in range(n_minutes):
        for symbol in SYMBOLS:
            gap, move = draw(RETURN) / 4, draw(RETURN)
            open_price = prices[symbol] * (1 + gap)
            prices[symbol] = open_price * (1 + move)
            settles = draw(st.integers(0, 9)) == 0
            settlement = FundingSettlement(
                rate_quote_per_base_1e9=draw(st.integers(-(10**9), 10**9)), settled_ms=number * 60_000, source="test"
            )
            snapshot = minute(
                number,
                open_price,
                prices[symbol],
                symbol=symbol,
                reach=draw(st.sampled_from([0.0, 0.001, 0.03])),
                funding_settlement=settlement if settles else None,
            )
            tape.append(snapshot.unfit("test") if draw(st.integers(0, 19)) == 0 else snapshot)
    return tape


@st.composite
def limits(draw: st.DrawFn) -> dict[str, str]:
    """Caps from strict to generous."""
    return {
        "RISK_MAX_ORDER_NOTIONAL_USD": draw(st.sampled_from(["50", "900", "10000"])),
        "RISK_MAX_POSITION_NOTIONAL_USD": draw(st.sampled_from(["40", "5000", "10000"])),
        "RISK_MAX_GROSS_EXPOSURE_PCT": draw(st.sampled_from(["1", "20", "200"])),
        "RISK_MAX_OPEN_POSITIONS": draw(st.sampled_from(["1", "2"])),
        "RISK_MAX_DAILY_LOSS_PCT": draw(st.sampled_from(["0.1", "3"])),
        "RISK_MAX_CONSECUTIVE_LOSSES": draw(st.sampled_from(["1", "4"])),
        "SIZING_RISK_PER_TRADE_PCT": draw(st.sampled_from(["0.1", "5"])),
        "PAPER_REJECT_PCT": draw(st.sampled_from(["0", "30"])),
        "EXIT_PARTIAL_AT_R": draw(st.sampled_from(["0", "1"])),
        "GATE_MODE": draw(st.sampled_from(["off", "shadow"])),
    }


async def live(
    tape: Sequence[Snapshot], knobs: dict[str, str], restarts: Sequence[int]
) -> tuple[list[TickRecord], list[ApprovedOrder], MasterAgent]:
    """Live through a tape; at every restart a new desk relives all that is recorded and goes on."""
    master = desk(symbols=SYMBOLS, **EAGER, **knobs)
    venue = watch(master)
    records: list[TickRecord] = []
    for number, snapshot in enumerate(tape):
        if number in restarts:
            master = desk(symbols=SYMBOLS, **EAGER, **knobs)
            venue = watch(master)
            relived = [await master.tick(record.snapshot, record.state) for record in records]
            assert relived == records
        records.append(await master.tick(snapshot, TradingState.ACTIVE))
        await master.execution.reconcile()
        check_tick(records[-1], master, venue)
    return records, venue.submitted, master


def check_tick(record: TickRecord, master: MasterAgent, venue: WatchedVenue) -> None:
    """Equity is cash plus position value, everything lies on the grid, nothing refused was sent."""
    books = master.execution.books
    value = sum(
        holding.position.unrealised_microusd(instrument(symbol), books.marks_ticks[symbol])
        for symbol, holding in books.holdings.items()
    )
    assert record.equity_microusd == record.cash_microusd + value
    whole = [*(fill.size_lots for fill in record.fills), *(fill.price_ticks for fill in record.fills)]
    whole += [record.cash_microusd, record.equity_microusd, record.position_lots]
    assert all(type(figure) is int for figure in whole)
    sent = {order.client_order_id for order in venue.submitted}
    assert len(sent) == len(venue.submitted)
    if record.outcome is Outcome.REFUSED and record.risk is not None and isinstance(record.risk.ruling, Refusal):
        assert f"{record.snapshot.symbol}-{record.snapshot.as_of_ms}-entry" not in sent


def check_orders(records: Sequence[TickRecord], knobs: dict[str, str]) -> None:
    """No entry is larger than any cap, and none was approved while a breaker stood."""
    order_cap = float(knobs["RISK_MAX_ORDER_NOTIONAL_USD"]) * 1e6
    position_cap = float(knobs["RISK_MAX_POSITION_NOTIONAL_USD"]) * 1e6
    streak = 0
    for record in records:
        for trade in record.trades:
            streak = streak + 1 if trade.net_microusd < 0 else 0
        for order in record.orders:
            if order.reduce_only:
                continue
            notional = instrument(order.symbol).notional_microusd(order.size_lots, order.reference_ticks)
            assert notional <= min(order_cap, position_cap)
            assert notional <= record.equity_microusd * float(knobs["RISK_MAX_GROSS_EXPOSURE_PCT"]) / 100
            assert order.exit_plan is not None
            assert record.position_lots == 0
            assert streak < int(knobs["RISK_MAX_CONSECUTIVE_LOSSES"])


@given(tape=tapes(), knobs=limits(), restarts=st.lists(st.integers(1, 70), max_size=3))
@settings(max_examples=60)
def test_no_tape_no_limits_and_no_restarts_break_the_books_or_a_cap(
    tape: list[Snapshot], knobs: dict[str, str], restarts: list[int]
) -> None:
    records, _, master = asyncio.run(live(tape, knobs, restarts))
    check_orders(records, knobs)
    held = [holding.position for holding in master.execution.books.holdings.values()]
    assert len(held) <= int(knobs["RISK_MAX_OPEN_POSITIONS"])
    assert all(isinstance(position, Position) for position in held)


@given(tape=tapes(), restart=st.integers(1, 70))
@settings(max_examples=25)
def test_a_restart_changes_nothing(tape: list[Snapshot], restart: int) -> None:
    knobs = {"RISK_MAX_GROSS_EXPOSURE_PCT": "200"}
    whole, _, _ = asyncio.run(live(tape, knobs, []))
    cut, _, _ = asyncio.run(live(tape, knobs, [restart]))
    assert whole == cut


def test_the_tapes_of_this_file_do_make_the_desk_trade() -> None:
    tape = [
        minute(number, start * (1 + 0.004 * (number % 3)), start * (1 + 0.004 * ((number + 1) % 3)), symbol=symbol)
        for number in range(60)
        for symbol, start in STARTS.items()
    ]
    records, submitted, _ = asyncio.run(live(tape, {}, [30]))
    assert sum(not order.reduce_only for record in records for order in record.orders) >= 2
    assert sum(len(record.trades) for record in records) >= 2
    assert submitted
