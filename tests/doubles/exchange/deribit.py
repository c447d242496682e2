"""Deribit's linear perpetuals: what unmodified ccxt asks of it and listens to, in JSON-RPC both ways."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.market import HOUR_MS, MINUTE_MS
from tests.doubles.exchange.markets import FUNDING_MS, Market

Message = dict[str, Any]
PREFIX = "/api/v2/public/"
N_TICKS = 5_000
KINDS = {"chart": "chart", "book": "book", "ticker": "ticker"}


class Deribit:
    """Words everything as Deribit does. Topics are named KIND.MARKET here, its channels are not."""

    name = "deribit"
    settles_ms = HOUR_MS
    rate_ms = FUNDING_MS
    quote = "USDC"

    def __init__(self, markets: Sequence[Market]) -> None:
        self.markets: Mapping[str, Market] = {market.id: market for market in markets}
        self._by_name = {instrument(market): market for market in markets}

    def answer(self, path: str, query: Mapping[str, Any], now_ms: int) -> tuple[int, Any]:
        """Return status and body of a request."""
        word = path.removeprefix(PREFIX)
        if word == "get_time":
            return 200, self._well(now_ms, now_ms)
        if word == "get_instruments":
            return 200, self._well(self._listed(), now_ms)
        market = self._by_name.get(query.get("instrument_name", ""))
        if market is None:
            return self.unknown(now_ms)
        answers = {
            "get_tradingview_chart_data": self._chart,
            "ticker": self._ticker,
            "get_funding_rate_history": self._settled,
            "get_order_book": self._book,
        }
        return 200, self._well(answers[word](market, query, now_ms), now_ms)

    def about(self, path: str, query: Mapping[str, Any]) -> str | None:
        """Return the id of the market that a request is about."""
        market = self._by_name.get(query.get("instrument_name", ""))
        return None if market is None else market.id

    def unknown(self, now_ms: int) -> tuple[int, Any]:
        error = {"message": "instrument_not_found", "code": 13020}
        return 400, {"jsonrpc": "2.0", "error": error, "testnet": False, "usIn": 0, "usOut": 0, "usDiff": 0}

    def heard(self, told: Message) -> tuple[list[str], list[str], list[Message]]:
        """Return (topics added, topics left, replies) of a client's message."""
        channels = list(told["params"]["channels"])
        names = [channel.removeprefix("chart.trades.").split(".") for channel in channels]
        topics = [
            f"chart.{self._by_name[name[0]].id}"
            if channel.startswith("chart")
            else f"{name[0]}.{self._by_name[name[1]].id}"
            for channel, name in zip(channels, names, strict=True)
        ]
        reply = {"jsonrpc": "2.0", "id": told["id"], "result": channels, "usIn": 0, "usOut": 0, "usDiff": 0}
        return (topics, [], [reply]) if told["method"] == "public/subscribe" else ([], topics, [reply])

    def first(self, topic: str, now_ms: int) -> list[Message]:
        """Return what a new subscriber is sent at once; of charts nothing, the next trade brings a bar."""
        market = self._of(topic)
        if self.is_kline(topic):
            return []
        if self.is_depth(topic, market):
            levels = {side: list(rows.items()) for side, rows in market.book(now_ms).items()}
            return [self._change(market, levels, now_ms, {"type": "snapshot"}, "new")]
        return self.ticker(topic, now_ms)

    def number(self, topic: str) -> int:
        """Return the number of the last change that a new listener's book holds already."""
        return self._of(topic).update_id

    def kline(self, topic: str, now_ms: int, open_ms: int | None = None, *, spoilt: bool = False) -> list[Message]:
        """Return the bar at hand, or a past one."""
        market = self._of(topic)
        found = market.forming(now_ms) if open_ms is None else market.bar(open_ms)
        if found is None:
            return []
        start, row = found
        figures = dict(zip(("open", "high", "low", "close", "volume"), [None] * 5 if spoilt else row, strict=True))
        return [self._told(f"chart.trades.{instrument(market)}.1", {**figures, "tick": start, "cost": 0.0})]

    def ticker(self, topic: str, now_ms: int) -> list[Message]:
        market = self._of(topic)
        return [self._told(f"ticker.{instrument(market)}.100ms", self._ticker(market, {}, now_ms))]

    def depth(self, market: Market, changes: Mapping[str, Sequence[tuple[float, float]]], now_ms: int) -> Message:
        after = {"type": "change", "prev_change_id": market.update_id - 1}
        return self._change(market, changes, now_ms, after, "change")

    def is_depth(self, topic: str, market: Market) -> bool:
        return topic == f"book.{market.id}"

    def is_kline(self, topic: str) -> bool:
        return topic.startswith("chart.")

    def stranger(self, topic: str, now_ms: int) -> list[Message]:
        """Return a bar of a market nobody asked for."""
        bars = self.kline(topic, now_ms)
        return [self._told("chart.trades.WRONG_USDC-PERPETUAL.1", one["params"]["data"]) for one in bars]

    def _of(self, topic: str) -> Market:
        return self.markets[topic.rpartition(".")[2]]

    def _well(self, result: Any, now_ms: int) -> Message:
        return {"jsonrpc": "2.0", "result": result, "testnet": False, "usIn": now_ms * 1000, "usOut": now_ms * 1000}

    def _told(self, channel: str, data: Message) -> Message:
        return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}

    def _listed(self) -> list[Message]:
        """Its linear perpetuals, and one of the others that are listed with them."""
        return [_listing(instrument(one), one.base, "USDC", 10**-one.decimals) for one in self.markets.values()] + [
            _listing("BTC-PERPETUAL", "BTC", "BTC", 0.5) | {"quote_currency": "USD", "counter_currency": "USD"}
        ]

    def _chart(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        # The bar that the beginning lies in is told too.
        first_ms = int(query["start_timestamp"]) // MINUTE_MS * MINUTE_MS
        found = market.rows(first_ms, int(query["end_timestamp"]), now_ms, N_TICKS)
        names = ("open", "high", "low", "close", "volume")
        columns = {name: [row[place] for _, row in found] for place, name in enumerate(names)}
        return {**columns, "ticks": [open_ms for open_ms, _ in found], "cost": [0.0] * len(found), "status": "ok"}

    def _ticker(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        price = market.price(now_ms)
        return {
            "timestamp": now_ms, "state": "open", "instrument_name": instrument(market), "last_price": price,
            "stats": {"volume": 1000.0, "low": price, "high": price}, "mark_price": price,
            "index_price": market.index(now_ms), "open_interest": market.interest_base(now_ms),
            "funding_8h": market.funding_rate / 3.0, "current_funding": market.funding_rate,
            "best_bid_price": price, "best_bid_amount": 1.0, "best_ask_price": price, "best_ask_amount": 1.0,
            "settlement_price": price, "min_price": price, "max_price": price,
        }  # fmt: skip

    def _settled(self, market: Market, query: Mapping[str, Any], now_ms: int) -> list[Message]:
        first_ms, last_ms = int(query["start_timestamp"]), min(int(query["end_timestamp"]), now_ms)
        told = {"interest_8h": market.funding_rate, "interest_1h": market.funding_rate / 8.0, "index_price": 100.0}
        due = range(-(-first_ms // HOUR_MS) * HOUR_MS, last_ms + 1, HOUR_MS)
        return [told | {"timestamp": at_ms, "prev_index_price": 100.0} for at_ms in due[:744]]

    def _book(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        sides = market.levels(now_ms)
        bids, asks = ([[price, size] for price, size in sides[side].items()] for side in ("b", "a"))
        return {**self._ticker(market, query, now_ms), "change_id": market.update_id, "bids": bids, "asks": asks}

    def _change(
        self,
        market: Market,
        sides: Mapping[str, Sequence[tuple[float, float]]],
        now_ms: int,
        kind: Message,
        word: str,
    ) -> Message:
        bids, asks = ([[word if size else "delete", price, size] for price, size in sides[side]] for side in ("b", "a"))
        named = {"timestamp": now_ms, "instrument_name": instrument(market), "change_id": market.update_id}
        return self._told(f"book.{instrument(market)}.100ms", {**kind, **named, "bids": bids, "asks": asks})


def instrument(market: Market) -> str:
    """Return Deribit's name of a market."""
    return f"{market.base}_USDC-PERPETUAL"


def _listing(name: str, base: str, settle: str, tick: float) -> Message:
    return {
        "instrument_name": name, "base_currency": base, "quote_currency": settle, "counter_currency": settle,
        "settlement_currency": settle, "settlement_period": "perpetual", "kind": "future", "is_active": True,
        "future_type": "reversed" if settle == "BTC" else "linear", "tick_size": tick, "min_trade_amount": 0.01,
        "contract_size": 0.01, "taker_commission": 0.0005, "maker_commission": 0.0, "max_leverage": 50,
        "creation_timestamp": 1534242287000, "expiration_timestamp": 32503708800000,
    }  # fmt: skip
