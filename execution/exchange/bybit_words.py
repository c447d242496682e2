"""Bybit's v5 rows as our records, and our orders as its requests."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from domain.decisions import Side
from execution.exchange.figures import Market, decimal, microusd, plain
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderKind, OrderState, Resting, Stage
from execution.live.wire import TEXT

Row = Mapping[str, Any]

WORKING: Final = frozenset({"New", "PartiallyFilled", "Untriggered", "Triggered", "Created", "Active"})
OVER: Final = frozenset({"Filled", "Cancelled", "PartiallyFilledCanceled", "Rejected", "Deactivated"})
BY_THE_EXCHANGE: Final = frozenset({"BustTrade", "AdlTrade"})
"""Executions that the exchange forced: a liquidation, and the reduction of a winner in another's."""
_SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}
_TOLD_NOTHING: Final = frozenset({"", "EC_NoError", "UNKNOWN"})
_RISES, _FALLS = 1, 2


def request_of(order: BrokerOrder, market: Market) -> dict[str, Any]:
    """Return the request that places an order."""
    price = plain(order.price_ticks * market.tick_size_price)
    request: dict[str, Any] = {
        "category": "linear",
        "symbol": market.market_id,
        "side": order.side.name.capitalize(),
        "qty": plain(order.size_lots * market.lot_size_base),
        "orderLinkId": order.wire_id,
        "reduceOnly": order.reduce_only,
        "positionIdx": 0,
    }
    if order.kind is OrderKind.IOC:
        return request | {"orderType": "Limit", "timeInForce": "IOC", "price": price}
    rises = (order.side is Side.BUY) == (order.kind is OrderKind.STOP)
    return request | {
        "orderType": "Market",
        "reduceOnly": True,
        "triggerPrice": price,
        "triggerDirection": _RISES if rises else _FALLS,
        "triggerBy": "MarkPrice",
    }


def state_of(row: Row, market: Market) -> OrderState:
    """Return an order's row as a state. Raises ValueError for a status we do not know."""
    status = row["orderStatus"]
    if status not in WORKING | OVER:
        raise ValueError(f"order status {status}")
    filled = market.lots(row["cumExecQty"] or "0")
    is_over = status in OVER
    is_whole = is_over and filled == market.lots(row["qty"])
    return OrderState(
        wire_id=row["orderLinkId"],
        stage=Stage.OVER if is_over else Stage.WORKING,
        filled_lots=filled,
        why=_why(row) if is_over and not is_whole else "",
    )


def _why(row: Row) -> str:
    told = [str(row.get(name, "")) for name in ("rejectReason", "cancelType")]
    return " ".join([str(row["orderStatus"]), *(one for one in told if one not in _TOLD_NOTHING)])


def execution_of(row: Row, market: Market) -> Execution:
    """Return an execution's row as a record."""
    return Execution(
        execution_id=str(row["execId"]),
        wire_id=wire_id_of(row),
        symbol=market.name,
        side=_SIDES[row["side"]],
        size_lots=market.lots(row["execQty"]),
        quote_microusd=microusd(decimal(row["execQty"]) * decimal(row["execPrice"])),
        fee_microusd=microusd(decimal(row["execFee"] or "0")),
        executed_ms=int(row["execTime"]),
        is_liquidation=row["execType"] in BY_THE_EXCHANGE,
    )


def funding_of(row: Row, market: Market) -> FundingPaid:
    """Return a settlement's row as a record."""
    amount = microusd(decimal(row["funding"]))
    return FundingPaid(symbol=market.name, amount_microusd=amount, settled_ms=int(row["transactionTime"]))


def resting_of(row: Row, market: Market) -> Resting:
    """Return a resting order's row as a record."""
    lots = market.lots(row["qty"]) - market.lots(row["cumExecQty"] or "0")
    return Resting(wire_id=wire_id_of(row), symbol=market.name, side=_SIDES[row["side"]], size_lots=lots)


def position_of(row: Row, market: Market) -> tuple[str, int]:
    """Return a position's row as its name and signed lots."""
    lots = market.lots(row["size"] or "0")
    return market.name, -lots if row["side"] == "Sell" else lots


def wire_id_of(row: Row) -> str | None:
    """Return the id of an order of a desk; None for any other."""
    told = row.get("orderLinkId") or ""
    return told if TEXT.fullmatch(told) else None


def market_of(row: Row, symbol: str | None) -> Market:
    """Return a listed contract as a market."""
    return Market(
        market_id=row["symbol"],
        symbol=symbol,
        tick_size_price=Decimal(plain(decimal(row["priceFilter"]["tickSize"]))),
        lot_size_base=Decimal(plain(decimal(row["lotSizeFilter"]["qtyStep"]))),
    )
