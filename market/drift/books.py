"""Order books: the DLOB server's raw l2 and l3, and the decimal ones of the Data API's websocket."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.record import Record
from market.drift.figures import BASE, PRICE, Form, figure, form_of, scaled, time_ms
from market.drift.rows import read_json


class Level(Record, frozen=True, kw_only=True, gc=False):
    """One price of a book. size_base: base units. maker, order_id: whose order it is, in an l3 book only."""

    price: float
    size_base: float
    maker: str | None = None
    order_id: str | None = None


class DriftBook(Record, frozen=True, kw_only=True):
    """A book as the server saw it.

    bids fall, asks rise in price, as sent. as_of_ms, slot: None where the message does not tell them.
    mark, oracle: prices beside the book, None where it does not tell them.
    """

    symbol: str | None
    as_of_ms: int | None
    slot: int | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    mark: float | None
    oracle: float | None


class Unreadable(Record, frozen=True, kw_only=True):
    """A message that was not understood. reason: a clause, such as "a level without a price"."""

    reason: str


def read_dlob_book(text: bytes | str) -> DriftBook | Unreadable:
    """Read an l2 or l3 answer of the DLOB server. Prices are millionths and sizes billionths, whole numbers all."""
    try:
        told = read_json(text)
    except ValueError as error:
        return Unreadable(reason=f"not JSON: {error}"[:120])
    return dlob_book(told)


def dlob_book(told: Any) -> DriftBook | Unreadable:
    """Read a decoded DLOB book."""
    if not isinstance(told, dict):
        return Unreadable(reason="a book is an object")
    sides = [_objects(told.get("bids")), _objects(told.get("asks"))]
    return _book(told, sides, Form.RAW, mark="markPrice", oracle="oracle")


def channel_book(told: Any) -> DriftBook | Unreadable:
    """Read the data of a Data API order book message: decimal levels as pairs, bids first."""
    levels = told.get("levels") if isinstance(told, dict) else None
    if not isinstance(levels, list) or len(levels) != 2:
        return Unreadable(reason="a book has bids and asks")
    return _book(told, [_pairs(side) for side in levels], None, mark="markPrice", oracle="oraclePrice")


def _book(
    told: Mapping[str, Any], sides: Sequence[Sequence[Mapping[str, Any]] | None], envelope: Form | None, *, mark: str,
    oracle: str,
) -> DriftBook | Unreadable:  # fmt: skip
    if sides[0] is None or sides[1] is None:
        return Unreadable(reason="a book has bids and asks")
    beside = [figure(told.get(mark)), figure(told.get(oracle))]
    figures = [figure(level.get(name)) for side in sides if side for level in side for name in ("price", "size")]
    form = form_of((*figures, *beside), envelope)
    if form is None:
        return Unreadable(reason="raw or decimal cannot be told")
    bids, asks = ([_level(level, form) for level in side] for side in (sides[0], sides[1]))
    if None in bids or None in asks:
        return Unreadable(reason="a level without a price or a size")
    slot = figure(told.get("slot"))
    prices = [_positive(scaled(one, form, PRICE)) for one in beside]
    symbol = told.get("marketName", told.get("symbol"))
    return DriftBook(
        symbol=symbol if isinstance(symbol, str) else None,
        as_of_ms=time_ms(told.get("ts")),
        slot=None if slot is None else int(slot),
        bids=tuple(one for one in bids if one is not None),
        asks=tuple(one for one in asks if one is not None),
        mark=prices[0],
        oracle=prices[1],
    )


def _level(told: Mapping[str, Any], form: Form) -> Level | None:
    price = _positive(scaled(figure(told.get("price")), form, PRICE))
    size = scaled(figure(told.get("size")), form, BASE)
    if price is None or size is None or not 0 <= size < 10**18:
        return None
    maker, order_id = told.get("maker"), told.get("orderId")
    return Level(
        price=price,
        size_base=float(size),
        maker=maker if isinstance(maker, str) else None,
        order_id=None if order_id is None else str(order_id),
    )


def _positive(price: Decimal | None) -> float | None:
    return float(price) if price is not None and 0 < price < 10**15 else None


def _objects(side: object) -> list[Mapping[str, Any]] | None:
    return side if isinstance(side, list) and all(isinstance(level, dict) for level in side) else None


def _pairs(side: object) -> list[Mapping[str, Any]] | None:
    if not isinstance(side, list) or not all(isinstance(level, list) and len(level) == 2 for level in side):
        return None
    return [{"price": price, "size": size} for price, size in side]
