"""The local exchange: REST and websocket on a port of its own, at the time of its own clock, with scripted faults."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from domain.market import MINUTE_MS
from tests.doubles.exchange.binance import Binance
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.deribit import Deribit
from tests.doubles.exchange.faults import Fault, Script
from tests.doubles.exchange.hyperliquid import Hyperliquid
from tests.doubles.exchange.markets import Market
from tests.doubles.exchange.mexc import Mexc
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.trading.door import Door

Protocol = Bybit | Binance | Deribit | Mexc | Hyperliquid
ANSWERED_S = 2.0
LOOK_S, RETURNED_LOOKS = 0.001, 20
SKEW_MS = 8_000
STEPS_MS = (1_000, 10_000, 20_000, 30_000, 40_000, 50_000, 58_000)
EARLY_MS, MIDDLE_MS = 20_000, 40_000


@dataclass(eq=False)
class Line:
    """One client's websocket: what it listens to, and the book's number then. is_deaf: it no longer answers."""

    socket: web.WebSocketResponse
    topics: dict[str, int] = field(default_factory=dict)
    is_deaf: bool = False
    pong: asyncio.Event = field(default_factory=asyncio.Event)


class LocalExchange:
    """Serves one protocol. Use it as an asynchronous context manager; `url` is its address.

    trading: the door to an account that trades at this market's prices; under the same address, where it is shared.
    """

    def __init__(
        self,
        protocol: Protocol,
        time: SimulatedTime,
        script: Script | None = None,
        trading: Door | None = None,
        *,
        shares_address: bool = True,
    ) -> None:
        self.protocol = protocol
        self.time = time
        self.trading = trading
        self._mounted = trading if shares_address else None
        self.script: Script = script or {}
        self.lines: set[Line] = set()
        self.requests: list[str] = []
        self.n_connected = 0
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def fault(self) -> Fault | None:
        """The fault of the minute at hand."""
        return self.script.get(self.time.now_ms() // MINUTE_MS * MINUTE_MS)

    @property
    def now_ms(self) -> int:
        """The exchange's own idea of the time."""
        return self.time.now_ms() + (SKEW_MS if self.fault is Fault.CLOCK_SKEW else 0)

    async def __aenter__(self) -> "LocalExchange":  # noqa: D105
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *failure: object) -> None:  # noqa: D105
        await self.hang_up()
        if self._mounted is not None:
            await self._mounted.hang_up()
        if self._runner is not None:
            await self._runner.cleanup()

    async def hang_up(self) -> None:
        """Close every client's line."""
        for line in list(self.lines):
            await line.socket.close(code=1001)

    async def move_to(self, now_ms: int) -> None:
        """Move the clock, tell every listener what there is to tell then, and wait until it was heard."""
        self.time.move_to(now_ms)
        self._move_prices()
        fault = self.fault
        if fault in (Fault.DISCONNECT, Fault.RECONNECT_STORM) and now_ms % MINUTE_MS == MIDDLE_MS:
            await self.hang_up()
        if fault is None or not fault.is_mute:
            for market in self.protocol.markets.values():
                await self._tell(market, fault)
        await self.heard()

    def _move_prices(self) -> None:
        """Let the account's orders see the market as it is, and requests arrive that were on their way."""
        if self.trading is not None:
            for market in self.protocol.markets.values():
                self.trading.account.engine.move(market.base, Decimal(str(market.price(self.time.now_ms()))))
            self.trading.let_in_late()

    async def heard(self) -> None:
        """Wait until every client has taken what it was sent: it answers a ping after that.

        A client that has gone gets a moment to come back.
        """
        for _ in range(RETURNED_LOOKS if self.requests else 0):
            if self.lines:
                break
            await asyncio.sleep(LOOK_S)
        await asyncio.gather(*(self._heard(line) for line in list(self.lines) if not line.is_deaf))

    async def _heard(self, line: Line) -> None:
        line.pong.clear()
        try:
            await line.socket.ping()
            await asyncio.wait_for(line.pong.wait(), ANSWERED_S)
        except (TimeoutError, ConnectionError):
            line.is_deaf = True

    async def _tell(self, market: Market, fault: Fault | None) -> None:
        now_ms, at_ms = self.now_ms, self.time.now_ms() % MINUTE_MS
        if fault is Fault.DELISTED and market is next(iter(self.protocol.markets.values())):
            return
        changes = market.changes(self.time.now_ms())
        if fault is Fault.CROSSED_BOOK and at_ms == EARLY_MS:
            changes["b"].append((market.rounded(market.price(now_ms) * 1.01), 3.0))
        skips = fault is Fault.SEQUENCE_GAP and at_ms == MIDDLE_MS
        for line in list(self.lines):
            # Bars come last: a bar's last word is said when its minute is over, after all that was said in it.
            for topic in sorted(line.topics, key=lambda one: (self.protocol.is_kline(one), one)):
                if self.protocol.is_depth(topic, market):
                    is_known = line.topics.get(topic, 0) >= market.update_id
                    messages = [] if skips or is_known else [self.protocol.depth(market, changes, now_ms)]
                elif topic.endswith(market.id) or topic.startswith(market.id.lower()):
                    messages = self._told(topic, fault, now_ms, at_ms)
                else:
                    continue
                await self._send(line, messages)

    def _told(self, topic: str, fault: Fault | None, now_ms: int, at_ms: int) -> list[Any]:
        protocol = self.protocol
        if not protocol.is_kline(topic):
            return protocol.ticker(topic, now_ms)
        bar = protocol.kline(topic, self.time.now_ms())
        open_ms = self.time.now_ms() // MINUTE_MS * MINUTE_MS
        match fault:
            case Fault.DUPLICATE:
                return bar * 2
            case Fault.OUT_OF_ORDER:
                return [*bar, *protocol.kline(topic, now_ms, open_ms - 2 * MINUTE_MS)]
            case Fault.WRONG_SYMBOL:
                return [*protocol.stranger(topic, now_ms), *bar]
            case Fault.NOT_A_NUMBER:
                return protocol.kline(topic, self.time.now_ms(), spoilt=True)
            case Fault.HALF_A_MESSAGE if at_ms == EARLY_MS:
                return [json.dumps(one)[: len(json.dumps(one)) // 2] for one in bar]
            case _:
                return bar

    async def _send(self, line: Line, messages: Iterable[Any]) -> None:
        for message in messages:
            text = message if isinstance(message, str) else json.dumps(message)
            try:
                await line.socket.send_str(text)
            except ConnectionError:
                self.lines.discard(line)
                return

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self._mounted is not None and request.path == self._mounted.account.ws_path:
            return await self._mounted.listen(request)
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._listen(request)
        if self._mounted is not None and self._mounted.account.is_private(request.path):
            self._move_prices()
            return await self._mounted.serve(request)
        query: Mapping[str, Any] = dict(request.query) | (await request.json() if request.can_read_body else {})
        self.requests.append(f"{request.path} {query.get('type', '')}".strip())
        if self.fault is Fault.TOO_MANY_REQUESTS:
            return web.json_response({"retCode": 10006, "retMsg": "Too many visits!"}, status=429)
        if self.fault is Fault.OUTAGE:
            return web.Response(status=503, text="out of order")
        if self.fault is Fault.DELISTED and self._is_about_first(request.path, query):
            status, body = self.protocol.unknown(self.now_ms)
            return web.json_response(body, status=status)
        status, body = self.protocol.answer(request.path, query, self.now_ms)
        return web.json_response(body, status=status)

    def _is_about_first(self, path: str, query: Mapping[str, Any]) -> bool:
        return self.protocol.about(path, query) == next(iter(self.protocol.markets))

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.n_connected += 1
        line = Line(socket)
        if self.fault is Fault.RECONNECT_STORM and self.time.now_ms() % MINUTE_MS >= MIDDLE_MS:
            await socket.close(code=1013)
            return socket
        self.lines.add(line)
        try:
            async for message in socket:
                await self._take(line, message)
        finally:
            self.lines.discard(line)
            line.pong.set()
        return socket

    async def _take(self, line: Line, message: WSMessage) -> None:
        if message.type is WSMsgType.PONG:
            line.pong.set()
        elif message.type is WSMsgType.PING:
            await line.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            added, left, replies = self.protocol.heard(json.loads(message.data))
            await self._send(line, replies)
            for topic in left:
                line.topics.pop(topic, None)
            for topic in added:
                line.topics[topic] = self.protocol.number(topic)
                if self.fault is None or not self.fault.is_mute:
                    await self._send(line, self.protocol.first(topic, self.time.now_ms()))
