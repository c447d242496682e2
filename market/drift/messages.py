"""Messages of the two websockets: the DLOB server's, whose data is JSON inside a JSON string, and the Data API's."""

from typing import Any

from domain.record import Record
from market.drift.books import DriftBook, Unreadable, channel_book, dlob_book
from market.drift.candles import DriftCandle, read_candle
from market.drift.counts import Why
from market.drift.rows import read_json
from market.drift.trades import DriftTrade, TradesReader


class Notice(Record, frozen=True, kw_only=True):
    """A message without market data: a heartbeat, an acknowledged subscription. text: what it was."""

    text: str


class Fills(Record, frozen=True, kw_only=True):
    """Fills of one message, and how many rows of it were left out and why."""

    trades: tuple[DriftTrade, ...]
    left_out: tuple[Why, ...]


class CandleUpdate(Record, frozen=True, kw_only=True):
    """The bar that is going on, with the fills that changed it. candle: None where it has no fill yet."""

    candle: DriftCandle | None
    fills: Fills


Message = Notice | Fills | CandleUpdate | DriftBook | Unreadable

_NOTICES = ("init", "subscription", "subscribe", "unsubscribe", "pong")


def read_message(text: bytes | str, reader: TradesReader) -> Message:
    """Read one message of either websocket. Whatever the text is, nothing is raised.

    reader: remembers the fills seen, so that one told twice is taken once.
    """
    try:
        told = read_json(text)
    except ValueError as error:
        return Unreadable(reason=f"not JSON: {error}"[:120])
    if not isinstance(told, dict):
        return Unreadable(reason="a message is an object")
    if told.get("type") == "update":
        return _update(told, reader)
    channel = told.get("channel")
    if channel == "heartbeat":
        return Notice(text="heartbeat")
    if isinstance(channel, str) and "data" in told:
        return _dlob(channel, told["data"], reader)
    if isinstance(told.get("message"), str):
        return Notice(text=told["message"])
    if told.get("type") in _NOTICES:
        return Notice(text=str(told["type"]))
    return Unreadable(reason="neither a channel nor an update")


def _dlob(channel: str, data: object, reader: TradesReader) -> Message:
    if isinstance(data, str):
        try:
            data = read_json(data)
        except ValueError as error:
            return Unreadable(reason=f"its data are not JSON: {error}"[:120])
    if channel.startswith("orderbook"):
        return dlob_book(data)
    if channel.startswith("trades"):
        return _fills(data if isinstance(data, list) else [data], reader)
    return Unreadable(reason=f"unknown channel {channel[:40]}")


def _update(told: dict[str, Any], reader: TradesReader) -> Message:
    if told.get("channelType") == "orderbook":
        return channel_book(told.get("data"))
    candle, trades = told.get("candle"), told.get("trades", [])
    if not isinstance(candle, dict) or not isinstance(trades, list):
        return Unreadable(reason="an update without a candle")
    read = read_candle(candle)
    if isinstance(read, Why) and read is not Why.NO_FILLS:
        return Unreadable(reason=f"a candle with {read}")
    return CandleUpdate(candle=None if isinstance(read, Why) else read, fills=_fills(trades, reader))


def _fills(rows: list[Any], reader: TradesReader) -> Fills:
    read = [reader.take(row) if isinstance(row, dict) else Why.NOT_A_RECORD for row in rows]
    return Fills(
        trades=tuple(one for one in read if isinstance(one, DriftTrade)),
        left_out=tuple(one for one in read if isinstance(one, Why)),
    )
