"""Hyperliquid's rows as our records, and our orders as its actions."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from domain.decisions import Side
from execution.exchange.figures import Market, decimal, microusd, plain
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderKind, OrderState, Resting, Stage
from execution.live.wire import TEXT

Row = Mapping[str, Any]

MOST_DECIMALS: Final = 6
SIGNIFICANT: Final = 5
WORKING: Final = frozenset({"open", "triggered"})
OVER: Final = frozenset({"filled", "canceled", "rejected", "scheduledCancel"})
OVER_ENDINGS: Final = ("Canceled", "Rejected")
SLIPPAGE: Final = Decimal("0.1")
"""How much worse than its trigger a triggered market order may fill: what the exchange allows one by itself."""
_SIDES: Final = {"B": Side.BUY, "A": Side.SELL}
_TPSL: Final = {OrderKind.STOP: "sl", OrderKind.TARGET: "tp"}
_BY_THE_EXCHANGE: Final = ("Liquidat", "Auto-Deleverag")


def market_of(row: Row, symbol: str | None) -> Market:
    """Return a market of the universe: prices have at most six decimals less those of a size."""
    decimals = int(row["szDecimals"])
    return Market(
        market_id=row["name"],
        symbol=symbol,
        tick_size_price=Decimal(1).scaleb(decimals - MOST_DECIMALS),
        lot_size_base=Decimal(1).scaleb(-decimals),
    )


def on_grid(price: Decimal, market: Market, rounding: str) -> Decimal:
    """Return a price that the exchange takes: on the tick, and of five significant figures unless it is whole."""
    step = min(Decimal(1), Decimal(1).scaleb(price.adjusted() - SIGNIFICANT + 1))
    step = max(step, market.tick_size_price)
    return (price / step).to_integral_value(rounding) * step


def order_of(order: BrokerOrder, market: Market, asset: int) -> dict[str, Any]:
    """Return an order as the exchange signs for it; the order of the words counts.

    A price between two that the exchange takes is moved to the safe side: an IOC never pays more, and what is
    triggered is triggered earlier.
    """
    wanted, is_buy = order.price_ticks * market.tick_size_price, order.side is Side.BUY
    if order.kind is OrderKind.IOC:
        price = on_grid(wanted, market, ROUND_FLOOR if is_buy else ROUND_CEILING)
        terms: dict[str, Any] = {"limit": {"tif": "Ioc"}}
    else:
        rises = is_buy == (order.kind is OrderKind.STOP)
        trigger = on_grid(wanted, market, ROUND_FLOOR if rises else ROUND_CEILING)
        terms = {"trigger": {"isMarket": True, "triggerPx": plain(trigger), "tpsl": _TPSL[order.kind]}}
        price = on_grid(trigger * (1 + SLIPPAGE * order.side), market, ROUND_CEILING if is_buy else ROUND_FLOOR)
    return {
        "a": asset,
        "b": is_buy,
        "p": plain(price),
        "s": plain(order.size_lots * market.lot_size_base),
        "r": order.reduce_only or order.kind is not OrderKind.IOC,
        "t": terms,
        "c": cloid_of(order.wire_id),
    }


def cloid_of(wire_id: str) -> str:
    """Return an id as the exchange writes it."""
    return f"0x{wire_id}"


def wire_id_of(row: Row) -> str | None:
    """Return the id of an order of a desk; None for any other."""
    told = (row.get("cloid") or "").removeprefix("0x")
    return told if TEXT.fullmatch(told) else None


def state_of(wire_id: str, told: Row) -> OrderState:
    """Return what is told of an order as a state. Raises ValueError for a status we do not know.

    How much of it was filled is not in it: the size that is told is that of the order's last change of status.
    """
    status = str(told["status"])
    if status in WORKING:
        return OrderState(wire_id=wire_id, stage=Stage.WORKING, filled_lots=None)
    if status not in OVER and not status.endswith(OVER_ENDINGS):
        raise ValueError(f"order status {status}")
    why = "" if status == "filled" else status
    return OrderState(wire_id=wire_id, stage=Stage.OVER, filled_lots=None, why=why)


def execution_of(row: Row, wire_id: str | None, market: Market, user: str) -> Execution:
    """Return a fill of a user as a record. Its id is made of what the exchange calls unique together."""
    return Execution(
        execution_id=execution_id_of(row),
        wire_id=wire_id,
        symbol=market.name,
        side=_SIDES[row["side"]],
        size_lots=market.lots(row["sz"]),
        quote_microusd=microusd(decimal(row["sz"]) * decimal(row["px"])),
        fee_microusd=microusd(decimal(row["fee"])),
        executed_ms=int(row["time"]),
        is_liquidation=is_forced(row, user),
    )


def execution_id_of(row: Row) -> str:
    """Return the id of a fill: a trade's number is unique within its market and its block."""
    return f"{row['time']}-{row['coin']}-{row['tid']}"


def is_forced(row: Row, user: str) -> bool:
    """Say whether the exchange made this fill of a user: a liquidation, or the reduction of a winner in another's.

    Who trades with somebody that is liquidated is told of the liquidation too.
    """
    liquidated = str((row.get("liquidation") or {}).get("liquidatedUser", "")).lower()
    return liquidated == user or any(word in str(row.get("dir", "")) for word in _BY_THE_EXCHANGE)


def is_perpetual(coin: str) -> bool:
    """Say whether a coin is a perpetual of the exchange's own: no spot pair, no market of somebody else's."""
    return not coin.startswith("@") and "/" not in coin and ":" not in coin


def funding_of(row: Row, market: Market) -> FundingPaid:
    """Return a settlement as a record."""
    amount = microusd(decimal(row["delta"]["usdc"]))
    return FundingPaid(symbol=market.name, amount_microusd=amount, settled_ms=int(row["time"]))


def resting_of(row: Row, market: Market) -> Resting:
    """Return an open order as a record."""
    side, lots = _SIDES[row["side"]], market.lots(row["sz"])
    return Resting(wire_id=wire_id_of(row), symbol=market.name, side=side, size_lots=lots)
