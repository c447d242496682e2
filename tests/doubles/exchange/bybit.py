"""Bybit v5, linear perpetuals: what unmodified ccxt asks of it and listens to."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.market import HOUR_MS, MINUTE_MS
from tests.doubles.exchange.markets import FUNDING_MS, Market

Message = dict[str, Any]
PREFIX = "/v5/market/"
N_KLINES = 1000


class Bybit:
    """Words everything as Bybit does. now_ms: the exchange's own time."""

    name = "bybit"
    settles_ms = FUNDING_MS
    rate_ms = FUNDING_MS
    quote = "USDT"

    def __init__(self, markets: Sequence[Market]) -> None:
        self.markets: Mapping[str, Market] = {market.id: market for market in markets}

    def answer(self, path: str, query: Mapping[str, str], now_ms: int) -> tuple[int, Any]:
        """Return status and body of a request."""
        word = path.removeprefix(PREFIX)
        if word == "instruments-info":
            return 200, self._well({"category": "linear", "nextPageCursor": "", "list": self._listed()}, now_ms)
        if word == "time":
            return 200, self._well({"timeSecond": str(now_ms // 1000), "timeNano": f"{now_ms}000000"}, now_ms)
        market = self.markets.get(query.get("symbol", ""))
        if market is None:
            return self.unknown(now_ms)
        answers = {
            "kline": self._klines,
            "tickers": self._tickers,
            "open-interest": self._interest,
            "funding/history": self._settled,
            "orderbook": self._book,
        }
        return 200, self._well(answers[word](market, query, now_ms), now_ms)

    def about(self, path: str, query: Mapping[str, Any]) -> str | None:
        """Return the id of the market that a request is about."""
        return query.get("symbol")

    def unknown(self, now_ms: int) -> tuple[int, Any]:
        return 200, {"retCode": 10001, "retMsg": "params error: symbol invalid", "result": {}, "time": now_ms}

    def heard(self, told: Message) -> tuple[list[str], list[str], list[Message]]:
        """Return (topics added, topics left, replies) of a client's message."""
        op, number, args = told.get("op"), told.get("req_id"), list(told.get("args") or ())
        reply = {"success": True, "ret_msg": "", "conn_id": "local", "req_id": number, "op": op}
        if op == "ping":
            return [], [], [reply | {"ret_msg": "pong"}]
        return (args, [], [reply]) if op == "subscribe" else ([], args, [reply])

    def first(self, topic: str, now_ms: int) -> list[Message]:
        """Return what a new subscriber is sent at once."""
        market = self._of(topic)
        if market is None:
            return []
        if topic.startswith("orderbook"):
            market.shown = market.shown if market.shown["b"] else market.levels(now_ms)
            sides = {side: list(levels.items()) for side, levels in market.shown.items()}
            return [self._depth(topic, market, sides, market.update_id, now_ms, "snapshot")]
        return self.ticker(topic, now_ms, "snapshot") if topic.startswith("tickers") else self.kline(topic, now_ms)

    def number(self, topic: str) -> int:
        """Return the number of the last change that a new listener's book holds already."""
        market = self._of(topic)
        return 0 if market is None else market.update_id

    def kline(self, topic: str, now_ms: int, open_ms: int | None = None, *, spoilt: bool = False) -> list[Message]:
        """Return the bar at hand, or a past one."""
        market = self._of(topic)
        found = None if market is None else market.forming(now_ms) if open_ms is None else market.bar(open_ms)
        if market is None or found is None:
            return []
        start, row = found
        words = ["NaN"] * 5 if spoilt else [market.text(figure) for figure in row]
        data = dict(zip(("open", "high", "low", "close", "volume"), words, strict=True))
        bar = data | {"start": start, "end": start + MINUTE_MS - 1, "interval": "1", "turnover": "0"}
        is_over = now_ms >= start + MINUTE_MS
        return [
            {
                "topic": topic,
                "type": "snapshot",
                "ts": now_ms,
                "data": [bar | {"confirm": is_over, "timestamp": now_ms}],
            }
        ]

    def ticker(self, topic: str, now_ms: int, kind: str = "delta") -> list[Message]:
        market = self._of(topic)
        data = None if market is None else self._ticker(market, now_ms)
        return [] if data is None else [{"topic": topic, "type": kind, "cs": now_ms, "ts": now_ms, "data": data}]

    def depth(self, market: Market, changes: Mapping[str, Sequence[tuple[float, float]]], now_ms: int) -> Message:
        topic = f"orderbook.50.{market.id}"
        return self._depth(topic, market, changes, market.update_id, now_ms, "delta")

    def is_depth(self, topic: str, market: Market) -> bool:
        return topic.startswith("orderbook") and topic.endswith(f".{market.id}")

    def is_kline(self, topic: str) -> bool:
        return topic.startswith("kline")

    def stranger(self, topic: str, now_ms: int) -> list[Message]:
        """Return a bar of a market nobody asked for."""
        return [one | {"topic": "kline.1.WRONGUSDT"} for one in self.kline(topic, now_ms)]

    def _of(self, topic: str) -> Market | None:
        return self.markets.get(topic.rpartition(".")[2])

    def _well(self, result: Message, now_ms: int) -> Message:
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms}

    def _listed(self) -> list[Message]:
        return [
            {
                "symbol": market.id, "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": market.base,
                "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1585526400000", "deliveryTime": "0",
                "deliveryFeeRate": "", "priceScale": str(market.decimals), "fundingInterval": 480,
                "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
                "priceFilter": {"minPrice": "0.1", "maxPrice": "1999999.8", "tickSize": f"{10**-market.decimals:.4f}"},
                "lotSizeFilter": {
                    "maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001",
                    "maxMktOrderQty": "119.000", "minNotionalValue": "5",
                },
                "unifiedMarginTrade": True, "copyTrading": "both", "isPreListing": False,
            }
            for market in self.markets.values()
        ]  # fmt: skip

    def _klines(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        first, last = int(query.get("start", 0)), int(query.get("end", now_ms))
        opens = [open_ms for open_ms in market.bars if first <= open_ms <= min(last, now_ms - 1)]
        rows = []
        for open_ms in sorted(opens)[: min(int(query.get("limit", 200)), N_KLINES)]:
            found = market.bar(open_ms, min(1.0, (now_ms - open_ms) / MINUTE_MS))
            assert found is not None
            rows.append([str(open_ms), *(market.text(figure) for figure in found[1]), "0"])
        return {"category": "linear", "symbol": market.id, "list": rows[::-1]}

    def _ticker(self, market: Market, now_ms: int) -> Message:
        price, interest = market.price(now_ms), market.interest_base(now_ms)
        return {
            "symbol": market.id, "lastPrice": market.text(price), "markPrice": market.text(price),
            "indexPrice": market.text(market.index(now_ms)), "prevPrice24h": market.text(price),
            "price24hPcnt": "0", "highPrice24h": market.text(price), "lowPrice24h": market.text(price),
            "turnover24h": "1", "volume24h": "1", "openInterest": f"{interest}",
            "openInterestValue": f"{interest * price:.2f}", "fundingRate": f"{market.funding_rate}",
            "nextFundingTime": str(market.next_funding_ms(now_ms)), "fundingIntervalHour": "8",
            "bid1Price": market.text(price), "bid1Size": "1", "ask1Price": market.text(price), "ask1Size": "1",
        }  # fmt: skip

    def _tickers(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        return {"category": "linear", "list": [self._ticker(market, now_ms)]}

    def _interest(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        point = {"openInterest": f"{market.interest_base(now_ms)}", "timestamp": str(now_ms // HOUR_MS * HOUR_MS)}
        return {"symbol": market.id, "category": "linear", "list": [point], "nextPageCursor": ""}

    def _settled(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", now_ms))
        due = range(-(-first // FUNDING_MS) * FUNDING_MS, min(last, now_ms) + 1, FUNDING_MS)
        rate = f"{market.funding_rate}"
        listed = [{"symbol": market.id, "fundingRate": rate, "fundingRateTimestamp": str(at)} for at in due[-200:]]
        return {"category": "linear", "list": listed[::-1]}

    def _book(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        sides = {side: self._texts(market, list(levels.items())) for side, levels in market.levels(now_ms).items()}
        return {"s": market.id, **sides, "ts": now_ms, "u": market.update_id, "seq": market.update_id, "cts": now_ms}

    def _depth(
        self,
        topic: str,
        market: Market,
        sides: Mapping[str, Sequence[tuple[float, float]]],
        number: int,
        now_ms: int,
        kind: str,
    ) -> Message:
        levels = {side: self._texts(market, rows) for side, rows in sides.items()}
        data = {"s": market.id, **levels, "u": number, "seq": number * 7}
        return {"topic": topic, "type": kind, "ts": now_ms, "data": data, "cts": now_ms}

    def _texts(self, market: Market, rows: Sequence[tuple[float, float]]) -> list[list[str]]:
        return [[market.text(price), f"{size}"] for price, size in rows]
