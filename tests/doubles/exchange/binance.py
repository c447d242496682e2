"""Binance USDT-M futures: what unmodified ccxt asks of it and listens to."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.market import MINUTE_MS
from tests.doubles.exchange.markets import FUNDING_MS, Market

Message = dict[str, Any]
PREFIX = "/fapi/v1/"
N_KLINES = 1500


class Binance:
    """Words everything as Binance does."""

    name = "binanceusdm"
    settles_ms = FUNDING_MS
    rate_ms = FUNDING_MS
    quote = "USDT"

    def __init__(self, markets: Sequence[Market]) -> None:
        self.markets: Mapping[str, Market] = {market.id: market for market in markets}

    def answer(self, path: str, query: Mapping[str, str], now_ms: int) -> tuple[int, Any]:
        """Return status and body of a request."""
        word = path.removeprefix(PREFIX)
        if word == "exchangeInfo":
            return 200, {"timezone": "UTC", "serverTime": now_ms, "rateLimits": [], "symbols": self._listed()}
        if word == "time":
            return 200, {"serverTime": now_ms}
        market = self.markets.get(query.get("symbol", ""))
        if market is None:
            return self.unknown(now_ms)
        answers = {
            "klines": self._klines,
            "premiumIndex": self._premium,
            "openInterest": self._interest,
            "fundingRate": self._settled,
            "depth": self._book,
        }
        return 200, answers[word](market, query, now_ms)

    def about(self, path: str, query: Mapping[str, Any]) -> str | None:
        """Return the id of the market that a request is about."""
        return query.get("symbol")

    def unknown(self, now_ms: int) -> tuple[int, Any]:
        return 400, {"code": -1121, "msg": "Invalid symbol."}

    def heard(self, told: Message) -> tuple[list[str], list[str], list[Message]]:
        """Return (topics added, topics left, replies) of a client's message."""
        params, reply = list(told.get("params") or ()), {"result": None, "id": told.get("id")}
        return (params, [], [reply]) if told.get("method") == "SUBSCRIBE" else ([], params, [reply])

    def first(self, topic: str, now_ms: int) -> list[Message]:
        """Return what a new subscriber is sent at once; of a book nothing, its snapshot is asked for by REST."""
        if "@depth" in topic:
            return []
        return self.kline(topic, now_ms) if self.is_kline(topic) else self.ticker(topic, now_ms)

    def number(self, topic: str) -> int:
        return 0

    def kline(self, topic: str, now_ms: int, open_ms: int | None = None, *, spoilt: bool = False) -> list[Message]:
        """Return the bar at hand, or a past one."""
        market = self._of(topic)
        found = None if market is None else market.forming(now_ms) if open_ms is None else market.bar(open_ms)
        if market is None or found is None:
            return []
        start, row = found
        words = ["NaN"] * 5 if spoilt else [market.text(figure) for figure in row]
        bar = {
            **dict(zip(("o", "h", "l", "c", "v"), words, strict=True)),
            "t": start, "T": start + MINUTE_MS - 1, "s": market.id, "i": "1m", "f": 1, "L": 2, "n": 2,
            "x": now_ms >= start + MINUTE_MS, "q": "0", "V": "0", "Q": "0", "B": "0",
        }  # fmt: skip
        return [{"e": "kline", "E": now_ms, "s": market.id, "k": bar}]

    def ticker(self, topic: str, now_ms: int) -> list[Message]:
        market = self._of(topic)
        if market is None:
            return []
        price, index = market.text(market.price(now_ms)), market.text(market.index(now_ms))
        due = {"r": f"{market.funding_rate}", "T": market.next_funding_ms(now_ms)}
        return [{"e": "markPriceUpdate", "E": now_ms, "s": market.id, "p": price, "i": index, "P": price, **due}]

    def depth(self, market: Market, changes: Mapping[str, Sequence[tuple[float, float]]], now_ms: int) -> Message:
        number = market.update_id
        sides = {side: self._texts(market, rows) for side, rows in changes.items()}
        return {
            "e": "depthUpdate", "E": now_ms, "T": now_ms, "s": market.id,
            "U": number, "u": number, "pu": number - 1, **sides,
        }  # fmt: skip

    def is_depth(self, topic: str, market: Market) -> bool:
        return topic.startswith(f"{market.id.lower()}@depth")

    def is_kline(self, topic: str) -> bool:
        return "@kline" in topic

    def stranger(self, topic: str, now_ms: int) -> list[Message]:
        """Return a bar of a market nobody asked for."""
        bars = self.kline(topic, now_ms)
        return [one | {"s": "WRONGUSDT", "k": one["k"] | {"s": "WRONGUSDT"}} for one in bars]

    def _of(self, topic: str) -> Market | None:
        return self.markets.get(topic.partition("@")[0].upper())

    def _listed(self) -> list[Message]:
        return [
            {
                "symbol": market.id, "pair": market.id, "contractType": "PERPETUAL", "status": "TRADING",
                "deliveryDate": 4133404800000, "onboardDate": 1569398400000, "baseAsset": market.base,
                "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": market.decimals,
                "quantityPrecision": 3, "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN",
                "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC"],
                "filters": [
                    {
                        "filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000",
                        "tickSize": f"{10**-market.decimals:.4f}",
                    },
                    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
                    {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
                    {"filterType": "MIN_NOTIONAL", "notional": "5"},
                ],
            }
            for market in self.markets.values()
        ]  # fmt: skip

    def _klines(self, market: Market, query: Mapping[str, str], now_ms: int) -> list[Any]:
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", now_ms))
        opens = [open_ms for open_ms in market.bars if first <= open_ms <= min(last, now_ms - 1)]
        rows = []
        for open_ms in sorted(opens)[: min(int(query.get("limit", 500)), N_KLINES)]:
            found = market.bar(open_ms, min(1.0, (now_ms - open_ms) / MINUTE_MS))
            assert found is not None
            figures = [market.text(figure) for figure in found[1]]
            rows.append([open_ms, *figures, open_ms + MINUTE_MS - 1, "0", 1, "0", "0", "0"])
        return rows

    def _premium(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        price, index = market.text(market.price(now_ms)), market.text(market.index(now_ms))
        return {
            "symbol": market.id, "markPrice": price, "indexPrice": index, "estimatedSettlePrice": price,
            "lastFundingRate": f"{market.funding_rate}", "interestRate": "0.0001",
            "nextFundingTime": market.next_funding_ms(now_ms), "time": now_ms,
        }  # fmt: skip

    def _interest(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        return {"symbol": market.id, "openInterest": f"{market.interest_base(now_ms)}", "time": now_ms}

    def _settled(self, market: Market, query: Mapping[str, str], now_ms: int) -> list[Message]:
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", now_ms))
        due = range(-(-first // FUNDING_MS) * FUNDING_MS, min(last, now_ms) + 1, FUNDING_MS)
        rate, price = f"{market.funding_rate}", "100"
        return [{"symbol": market.id, "fundingRate": rate, "fundingTime": at, "markPrice": price} for at in due]

    def _book(self, market: Market, query: Mapping[str, str], now_ms: int) -> Message:
        # The book a listener's changes go on from, which is the one last shown.
        market.shown = market.shown if market.shown["b"] else market.levels(now_ms)
        sides = {side: self._texts(market, list(levels.items())) for side, levels in market.shown.items()}
        return {"lastUpdateId": market.update_id, "E": now_ms, "T": now_ms, "bids": sides["b"], "asks": sides["a"]}

    def _texts(self, market: Market, rows: Sequence[tuple[float, float]]) -> list[list[str]]:
        return [[market.text(price), f"{size}"] for price, size in rows]
