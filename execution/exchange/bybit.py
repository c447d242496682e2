"""Bybit v5, linear perpetuals of a unified account in one-way mode."""

import hashlib
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from domain.errors import BadInput, BooksDisagree, VenueUnreachable
from domain.instrument import MICROUSD_PER_USD, Instrument
from execution.exchange.bybit_words import (
    execution_of,
    funding_of,
    market_of,
    position_of,
    request_of,
    resting_of,
    state_of,
)
from execution.exchange.facts import DAY_MS
from execution.exchange.figures import Market, decimal, microusd
from execution.exchange.line import NEWS, SUBSCRIBED, Line
from execution.exchange.terms import CcxtTerms
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderState, Resting, Stage, Standing

Row = Mapping[str, Any]
Ask = Callable[[dict[str, Any]], Awaitable[Any]]

SETTLED_IN: Final = ("USDT", "USDC")
TOPICS: Final = ("order", "execution", "position")
WINDOW_MS: Final = 7 * DAY_MS
AHEAD_MS: Final = 5_000
MOST_PAGES: Final = 1_000
DUPLICATE: Final = frozenset({110072, 110030})
GONE_ALREADY: Final = frozenset({110001, 110008, 110010})
KEY_REFUSED: Final = frozenset({10003, 10004, 10005, 10007, 10010, 33004})
TOO_MANY: Final = frozenset({10006, 10018})
TIMESTAMP: Final = 10002
CLEAR: Final = frozenset({10001, 10002, *KEY_REFUSED, *TOO_MANY, 10008, 10009, 10024, 10027, 10028, 10029})
"""With the 110 thousands: codes that say that nothing was done. Any other code leaves an order's fate open."""
REGULAR: Final = "REGULAR_MARGIN"
CLASSIC_ACCOUNT: Final = 1


