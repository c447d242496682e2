"""Hyperliquid's perpetuals: what unmodified ccxt asks of it, one address for all questions, and listens to."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.market import HOUR_MS, MINUTE_MS
from tests.doubles.exchange.markets import Market

Message = dict[str, Any]
N_CANDLES = 5_000
SETTLED_LATE_MS = 31
"""Its records of funding are stamped with the block that paid it, a moment after the hour."""
KINDS = {"candle": "candle", "l2Book": "book", "activeAssetCtx": "ticker"}


class Hyperliquid:
    """Words everything as Hyperliquid does. Topics are named KIND.MARKET here; it has no names for them."""

    name = "hyperliquid"
    settles_ms = HOUR_MS
    rate_ms = HOUR_MS
    quote = "USDC"

    def __init__(self, markets: Sequence[Market]) -> None:
        self.markets: Mapping[str, Market] = {market.id: market for market in markets}
        self._by_coin = {market.base: market for market in markets}

    def answer(self, path: str, query: Mapping[str, Any], now_ms: int) -> tuple[int, Any]:
        """Return status and body of a question."""
        kind, asked = query["type"], query.get("req", query)
        if kind == "exchangeStatus":
            return 200, {"specialStatuses": None, "time": now_ms}
        if kind == "metaAndAssetCtxs":
            listed = [
                {"name": one.base, "szDecimals": 2, "maxLeverage": 40, "marginTableId": 54}
                for one in self._by_coin.values()
            ]
            return 200, [{"universe": listed}, [self._context(one, now_ms) for one in self._by_coin.values()]]
        market = self._by_coin.get(asked.get("coin", ""))
        if market is None:
            return (500, None) if kind == "candleSnapshot" else (200, None)
        answers = {"candleSnapshot": self._candles, "fundingHistory": self._settled, "l2Book": self._book}
        return 200, answers[kind](market, asked, now_ms)

    def about(self, path: str, query: Mapping[str, Any]) -> str | None:
        """Return the id of the market that a question is about; those about all of them are about none."""
        market = self._by_coin.get(query.get("req", query).get("coin", ""))
        return None if market is None else market.id

    def unknown(self, now_ms: int) -> tuple[int, Any]:
        """A market that is delisted stays listed, and has no candles and no book any more."""
        return 200, []

    def heard(self, told: Message) -> tuple[list[str], list[str], list[Message]]:
        """Return (topics added, topics left, replies) of a client's message."""
        if told.get("method") == "ping":
            return [], [], [{"channel": "pong"}]
        asked = told["subscription"]
        market, kind = self._by_coin.get(asked["coin"]), KINDS.get(asked["type"])
        if market is None or kind is None:
            return [], [], [{"channel": "error", "data": f"Invalid subscription {asked}"}]
        reply = {"channel": "subscriptionResponse", "data": {"method": told["method"], "subscription": asked}}
        topics = [f"{kind}.{market.id}"]
        return (topics, [], [reply]) if told["method"] == "subscribe" else ([], topics, [reply])

    def first(self, topic: str, now_ms: int) -> list[Message]:
        """Return what a new subscriber is sent at once; of candles nothing, the next trade brings one."""
        market = self._of(topic)
        if self.is_kline(topic):
            return []
        if self.is_depth(topic, market):
            return [self._levels("l2Book", market, market.book(now_ms), now_ms)]
        return self.ticker(topic, now_ms)

    def number(self, topic: str) -> int:
        """Its books have no numbers: each message is a whole one."""
        return 0

    def kline(self, topic: str, now_ms: int, open_ms: int | None = None, *, spoilt: bool = False) -> list[Message]:
        """Return the candle at hand, or a past one."""
        market = self._of(topic)
        found = market.forming(now_ms) if open_ms is None else market.bar(open_ms)
        if found is None:
            return []
        candle = self._candle(market, *found)
        return [{"channel": "candle", "data": candle | (dict.fromkeys("ohlcv", "NaN") if spoilt else {})}]

    def ticker(self, topic: str, now_ms: int) -> list[Message]:
        market = self._of(topic)
        return [{"channel": "activeAssetCtx", "data": {"coin": market.base, "ctx": self._context(market, now_ms)}}]

    def depth(self, market: Market, changes: Mapping[str, Sequence[tuple[float, float]]], now_ms: int) -> Message:
        whole = {
            side: market.shown[side] | {price: size for price, size in rows if size} for side, rows in changes.items()
        }
        return self._levels("l2Book", market, whole, now_ms)

    def is_depth(self, topic: str, market: Market) -> bool:
        return topic == f"book.{market.id}"

    def is_kline(self, topic: str) -> bool:
        return topic.startswith("candle.")

    def stranger(self, topic: str, now_ms: int) -> list[Message]:
        """Return a candle of a market nobody asked for."""
        return [one | {"data": one["data"] | {"s": "WRONG"}} for one in self.kline(topic, now_ms)]

    def _of(self, topic: str) -> Market:
        return self.markets[topic.rpartition(".")[2]]

    def _context(self, market: Market, now_ms: int) -> Message:
        price, index = market.price(now_ms), market.index(now_ms)
        return {
            "funding": f"{market.funding_rate}", "openInterest": f"{market.interest_base(now_ms)}",
            "prevDayPx": market.text(price), "dayNtlVlm": "1000000.0", "dayBaseVlm": "10000.0",
            "premium": f"{price / index - 1.0:.8f}", "oraclePx": market.text(index), "markPx": market.text(price),
            "midPx": market.text(price), "impactPxs": [market.text(price), market.text(price)],
        }  # fmt: skip

    def _candle(self, market: Market, open_ms: int, row: Sequence[float]) -> Message:
        figures = dict(zip("ohlcv", (market.text(figure) for figure in row), strict=True))
        return {"t": open_ms, "T": open_ms + MINUTE_MS - 1, "s": market.base, "i": "1m", **figures, "n": 7}

    def _candles(self, market: Market, asked: Message, now_ms: int) -> list[Message]:
        first_ms = max(int(asked["startTime"]), now_ms - N_CANDLES * MINUTE_MS)
        found = market.rows(first_ms, int(asked["endTime"]), now_ms, N_CANDLES)
        return [self._candle(market, *one) for one in found]

    def _settled(self, market: Market, asked: Message, now_ms: int) -> list[Message]:
        first_ms, last_ms = int(asked["startTime"]), min(int(asked.get("endTime", now_ms)), now_ms)
        due = range((first_ms // HOUR_MS) * HOUR_MS, last_ms + 1, HOUR_MS)
        times = [at_ms + SETTLED_LATE_MS for at_ms in due if first_ms <= at_ms + SETTLED_LATE_MS <= last_ms]
        told = {"coin": market.base, "fundingRate": f"{market.funding_rate}", "premium": "0.0002"}
        return [told | {"time": at_ms} for at_ms in times[:500]]

    def _book(self, market: Market, asked: Message, now_ms: int) -> Message:
        return self._levels("l2Book", market, market.levels(now_ms), now_ms)["data"]  # type: ignore[no-any-return]

    def _levels(self, channel: str, market: Market, sides: Mapping[str, Mapping[float, float]], now_ms: int) -> Message:
        bids, asks = sorted(sides["b"].items(), reverse=True), sorted(sides["a"].items())
        levels = [
            [{"px": market.text(price), "sz": f"{size}", "n": 3} for price, size in rows] for rows in (bids, asks)
        ]
        return {"channel": channel, "data": {"coin": market.base, "time": now_ms, "levels": levels}}
