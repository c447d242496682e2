"""The exchange of the measurement: the tests' local one with an account beside it, and marks on its own clock."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from aiohttp import web

from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.markets import Market
from tests.doubles.exchange.server import Line, LocalExchange
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.trading.bybit import BybitAccount
from tests.doubles.trading.door import Door
from tests.doubles.trading.engine import Engine
from tests.doubles.trading.world import API_KEY, SECRET, contracts_of

CASH = Decimal(10_000_000)
BARE_WS, BARE_POST = "/bare/ws", "/bare/order"


class MarkedAccount(BybitAccount):
    """Notes when the last byte of each order's request was there. arrived_s: by the order's id, at most one each."""

    def __init__(self, engine: Engine, api_key: str, secret: str) -> None:
        """Begin with no order."""
        super().__init__(engine, api_key, secret)
        self.arrived_s: dict[str, float] = {}

    def kind(self, path: str, body: str) -> Any:
        """Say what a request is for; it is asked as soon as the body is read."""
        if path == "/v5/order/create":
            told = json.loads(body)
            if "triggerPrice" not in told:
                self.arrived_s.setdefault(told["orderLinkId"], perf_counter())
        return super().kind(path, body)


class MarkedExchange(LocalExchange):
    """Notes when the last byte of the newest bar of the last market was sent: `closed_s`. Serves a bare client too."""

    def __init__(self, markets: Sequence[Market], time: SimulatedTime) -> None:
        """Put an account beside the markets."""
        self.engine = Engine(contracts_of(markets), time.now_ms, cash=CASH)
        self.account = MarkedAccount(self.engine, API_KEY, SECRET)
        self.door = Door(self.account)
        super().__init__(Bybit(markets), time, trading=self.door)
        self.closed_s = self.bare_sent_s = self.bare_arrived_s = 0.0
        self.bare: web.WebSocketResponse | None = None
        self._last_topic = f"kline.1.{markets[-1].id}"
        self._moved_ms = 0

    def _move_prices(self) -> None:
        # Between two moments nothing moves; to look at all orders at each request would be measured as the way to them.
        if self.time.now_ms() != self._moved_ms:
            self._moved_ms = self.time.now_ms()
            super()._move_prices()

    async def _send(self, line: Line, messages: Iterable[Any]) -> None:
        told = list(messages)
        await super()._send(line, told)
        if told and isinstance(told[-1], Mapping) and told[-1].get("topic") == self._last_topic:
            self.closed_s = perf_counter()

    async def tell_bare(self, text: str) -> None:
        """Send one message to the bare client."""
        assert self.bare is not None
        self.bare_arrived_s = 0.0
        await self.bare.send_str(text)
        self.bare_sent_s = perf_counter()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == BARE_POST:
            await request.text()
            self.bare_arrived_s = perf_counter()
            return web.json_response({"retCode": 0})
        if request.path != BARE_WS:
            return await super()._serve(request)
        self.bare = web.WebSocketResponse()
        await self.bare.prepare(request)
        async for _ in self.bare:
            continue
        return self.bare


def write_key(path: Path) -> None:
    """Write the account's key as a desk reads it."""
    path.write_text(json.dumps({"apiKey": API_KEY, "secret": SECRET}))
    path.chmod(0o600)
