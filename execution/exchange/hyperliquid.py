"""Hyperliquid's perpetuals, traded with the key of an agent (an API wallet) that cannot withdraw."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from domain.errors import BadInput, BooksDisagree, VenueUnreachable
from domain.instrument import Instrument
from execution.exchange.figures import Market, decimal, microusd
from execution.exchange.hyperliquid_words import (
    cloid_of,
    execution_id_of,
    execution_of,
    funding_of,
    is_forced,
    is_perpetual,
    market_of,
    order_of,
    resting_of,
    state_of,
    wire_id_of,
)
from execution.exchange.line import MALFORMED, NEWS, SUBSCRIBED, Line
from execution.exchange.terms import CcxtTerms
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderState, Stage, Standing

Row = Mapping[str, Any]

STREAMS: Final = ("orderUpdates", "userFills", "userEvents")
CHANNELS: Final = frozenset({"orderUpdates", "userFills", "userEvents", "user"})
LEAST_NOTIONAL_USD: Final = 10.0
FILLS_A_PAGE, FUNDING_A_PAGE, MOST_PAGES = 2_000, 500, 1_000
ELSEWHERE: Final = frozenset({"unifiedAccount", "portfolioMargin"})
KNOWN_ALREADY: Final = ("duplicate nonce", "duplicate cloid")
CLEAR: Final = ("does not exist", "must deposit", "expired", "nonce too low")
GONE_ALREADY: Final = ("never placed", "already canceled", "filled")


class Hyperliquid:
    """Hyperliquid's words over ccxt's raw requests and its signatures.

    ccxt's own `create_order` would first approve a builder's fee in the user's name; it is not used.
    """

    def __init__(self, line: Line, terms: CcxtTerms) -> None:
        """Take the line; nothing is sent yet."""
        self._line = line
        self._terms = terms
        self._exchange = line.exchange
        self._exchange.read = _read
        self._assets: dict[str, int] = {}
        self._markets: dict[str, Market] = {}
        self._by_symbol: dict[str, Market] = {}
        self._named: dict[int, str | None] = {}
        self._fills_say = False

    @property
    def _user(self) -> str:
        return str(self._exchange.walletAddress).lower()

    async def time_ms(self) -> int:
        """Return the exchange's time."""
        return int((await self._info("the exchange's time", {"type": "exchangeStatus"}))["time"])

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Check key, account and markets; return the instruments."""
        await self._check_key()
        await self._check_account()
        ours = {self._terms.market_id(symbol): symbol for symbol in symbols}
        listed = await self._load_markets(ours)
        instruments = {}
        for market_id, symbol in ours.items():
            row = listed.get(market_id)
            if row is None or row.get("isDelisted"):
                raise BadInput(f"{symbol}: Hyperliquid has no perpetual {market_id} that is traded now; see SYMBOLS")
            if row.get("onlyIsolated"):
                raise BadInput(f"{symbol}: {market_id} has isolated margin only at Hyperliquid; cross margin is needed")
            instruments[symbol] = await self._instrument(symbol, row)
        return instruments

    async def send(self, order: BrokerOrder) -> OrderState | None:
        """Send an order; the answer says at once what became of it."""
        market = self._by_symbol[order.symbol]
        wanted = order_of(order, market, self._assets[market.market_id])
        answer = await self._act("the order", {"type": "order", "orders": [wanted], "grouping": "na"})
        if answer["status"] != "ok":
            return self._refused(order, answer["response"])
        (status,) = answer["response"]["data"]["statuses"]
        if isinstance(status, str) or "resting" in status:
            return OrderState(wire_id=order.wire_id, stage=Stage.WORKING, filled_lots=None)
        if "filled" in status:
            filled = market.lots(status["filled"]["totalSz"])
            why = "" if filled == order.size_lots else "no more was there to take"
            return OrderState(wire_id=order.wire_id, stage=Stage.OVER, filled_lots=filled, why=why)
        words = self._line.hidden(status["error"])
        if any(word in words.lower() for word in KNOWN_ALREADY):
            return None
        return OrderState(wire_id=order.wire_id, stage=Stage.OVER, filled_lots=0, why=words)

    async def cancel(self, wire_id: str, symbol: str) -> None:
        """Ask for the end of an order."""
        asset = self._assets[self._by_symbol[symbol].market_id]
        cancels = [{"asset": asset, "cloid": cloid_of(wire_id)}]
        answer = await self._act("the cancellation", {"type": "cancelByCloid", "cancels": cancels})
        words = answer["response"]
        if answer["status"] == "ok":
            (status,) = words["data"]["statuses"]
            if status == "success":
                return
            words = status["error"]
            if any(word in words for word in GONE_ALREADY):
                return
        raise VenueUnreachable(f"the cancellation: {self._line.hidden(words)}")

    async def find(self, wire_id: str, symbol: str) -> OrderState | None:
        """Ask for the order of this id: there is one place for all of them."""
        told = await self._order(cloid_of(wire_id))
        return None if told is None else state_of(wire_id, told)

    async def executions(self, since_ms: int) -> list[Execution]:
        """Return all fills of perpetuals; of the newest ten thousand only, which is checked."""
        request = {"type": "userFillsByTime", "aggregateByTime": False}
        rows = await self._pages("the executions", request, since_ms, FILLS_A_PAGE, execution_id_of)
        most = self._terms.facts.most_executions
        if most is not None and len(rows) >= most:
            raise BooksDisagree(f"Hyperliquid tells the newest {most} executions; since {since_ms} there are no fewer")
        perpetual = [row for row in rows if is_perpetual(row["coin"])]
        self._fills_say |= any(row.get("cloid") for row in perpetual)
        return [
            execution_of(row, await self._wire_id(row), await self._market(row["coin"]), self._user)
            for row in perpetual
        ]

    async def funding(self, since_ms: int) -> list[FundingPaid]:
        """Return the settlements of the user's perpetuals."""
        rows = await self._pages("the funding", {"type": "userFunding"}, since_ms, FUNDING_A_PAGE, _settlement_id)
        perpetual = [row for row in rows if is_perpetual(row["delta"]["coin"])]
        return [funding_of(row, await self._market(row["delta"]["coin"])) for row in perpetual]

    async def standing(self) -> Standing:
        """Return positions, open orders with the triggers, and the account's value without open profit."""
        account = await self._info("the account", {"type": "clearinghouseState", "user": self._user})
        rows = await self._info("the open orders", {"type": "frontendOpenOrders", "user": self._user})
        cash = decimal(account["marginSummary"]["accountValue"])
        positions = []
        for held in (one["position"] for one in account["assetPositions"]):
            cash -= decimal(held["unrealizedPnl"])
            market = await self._market(held["coin"])
            positions.append((market.name, market.lots(held["szi"])))
        resting = [resting_of(row, await self._market(row["coin"])) for row in rows if is_perpetual(row["coin"])]
        standing = tuple(sorted(one for one in positions if one[1]))
        return Standing(positions=standing, resting=tuple(resting), cash_microusd=microusd(cash))

    @property
    def stream_url(self) -> str:
        """Where the account's stream is."""
        return str(self._exchange.implode_hostname(self._exchange.urls["api"]["ws"]["public"]))

    async def listen(self) -> None:
        """Subscribe to orders, fills and events; they are public, so nothing is signed."""
        for name in STREAMS:
            request = {"method": "subscribe", "subscription": {"type": name, "user": self._user}}
            await self._exchange.watch(self.stream_url, SUBSCRIBED, request, name)

    async def _check_key(self) -> None:
        file, agent = self._terms.key_file, ""
        with suppress(*MALFORMED):
            agent = str(self._exchange.eth_get_address_from_private_key(self._exchange.privateKey)).lower()
        if not agent:
            raise BadInput(f"the private key in {file} is no key of any wallet")
        if agent == self._user:
            raise BadInput(f"the key in {file} is the wallet's own, which may withdraw; use an API wallet's key")
        told = await self._info("the key", {"type": "userRole", "user": agent})
        master = str((told.get("data") or {}).get("user", "")).lower()
        if told["role"] != "agent" or master != self._user:
            raise BadInput(f"the key in {file} is no API wallet of {self._user} at Hyperliquid; see CCXT_TESTNET too")

    async def _check_account(self) -> None:
        told = await self._info("the account", {"type": "userAbstraction", "user": self._user})
        mode = str(told).strip('" ')
        if mode in ELSEWHERE:
            raise BadInput(f"the account at Hyperliquid is in the mode {mode}; only the standard mode is understood")

    async def _load_markets(self, ours: Mapping[str, str]) -> dict[str, Row]:
        meta, contexts = await self._info("the markets", {"type": "metaAndAssetCtxs"})
        universe = meta["universe"]
        self._assets = {row["name"]: number for number, row in enumerate(universe)}
        self._markets = {row["name"]: market_of(row, ours.get(row["name"])) for row in universe}
        self._by_symbol = {one.symbol: one for one in self._markets.values() if one.symbol is not None}
        return {row["name"]: row | context for row, context in zip(universe, contexts, strict=True)}

    async def _market(self, coin: str) -> Market:
        """Return a market; one that is new at the exchange is looked for once more."""
        if coin not in self._markets:
            await self._load_markets({one.market_id: symbol for symbol, one in self._by_symbol.items()})
        return self._markets[coin]

    async def _instrument(self, symbol: str, row: Row) -> Instrument:
        market, facts = self._by_symbol[symbol], self._terms.facts
        request = {"type": "activeAssetData", "user": self._user, "coin": market.market_id}
        leverage = (await self._info("the leverage", request))["leverage"]
        if leverage["type"] != "cross":
            raise BadInput(
                f"{symbol}: {market.market_id} has isolated margin at Hyperliquid; switch it to cross margin"
            )
        least_base = LEAST_NOTIONAL_USD * facts.notional_headroom / float(row["markPx"])
        most = float(row["maxLeverage"])
        return Instrument(
            symbol=symbol,
            tick_size_price=market.tick_size_price,
            lot_size_base=market.lot_size_base,
            min_size_lots=max(1, math.ceil(least_base / float(market.lot_size_base))),
            initial_margin_frac=max(1.0 / float(leverage["value"]), 1.0 / most),
            # The exchange asks for half of what its highest leverage leaves.
            maintenance_margin_frac=0.5 / most,
            liquidator_fee_frac=facts.liquidator_fee_frac,
            funding_clamp_den=facts.funding_clamp_den,
        )

    def _refused(self, order: BrokerOrder, words: Any) -> OrderState | None:
        """Read the no to a whole action. Raises VenueUnreachable for one that leaves the order's fate open."""
        said = self._line.hidden(words)
        if any(word in said.lower() for word in KNOWN_ALREADY):
            return None
        if any(word in said.lower() for word in CLEAR):
            return OrderState(wire_id=order.wire_id, stage=Stage.OVER, filled_lots=0, why=said)
        raise VenueUnreachable(f"the order: {said}")

    async def _act(self, what: str, action: dict[str, Any]) -> Any:
        """Send an action once, signed so that the exchange takes it for a short time only."""
        return await self._line.ask(what, partial(self._signed_and_sent, action))

    async def _signed_and_sent(self, action: dict[str, Any]) -> Any:
        nonce = int(self._exchange.incrementing_nonce())
        # Not of the nonce, which never goes back: an order would live longer than is waited for before it is given up.
        expires_ms = self._line.now_ms() + self._terms.facts.life_ms
        signature = self._exchange.sign_l1_action(action, nonce, None, expires_ms)
        request = {"action": action, "nonce": nonce, "signature": signature, "expiresAfter": expires_ms}
        return await self._exchange.private_post_exchange(request)

    async def _info(self, what: str, request: dict[str, Any]) -> Any:
        return await self._line.ask(what, partial(self._exchange.public_post_info, request))

    async def _order(self, oid: str | int) -> Row | None:
        """Return what is told of an order, by its number or our id; None where it is unknown."""
        told = await self._info("the order's state", {"type": "orderStatus", "user": self._user, "oid": oid})
        if told["status"] == "unknownOid":
            return None
        found: Row = told["order"]
        return found

    async def _wire_id(self, row: Row) -> str | None:
        """Return whose order a fill was: the fill says it, or where fills do not, the order does, asked once."""
        if self._fills_say or is_forced(row, self._user):
            return wire_id_of(row)
        number = int(row["oid"])
        if number not in self._named:
            told = await self._order(number)
            self._named[number] = None if told is None else wire_id_of(told["order"])
        return self._named[number]

    async def _pages(self, what: str, request: dict[str, Any], since_ms: int, a_page: int, name: Any) -> list[Row]:
        """Return all rows since an instant, each once, oldest first: a page begins where the last one ended."""
        found: dict[str, Row] = {}
        first_ms = since_ms
        for _ in range(MOST_PAGES):
            rows = await self._info(what, request | {"user": self._user, "startTime": first_ms})
            n_before = len(found)
            found.update({name(row): row for row in rows})
            if len(rows) < a_page:
                return sorted(found.values(), key=lambda row: int(row["time"]))
            if len(found) == n_before:
                break
            first_ms = max(int(row["time"]) for row in rows)
        raise VenueUnreachable(f"{what}: the pages do not end")


def _settlement_id(row: Row) -> str:
    return f"{row['time']}-{row['delta']['coin']}"


def _read(message: Any) -> str | None:
    channel, data = message.get("channel"), message.get("data")
    if channel == "subscriptionResponse":
        return SUBSCRIBED
    is_old = isinstance(data, dict) and bool(data.get("isSnapshot"))
    return NEWS if channel in CHANNELS and not is_old else None
