"""What is read along in an exchange's messages, before ccxt's own class gets them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from market.live.messages import N_KEPT, MessageWatch


class Ccxt:
    """Stands where ccxt's class of an exchange stands."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.passed_on: list[Any] = []

    def safe_symbol(self, market_id: Any, *_: Any) -> str:
        return f"{market_id}!"

    def handle_order_book(self, client: Any, message: Any) -> None:
        self.passed_on.append(message)

    handle_ohlcv = handle_order_book


class Watched(MessageWatch, Ccxt):
    pass


def book(number, kind="delta"):
    return {"topic": "orderbook.50.SOLUSDT", "type": kind, "data": {"s": "SOLUSDT", "u": number, "b": [], "a": []}}


def test_a_change_that_does_not_follow_breaks_the_book_until_the_next_snapshot():
    watched = Watched({})
    for message in (book(7, "snapshot"), book(8), book(9)):
        watched.handle_order_book(None, message)
    assert watched.broken_books == {}
    watched.handle_order_book(None, book(11))
    assert watched.broken_books == {"SOLUSDT!": "order book change 11 came after 9"}
    watched.handle_order_book(None, book(1, "snapshot"))
    assert watched.broken_books == {}
    assert len(watched.passed_on) == 5


def test_the_recorded_book_of_an_exchange_is_whole_and_one_change_less_is_seen(shared: Path):
    path = shared / "data" / "messages" / "bybit_v5_orderbook500_xrpusdt_20241201.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        messages = [json.loads(line) for line in lines]
    for left_out in (None, 20):
        watched = Watched({})
        for number, message in enumerate(messages):
            if number != left_out:
                watched.handle_order_book(None, message)
        assert bool(watched.broken_books) == (left_out is not None)


@pytest.mark.parametrize(
    "message",
    [
        {"topic": "kline.1.SOLUSDT", "data": [{"start": 60_000, "confirm": True}]},
        {"e": "kline", "k": {"s": "SOLUSDT", "t": 60_000, "x": True}},
    ],
)
def test_a_bar_called_final_is_remembered_and_passed_on(message):
    watched = Watched({})
    watched.handle_ohlcv(None, message)
    assert watched.final_bars == {"SOLUSDT!": [60_000]}
    assert watched.passed_on == [message]


@pytest.mark.parametrize(
    "message",
    [
        {"topic": "kline.1.SOLUSDT", "data": [{"start": 60_000, "confirm": False}]},
        {"e": "kline", "k": {"s": "SOLUSDT", "t": 60_000, "x": False}},
        {"channel": "candle", "data": {"t": 60_000, "s": "SOL"}},
        {"params": {"channel": "chart.trades.SOL_USDC-PERPETUAL.1", "data": {"tick": 60_000}}},
    ],
)
def test_a_bar_that_nobody_calls_final_is_not(message):
    watched = Watched({})
    watched.handle_ohlcv(None, message)
    assert watched.final_bars == {}
    assert watched.passed_on == [message]


def test_only_the_newest_final_bars_are_kept():
    watched = Watched({})
    for minute in range(50):
        watched.handle_ohlcv(None, {"e": "kline", "k": {"s": "S", "t": minute * 60_000, "x": True}})
    assert len(watched.final_bars["S!"]) == N_KEPT
