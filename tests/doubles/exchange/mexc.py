"""MEXC's linear perpetuals: what unmodified ccxt asks of it and listens to. It counts in contracts, not in base."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.doubles.exchange.markets import FUNDING_MS, Market

Message = dict[str, Any]
PREFIX = "/api/v1/contract/"
SPOT = "/api/v3/exchangeInfo"
N_KLINES = 2_000
CONTRACT_BASE = {"SOL": 0.1, "BTC": 0.0001, "ETH": 0.01}


class Mexc:
    """Words everything as MEXC does. Topics are named KIND.MARKET here, its own names go without the market."""

    name = "mexc"
    settles_ms = FUNDING_MS
    rate_ms = FUNDING_MS
    quote = "USDT"

    def __init__(self, markets: Sequence[Market]) -> None:
        self.markets: Mapping[str, Market] = {market.id: market for market in markets}
        self._by_name = {contract(market): market for market in markets}

    def answer(self, path: str, query: Mapping[str, Any], now_ms: int) -> tuple[int, Any]:
        """Return status and body of a request."""
        word = path.removeprefix(PREFIX)
        if path == SPOT:
            return 200, {"timezone": "CST", "serverTime": now_ms, "symbols": []}
        if word == "ping":
            return 200, self._well(now_ms)
        if word == "detail":
            return 200, self._well(self._listed())
        market = self._by_name.get(self._named(path, query))
        if market is None:
            return self.unknown(now_ms)
        answers = {
            "kline": self._klines,
            "ticker": self._ticker,
            "funding_rate": self._funding,
            "funding_rate/history": self._settled,
            "depth": self._book,
        }
        return 200, self._well(answers[word.removesuffix(f"/{contract(market)}")](market, query, now_ms))

    def about(self, path: str, query: Mapping[str, Any]) -> str | None:
        """Return the id of the market that a request is about, which some have in their path."""
        market = self._by_name.get(self._named(path, query))
        return None if market is None else market.id

    def unknown(self, now_ms: int) -> tuple[int, Any]:
        return 200, {"success": False, "code": 1001, "message": "Contract does not exist!"}

    def heard(self, told: Message) -> tuple[list[str], list[str], list[Message]]:
        """Return (topics added, topics left, replies) of a client's message."""
        method = told["method"]
        if method == "ping":
            return [], [], [{"channel": "pong", "data": 0}]
        order, _, kind = method.partition(".")
        topics = [f"{kind}.{self._by_name[told['param']['symbol']].id}"]
        reply = {"channel": f"rs.{method}", "data": "success", "ts": 0}
        return (topics, [], [reply]) if order == "sub" else ([], topics, [reply])

    def first(self, topic: str, now_ms: int) -> list[Message]:
        """Return what a new subscriber is sent at once; of a book nothing, the whole of it is asked for by REST."""
        if topic.startswith("depth."):
            return []
        return self.kline(topic, now_ms) if self.is_kline(topic) else self.ticker(topic, now_ms)

    def number(self, topic: str) -> int:
        return 0

    def kline(self, topic: str, now_ms: int, open_ms: int | None = None, *, spoilt: bool = False) -> list[Message]:
        """Return the bar at hand, or a past one."""
        market = self._of(topic)
        found = market.forming(now_ms) if open_ms is None else market.bar(open_ms)
        if found is None:
            return []
        start, (first, high, low, last, volume) = found
        figures = {"o": first, "h": high, "l": low, "c": last, "q": volume / CONTRACT_BASE[market.base]}
        spoilt_figures = dict.fromkeys(figures) if spoilt else figures
        data = {**spoilt_figures, "a": 0.0, "interval": "Min1", "symbol": contract(market), "t": start // 1000}
        return [self._told("push.kline", market, data, now_ms)]

    def ticker(self, topic: str, now_ms: int) -> list[Message]:
        market = self._of(topic)
        return [self._told("push.ticker", market, self._ticker(market, {}, now_ms), now_ms)]

    def depth(self, market: Market, changes: Mapping[str, Sequence[tuple[float, float]]], now_ms: int) -> Message:
        number = market.update_id
        sides = {name: self._contracts(market, changes[side]) for name, side in (("bids", "b"), ("asks", "a"))}
        numbers = {"begin": number, "end": number, "version": number}
        return self._told("push.depth", market, {**sides, **numbers}, now_ms)

    def is_depth(self, topic: str, market: Market) -> bool:
        return topic == f"depth.{market.id}"

    def is_kline(self, topic: str) -> bool:
        return topic.startswith("kline.")

    def stranger(self, topic: str, now_ms: int) -> list[Message]:
        """Return a bar of a market nobody asked for."""
        return [one | {"symbol": "WRONG_USDT"} for one in self.kline(topic, now_ms)]

    def _of(self, topic: str) -> Market:
        return self.markets[topic.rpartition(".")[2]]

    def _named(self, path: str, query: Mapping[str, Any]) -> str:
        return str(query.get("symbol", path.rpartition("/")[2]))

    def _well(self, data: Any) -> Message:
        return {"success": True, "code": 0, "data": data}

    def _told(self, channel: str, market: Market, data: Message, now_ms: int) -> Message:
        return {"channel": channel, "data": data, "symbol": contract(market), "ts": now_ms}

    def _listed(self) -> list[Message]:
        return [
            {
                "symbol": contract(market), "displayNameEn": f"{contract(market)} PERPETUAL", "baseCoin": market.base,
                "quoteCoin": "USDT", "settleCoin": "USDT", "contractSize": CONTRACT_BASE[market.base],
                "minLeverage": 1, "maxLeverage": 200, "priceScale": market.decimals, "volScale": 0, "amountScale": 4,
                "priceUnit": 10**-market.decimals, "volUnit": 1, "minVol": 1, "maxVol": 1_000_000,
                "takerFeeRate": 0.0002, "makerFeeRate": 0.0, "state": 0, "isNew": False, "isHidden": False,
            }
            for market in self.markets.values()
        ]  # fmt: skip

    def _klines(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        first_ms, last_ms = int(query["start"]) * 1000, int(query.get("end", now_ms // 1000)) * 1000
        found = market.rows(first_ms, last_ms, now_ms, N_KLINES)
        columns = {
            name: [row[place] for _, row in found] for place, name in enumerate(("open", "high", "low", "close"))
        }
        volumes = [row[4] / CONTRACT_BASE[market.base] for _, row in found]
        return {**columns, "vol": volumes, "amount": [0.0] * len(found), "time": [at // 1000 for at, _ in found]}

    def _ticker(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        price = market.price(now_ms)
        return {
            "symbol": contract(market), "lastPrice": price, "bid1": price, "ask1": price, "volume24": 1000,
            "amount24": 1.0, "holdVol": market.interest_base(now_ms) / CONTRACT_BASE[market.base],
            "lower24Price": price, "high24Price": price, "riseFallRate": 0.0, "riseFallValue": 0.0,
            "indexPrice": market.index(now_ms), "fairPrice": price, "fundingRate": market.funding_rate,
            "maxBidPrice": price, "minAskPrice": price, "timestamp": now_ms,
        }  # fmt: skip

    def _funding(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        return {
            "symbol": contract(market), "fundingRate": market.funding_rate, "maxFundingRate": 0.003,
            "minFundingRate": -0.003, "collectCycle": 8, "nextSettleTime": market.next_funding_ms(now_ms),
            "timestamp": now_ms,
        }  # fmt: skip

    def _settled(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        size = int(query.get("page_size", 20))
        due = range(now_ms // FUNDING_MS * FUNDING_MS, 0, -FUNDING_MS)[:size]
        told = {"symbol": contract(market), "fundingRate": market.funding_rate, "collectCycle": 8}
        listed = [told | {"settleTime": at_ms} for at_ms in due]
        return {"pageSize": size, "totalCount": 5000, "totalPage": 99, "currentPage": 1, "resultList": listed}

    def _book(self, market: Market, query: Mapping[str, Any], now_ms: int) -> Message:
        sides = {side: self._contracts(market, list(rows.items())) for side, rows in market.book(now_ms).items()}
        return {"bids": sides["b"], "asks": sides["a"], "version": market.update_id, "timestamp": now_ms}

    def _contracts(self, market: Market, rows: Sequence[tuple[float, float]]) -> list[list[float]]:
        """Return levels as it words them: price, contracts, number of orders."""
        return [[price, size / CONTRACT_BASE[market.base], 1 if size else 0] for price, size in rows]


def contract(market: Market) -> str:
    """Return MEXC's name of a market."""
    return f"{market.base}_USDT"
