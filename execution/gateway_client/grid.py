"""Between the desk's grid and the program's integers, exactly: lots and 1e-9 base, ticks and 1e-6 dollars."""

from collections.abc import Mapping
from typing import Final

import msgspec

from domain.decisions import Side
from domain.errors import BadInput, BooksDisagree
from domain.instrument import Instrument
from execution.gateway_client.messages import Direction, Kind, MarketSteps, Place, When
from execution.instruments import instrument
from execution.live.broker import BrokerOrder, OrderKind

PRICE_PRECISION: Final = 1_000_000
DIRECTIONS: Final = {Side.BUY: Direction.LONG, Side.SELL: Direction.SHORT}
SIDES: Final = {direction: side for side, direction in DIRECTIONS.items()}
# A stop lies behind the market, a target before it, seen from the position that the order closes.
TRIGGERS: Final = {
    (OrderKind.STOP, Side.SELL): When.BELOW,
    (OrderKind.STOP, Side.BUY): When.ABOVE,
    (OrderKind.TARGET, Side.SELL): When.ABOVE,
    (OrderKind.TARGET, Side.BUY): When.BELOW,
}


def tick_raw(of: Instrument) -> int:
    """Return one tick in 1e-6 dollars."""
    return int(of.tick_size_price * PRICE_PRECISION)


def request_of(order: BrokerOrder, of: Instrument) -> Place:
    """Return an order as the gateway takes it."""
    price_raw = order.price_ticks * tick_raw(of)
    is_ioc = order.kind is OrderKind.IOC
    return Place(
        id=order.wire_id,
        valid_until_ms=order.valid_until_ms,
        symbol=order.symbol,
        kind=Kind.IOC if is_ioc else Kind.TRIGGER_MARKET,
        side=DIRECTIONS[order.side],
        base_raw=order.size_lots * of.lot_size_1e9,
        reduce_only=order.reduce_only or not is_ioc,
        price_raw=price_raw if is_ioc else None,
        trigger_price_raw=None if is_ioc else price_raw,
        trigger_when=None if is_ioc else TRIGGERS[order.kind, order.side],
    )


def lots_of(base_raw: int, of: Instrument, what: str) -> int:
    """Return a size in lots, with its sign. Raises BooksDisagree for one that is no whole number of them."""
    lots, rest = divmod(base_raw, of.lot_size_1e9)
    if rest:
        raise BooksDisagree(
            f"{of.symbol}: {what} of {base_raw} (1e-9) is no whole number of lots of {of.lot_size_base}"
        )
    return lots


def instrument_there(symbol: str, markets: Mapping[str, MarketSteps]) -> Instrument:
    """Return our figures of a symbol, held against the steps of its market on chain.

    Raises BadInput where an order on our grid would be off the market's, or a fill of the market's off ours.
    """
    ours, there = instrument(symbol), markets[symbol]
    if there.base_step_raw != ours.lot_size_1e9:
        raise BadInput(
            f"{symbol}: the market on chain trades in steps of {there.base_step_raw} (1e-9), the desk in lots of "
            f"{ours.lot_size_1e9}; they must be the same, or fills could end between two lots"
        )
    if tick_raw(ours) % max(1, there.price_step_raw):
        raise BadInput(
            f"{symbol}: the desk's tick of {tick_raw(ours)} (1e-6) is no multiple of the market's step on chain, "
            f"{there.price_step_raw}"
        )
    least_lots = -(-there.least_base_raw // ours.lot_size_1e9)
    return msgspec.structs.replace(ours, min_size_lots=max(ours.min_size_lots, least_lots))