class Bybit:
    """Bybit's words over ccxt's raw requests: one of ours is one of theirs, and every figure stays a text."""

    def __init__(self, line: Line, terms: CcxtTerms) -> None:
        """Take the line; nothing is sent yet."""
        self._line = line
        self._terms = terms
        self._exchange = line.exchange
        self._exchange.read = _read
        self._markets: dict[str, Market] = {}
        self._by_symbol: dict[str, Market] = {}

    async def time_ms(self) -> int:
        """Return the exchange's time."""
        answer = await self._line.ask("the exchange's time", self._exchange.public_get_v5_market_time)
        return int(answer["time"])

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Check key, account and markets; return the instruments."""
        await self._check_key()
        await self._check_account()
        listed = await self._load_markets({self._terms.market_id(symbol): symbol for symbol in symbols})
        instruments = {}
        for symbol in symbols:
            row = listed.get(self._terms.market_id(symbol))
            if row is None or row["contractType"] != "LinearPerpetual" or row["status"] != "Trading":
                market_id = self._terms.market_id(symbol)
                raise BadInput(f"{symbol}: Bybit has no perpetual {market_id} that is traded now; see SYMBOLS")
            instruments[symbol] = await self._instrument(symbol, row)
        return instruments

    async def send(self, order: BrokerOrder) -> OrderState | None:
        """Send an order; Bybit answers that it has taken it, and executes it after that."""
        market = self._by_symbol[order.symbol]
        call = partial(self._exchange.private_post_v5_order_create, request_of(order, market))
        answer = await self._line.ask("the order", call)
        code, words = self._said(answer)
        if code == 0:
            if answer["result"]["orderLinkId"] != order.wire_id:
                raise VenueUnreachable("the order: Bybit answered about another one")
            return OrderState(wire_id=order.wire_id, stage=Stage.WORKING, filled_lots=None)
        if code in DUPLICATE:
            return None
        if code in CLEAR or 110_000 <= code < 111_000:
            return OrderState(wire_id=order.wire_id, stage=Stage.OVER, filled_lots=0, why=words)
        raise VenueUnreachable(f"the order: {words}")

    async def cancel(self, wire_id: str, symbol: str) -> None:
        """Ask for the end of an order."""
        request = {"category": "linear", "symbol": self._by_symbol[symbol].market_id, "orderLinkId": wire_id}
        call = partial(self._exchange.private_post_v5_order_cancel, request)
        code, words = self._said(await self._line.ask("the cancellation", call))
        if code and code not in GONE_ALREADY:
            raise VenueUnreachable(f"the cancellation: {words}")

    async def find(self, wire_id: str, symbol: str) -> OrderState | None:
        """Look among the open orders, then those just over, then the history: an order only ever goes this way."""
        market = self._by_symbol[symbol]
        request = {"category": "linear", "symbol": market.market_id, "orderLinkId": wire_id}
        places: tuple[tuple[Ask, dict[str, Any]], ...] = (
            (self._exchange.private_get_v5_order_realtime, {"openOnly": 0}),
            (self._exchange.private_get_v5_order_realtime, {"openOnly": 1}),
            (self._exchange.private_get_v5_order_history, {}),
        )
        for ask, where in places:
            result = await self._get("the order's state", ask, request | where)
            for row in result["list"]:
                if row["orderLinkId"] == wire_id:
                    return state_of(row, market)
        return None

    async def executions(self, since_ms: int) -> list[Execution]:
        """Return all executions of linear contracts, week by week; funding is none of them."""
        keeps_ms = self._terms.facts.keeps_ms
        if keeps_ms is not None and since_ms < self._line.now_ms() - keeps_ms:
            raise BooksDisagree(f"Bybit tells executions of the last {keeps_ms // DAY_MS} days; asked since {since_ms}")
        found: dict[str, Execution] = {}
        for window in self._windows(since_ms):
            ask = self._exchange.private_get_v5_execution_list
            rows = await self._pages("the executions", ask, {"category": "linear", "limit": 100} | window)
            for row in reversed(rows):
                if row["execType"] != "Funding":
                    found[row["execId"]] = execution_of(row, await self._market(row["symbol"]))
        return sorted(found.values(), key=lambda one: one.executed_ms)

    async def funding(self, since_ms: int) -> list[FundingPaid]:
        """Return the settlements in the account's log."""
        request = {"accountType": "UNIFIED", "category": "linear", "type": "SETTLEMENT", "limit": 50}
        found: dict[str, FundingPaid] = {}
        for window in self._windows(since_ms):
            ask = self._exchange.private_get_v5_account_transaction_log
            for row in reversed(await self._pages("the funding", ask, request | window)):
                found[row["id"]] = funding_of(row, await self._market(row["symbol"]))
        return sorted(found.values(), key=lambda one: one.settled_ms)

    async def standing(self) -> Standing:
        """Return positions and resting orders in both settlement currencies, and the wallet's USDT."""
        positions: list[tuple[str, int]] = []
        resting: list[Resting] = []
        for coin in SETTLED_IN:
            request = {"category": "linear", "settleCoin": coin}
            ask = self._exchange.private_get_v5_position_list
            held = await self._pages("the positions", ask, request | {"limit": 200})
            positions += [position_of(row, await self._market(row["symbol"])) for row in held]
            ask = self._exchange.private_get_v5_order_realtime
            waiting = await self._pages("the open orders", ask, request | {"openOnly": 0, "limit": 50})
            resting += [resting_of(row, await self._market(row["symbol"])) for row in waiting]
        ask = self._exchange.private_get_v5_account_wallet_balance
        wallet = await self._get("the wallet", ask, {"accountType": "UNIFIED"})
        coins = {row["coin"]: row for row in wallet["list"][0]["coin"]}
        cash = decimal(coins["USDT"]["walletBalance"] or "0") if "USDT" in coins else Decimal(0)
        standing = tuple(sorted(one for one in positions if one[1]))
        return Standing(positions=standing, resting=tuple(resting), cash_microusd=microusd(cash))

    @property
    def stream_url(self) -> str:
        """Where the account's stream is."""
        return str(self._exchange.implode_hostname(self._exchange.urls["api"]["ws"]["private"]["contract"]))

    async def listen(self) -> None:
        """Sign in with the exchange's time, which ccxt would take from this machine, and subscribe."""
        exchange, url = self._exchange, self.stream_url
        expires = str(self._line.now_ms() + 2 * self._terms.facts.life_ms)
        signature = exchange.hmac(
            f"GET/realtime{expires}".encode(), exchange.encode(exchange.secret), hashlib.sha256, "hex"
        )
        await exchange.authenticate(url, {"args": [exchange.apiKey, expires, signature]})
        request = {"op": "subscribe", "req_id": "account", "args": list(TOPICS)}
        await exchange.watch(url, SUBSCRIBED, request, SUBSCRIBED)

    async def _check_key(self) -> None:
        answer = await self._line.ask("the key", self._exchange.private_get_v5_user_query_api)
        code, words = self._said(answer)
        if code in KEY_REFUSED:
            raise BadInput(f"Bybit refuses the key in {self._terms.key_file}: {words}; see CCXT_KEY_FILE, CCXT_TESTNET")
        if code:
            raise VenueUnreachable(f"the key: {words}")
        permissions = answer["result"]["permissions"]
        if answer["result"]["readOnly"] or not {"Order", "Position"} <= {*permissions.get("ContractTrade", ())}:
            raise BadInput(f"the key in {self._terms.key_file} may not trade: Bybit must allow it Orders and Positions")
        if "Withdraw" in permissions.get("Wallet", ()):
            raise BadInput(
                f"the key in {self._terms.key_file} may withdraw money; make one at Bybit that may only trade"
            )

    async def _check_account(self) -> None:
        account = await self._get("the account", self._exchange.private_get_v5_account_info, {})
        if account["unifiedMarginStatus"] == CLASSIC_ACCOUNT:
            raise BadInput("the account at Bybit is a classic one; only a unified trading account is understood")
        if account["marginMode"] != REGULAR:
            raise BadInput(f"the account at Bybit is in {account['marginMode']}; switch it to cross margin ({REGULAR})")

    async def _load_markets(self, ours: Mapping[str, str]) -> dict[str, Row]:
        ask = self._exchange.public_get_v5_market_instruments_info
        rows = await self._pages("the markets", ask, {"category": "linear", "limit": 1000})
        listed = {row["symbol"]: row for row in rows}
        self._markets = {market_id: market_of(row, ours.get(market_id)) for market_id, row in listed.items()}
        self._by_symbol = {one.symbol: one for one in self._markets.values() if one.symbol is not None}
        return listed

    async def _market(self, market_id: str) -> Market:
        """Return a market; one that is new at the exchange is looked for once more."""
        if market_id not in self._markets:
            await self._load_markets({one.market_id: symbol for symbol, one in self._by_symbol.items()})
        return self._markets[market_id]

    async def _instrument(self, symbol: str, row: Row) -> Instrument:
        market, facts = self._by_symbol[symbol], self._terms.facts
        named = {"category": "linear", "symbol": market.market_id}
        held = (await self._get("the position mode", self._exchange.private_get_v5_position_list, named))["list"]
        if [one["positionIdx"] for one in held] != [0]:
            raise BadInput(f"{symbol}: {market.market_id} is in hedge mode at Bybit; switch it to one-way mode")
        tiers = await self._get("the margins", self._exchange.public_get_v5_market_risk_limit, named)
        tier = next(one for one in tiers["list"] if one["isLowestRisk"])
        tickers = await self._get("the price", self._exchange.public_get_v5_market_tickers, named)
        mark = float(tickers["list"][0]["markPrice"])
        if market.tick_size_price * market.lot_size_base * MICROUSD_PER_USD % 1:
            raise BadInput(
                f"{symbol}: the steps of {market.market_id} are finer than a micro-dollar; it cannot be traded"
            )
        least = row["lotSizeFilter"]
        least_usd = float(least.get("minNotionalValue") or 0) * facts.notional_headroom
        maintenance = float(tier["maintenanceMargin"])
        return Instrument(
            symbol=symbol,
            tick_size_price=market.tick_size_price,
            lot_size_base=market.lot_size_base,
            min_size_lots=max(
                market.lots(least["minOrderQty"]), math.ceil(least_usd / mark / float(market.lot_size_base))
            ),
            initial_margin_frac=max(1.0 / float(held[0]["leverage"]), float(tier["initialMargin"]), maintenance),
            maintenance_margin_frac=maintenance,
            liquidator_fee_frac=facts.liquidator_fee_frac,
            funding_clamp_den=facts.funding_clamp_den,
        )

    def _windows(self, since_ms: int) -> Iterator[dict[str, Any]]:
        end_ms = self._line.now_ms() + AHEAD_MS
        for first_ms in range(since_ms, end_ms + 1, WINDOW_MS):
            yield {"startTime": first_ms, "endTime": min(first_ms + WINDOW_MS - 1, end_ms)}

    async def _pages(self, what: str, ask: Ask, request: dict[str, Any]) -> list[Row]:
        """Return the rows of all pages. Raises VenueUnreachable where they do not end."""
        rows: list[Row] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            result = await self._get(what, ask, request | ({"cursor": cursor} if cursor else {}))
            rows += result["list"]
            last, cursor = cursor, result.get("nextPageCursor") or ""
            if not cursor or cursor == last or not result["list"]:
                return rows
        raise VenueUnreachable(f"{what}: more than {MOST_PAGES} pages")

    async def _get(self, what: str, ask: Ask, request: dict[str, Any]) -> Any:
        """Return an answer's result. Raises VenueUnreachable for one that says no."""
        code, words = self._said(answer := await self._line.ask(what, partial(ask, request)))
        if code:
            raise VenueUnreachable(f"{what}: {words}")
        return answer["result"]

    def _said(self, answer: Any) -> tuple[int, str]:
        """Return code and words of an answer, and mind what it says of our pace and clock."""
        code = int(answer["retCode"])
        if code in TOO_MANY:
            self._line.leave_alone()
        if code == TIMESTAMP:
            self._line.is_clock_doubted = True
        return code, self._line.hidden(f"{code} {answer['retMsg']}")


def _read(message: Any) -> str | None:
    if message.get("topic") in TOPICS:
        return NEWS
    return SUBSCRIBED if message.get("op") == "subscribe" and message.get("success") else None
