"""What is read along in an exchange's messages, before ccxt's own class gets them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from market.live.messages import N_KEPT, MessageWatch


class Ccxt:
    """Stands where ccxt's class of an exchange stands. The configuration names the exchange."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.id = config["id"]
        self.passed_on: list[Any] = []
        self.orderbooks: dict[str, Any] = {}
        self.ohlcvs: dict[str, Any] = {}

    def safe_symbol(self, market_id: Any, *_: Any) -> str:
        return f"{market_id}!"

    def coin_to_market_id(self, coin: str) -> str:
        return f"{coin}!"

    def handle_order_book(self, client: Any, message: Any) -> None:
        self.passed_on.append(message)

    handle_ohlcv = handle_order_book


class Watched(MessageWatch, Ccxt):
    pass


LINE, OTHER = object(), object()


def book(number, kind="delta"):
    return {"topic": "orderbook.50.SOLUSDT", "type": kind, "data": {"s": "SOLUSDT", "u": number, "b": [], "a": []}}


def test_a_change_that_does_not_follow_breaks_the_book_until_the_next_snapshot():
    watched = Watched({"id": "bybit"})
    for message in (book(7, "snapshot"), book(8), book(9)):
        watched.handle_order_book(LINE, message)
    assert watched.broken_books == {}
    watched.handle_order_book(LINE, book(11))
    assert watched.broken_books == {"SOLUSDT!": "order book change 11 came after 9"}
    watched.handle_order_book(LINE, book(1, "snapshot"))
    assert watched.broken_books == {}
    assert len(watched.passed_on) == 5


def test_the_recorded_book_of_an_exchange_is_whole_and_one_change_less_is_seen(shared: Path):
    path = shared / "data" / "messages" / "bybit_v5_orderbook500_xrpusdt_20241201.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        messages = [json.loads(line) for line in lines]
    for left_out in (None, 20):
        watched = Watched({"id": "bybit"})
        for number, message in enumerate(messages):
            if number != left_out:
                watched.handle_order_book(LINE, message)
        assert bool(watched.broken_books) == (left_out is not None)


def deribit_book(number, before):
    kind = {"type": "snapshot"} if before is None else {"type": "change", "prev_change_id": before}
    return {"params": {"data": {"instrument_name": "SOLUSDT", "change_id": number, **kind}}}


def mexc_book(number, first=None):
    return {"symbol": "SOLUSDT", "data": {"version": number, **({} if first is None else {"begin": first})}}


@pytest.mark.parametrize(
    ("exchange", "whole", "missed"),
    [
        ("deribit", [(7, None), (9, 7), (40, 9)], (44, 41)),
        ("mexc", [(7,), (8,), (11, 9), (12, 12)], (14,)),
    ],
)
def test_each_exchange_numbers_its_changes_in_its_own_way(exchange, whole, missed):
    worded = {"deribit": deribit_book, "mexc": mexc_book}[exchange]
    watched = Watched({"id": exchange})
    for numbers in whole:
        watched.handle_order_book(LINE, worded(*numbers))
    assert watched.broken_books == {}
    watched.handle_order_book(LINE, worded(*missed))
    assert list(watched.broken_books) == ["SOLUSDT!"]
    watched.forget_book("SOLUSDT!")
    watched.handle_order_book(LINE, worded(60, 59))
    assert watched.broken_books == {}


@pytest.mark.parametrize("begins", [(LINE, deribit_book(50, None)), (OTHER, deribit_book(10, 9))])
def test_a_book_that_begins_anew_or_on_another_line_has_nothing_of_the_one_before(begins):
    watched = Watched({"id": "deribit"})
    watched.handle_order_book(LINE, deribit_book(9, None))
    watched.orderbooks["SOLUSDT!"] = "what ccxt made of it"
    watched.handle_order_book(LINE, deribit_book(10, 9))
    assert watched.orderbooks != {}
    watched.handle_order_book(*begins)
    assert watched.orderbooks == {}
    assert watched.broken_books == {}


def bar(exchange, minute, *, is_final=None):
    """Return a bar's message as each exchange words it."""
    open_ms = minute * 60_000
    return {
        "bybit": {"topic": "kline.1.SOLUSDT", "data": [{"start": open_ms, "confirm": is_final}]},
        "binanceusdm": {"e": "kline", "k": {"s": "SOLUSDT", "t": open_ms, "x": is_final}},
        "hyperliquid": {"channel": "candle", "data": {"t": open_ms, "s": "SOLUSDT"}},
        "deribit": {"params": {"channel": "chart.trades.SOLUSDT.1", "data": {"tick": open_ms}}},
        "mexc": {"channel": "push.kline", "symbol": "SOLUSDT", "data": {"t": open_ms // 1000}},
    }[exchange]


CALLS, SHOWS = ("bybit", "binanceusdm"), ("hyperliquid", "deribit", "mexc")


@pytest.mark.parametrize("exchange", CALLS)
def test_a_bar_called_final_is_remembered_and_passed_on(exchange):
    watched = Watched({"id": exchange})
    message = bar(exchange, 1, is_final=True)
    watched.handle_ohlcv(LINE, message)
    assert watched.final_bars == {"SOLUSDT!": [60_000]}
    assert watched.passed_on == [message]


@pytest.mark.parametrize("exchange", CALLS)
def test_a_bar_that_an_exchange_could_call_final_and_does_not_is_none(exchange):
    watched = Watched({"id": exchange})
    for minute in (1, 2):
        watched.handle_ohlcv(LINE, bar(exchange, minute, is_final=False))
    assert watched.final_bars == {}
    assert len(watched.passed_on) == 2


@pytest.mark.parametrize("exchange", SHOWS)
def test_where_no_bar_is_called_final_it_is_when_its_line_goes_on_to_the_next(exchange):
    watched = Watched({"id": exchange})
    for minute in (1, 1, 2, 1, 2):
        watched.handle_ohlcv(LINE, bar(exchange, minute))
    assert watched.final_bars == {"SOLUSDT!": [60_000]}
    assert len(watched.passed_on) == 5


@pytest.mark.parametrize("exchange", SHOWS)
def test_a_bar_whose_end_another_line_may_have_shown_is_not_final(exchange):
    watched = Watched({"id": exchange})
    for line, minute in ((LINE, 1), (OTHER, 2), (OTHER, 3)):
        watched.handle_ohlcv(line, bar(exchange, minute))
    assert watched.final_bars == {"SOLUSDT!": [120_000]}


def test_rows_that_ccxt_would_forget_are_kept_with_the_new_ones():
    class Forgetful(Ccxt):
        """Begins a new list with each row, as Deribit's does."""

        def handle_ohlcv(self, client: Any, message: Any) -> None:
            self.ohlcvs.setdefault("SOLUSDT!", {})["1m"] = [[message["params"]["data"]["tick"]]]

    class Kept(MessageWatch, Forgetful):
        pass

    watched = Kept({"id": "deribit"})
    for minute in (1, 2, 3):
        watched.handle_ohlcv(LINE, bar("deribit", minute))
    assert watched.ohlcvs["SOLUSDT!"]["1m"] == [[60_000], [120_000], [180_000]]


def test_only_the_newest_final_bars_are_kept():
    watched = Watched({"id": "bybit"})
    for minute in range(50):
        watched.handle_ohlcv(LINE, bar("bybit", minute, is_final=True))
    assert len(watched.final_bars["SOLUSDT!"]) == N_KEPT
