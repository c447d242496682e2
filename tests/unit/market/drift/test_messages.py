import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from market.drift.books import DriftBook, Level, Unreadable, read_dlob_book
from market.drift.counts import Why
from market.drift.messages import CandleUpdate, Fills, Notice, read_message
from market.drift.trades import TradesReader

RAW_BOOK = {
    "bids": [{"size": 61_040_000_000, "price": 81_868_100, "sources": {"vamm": 61_040_000_000}}],
    "asks": [{"size": "1000000000", "price": "81900000", "maker": "abc", "orderId": 12}],
    "marketName": "SOL-PERP",
    "ts": 1_770_340_556_873,
    "slot": 398_339_101,
    "oracle": 81_880_000,
}
FILL = {
    "ts": 1_770_340_611,
    "txSig": "s",
    "fillRecordId": "5",
    "baseAssetAmountFilled": Decimal("1.5"),
    "quoteAssetAmountFilled": 150,
}


def said(message):
    text = message if isinstance(message, str) else json.dumps(message, default=float)
    return read_message(text, TradesReader("SOL-PERP"))


def test_a_books_data_are_json_in_a_json_string():
    book = said({"channel": "orderbook_perp_0_grouped_1", "data": json.dumps(RAW_BOOK)})
    assert isinstance(book, DriftBook)
    assert book.bids == (Level(price=81.8681, size_base=61.04),)
    assert book.asks == (Level(price=81.9, size_base=1.0, maker="abc", order_id="12"),)
    assert (book.symbol, book.as_of_ms, book.slot, book.mark, book.oracle) == (
        "SOL-PERP",
        1_770_340_556_873,
        398_339_101,
        None,
        81.88,
    )


def test_the_data_apis_book_is_decimal_with_bids_first():
    data = {
        "symbol": "SOL-PERP",
        "levels": [[["85.560000", "2942.366520676"]], [["85.716800", "2334.774"]]],
        "oraclePrice": "85.689988",
        "markPrice": "85.638400",
    }
    book = said({"type": "update", "channelType": "orderbook", "channel": "orderbook:SOL-PERP", "data": data})
    assert isinstance(book, DriftBook)
    assert book.bids == (Level(price=85.56, size_base=2942.366520676),)
    assert (book.asks[0].price, book.mark, book.oracle) == (85.7168, 85.6384, 85.689988)


def test_a_decimal_in_a_raw_book_and_whole_figures_in_a_decimal_one_are_refused():
    decimal = RAW_BOOK | {"oracle": "81.88"}
    whole = {"levels": [[["85560000", "2942"]], [["85716800", "2334"]]]}
    assert read_dlob_book(json.dumps(decimal)) == Unreadable(reason="raw or decimal cannot be told")
    told = said({"type": "update", "channelType": "orderbook", "data": whole})
    assert told == Unreadable(reason="raw or decimal cannot be told")


def test_fills_come_alone_or_with_the_bar_they_changed():
    alone = said({"channel": "trades_perp_0", "data": json.dumps(FILL, default=float)})
    assert isinstance(alone, Fills)
    assert [trade.price for trade in alone.trades] == [100.0]
    candle = {
        "ts": 1_770_340_560, "fillOpen": 85.5, "fillHigh": 86, "fillLow": 85, "fillClose": 85.7, "baseVolume": 3.5,
    }  # fmt: skip
    update = said({"type": "update", "candle": candle, "trades": [FILL, FILL, 7]})
    assert isinstance(update, CandleUpdate)
    assert update.candle is not None
    assert update.candle.close_price == 85.7
    assert (len(update.fills.trades), update.fills.left_out) == (1, (Why.DUPLICATE, Why.NOT_A_RECORD))


def test_heartbeats_and_acknowledgements_are_notices():
    assert said({"channel": "heartbeat"}) == Notice(text="heartbeat")
    assert said({"message": "Subscribe received for channel: trades"}).text.startswith("Subscribe received")  # type: ignore[union-attr]
    assert said({"type": "init"}) == Notice(text="init")


def test_what_is_not_understood_says_why():
    for message in ("{", "5", {"channel": "orderbook_perp_0", "data": "{"}, {"channel": "moon", "data": "{}"}, {}):
        told = said(message)
        assert isinstance(told, Unreadable)
        assert told.reason


NAMES = st.sampled_from(
    ["channel", "data", "type", "candle", "trades", "bids", "asks", "price", "size", "ts", "levels", "message", "slot"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["orderbook_perp_0", "trades_perp_0", "update", "orderbook"]))
def test_no_message_raises(told, kind):
    said(json.dumps(told))
    said({"channel": kind, "data": json.dumps(told)})
    said({"type": "update", "channelType": kind, "data": told, "candle": told, "trades": told})


@given(st.binary(max_size=120))
def test_no_bytes_raise(noise):
    read_message(noise, TradesReader())
