"""The way into an account: REST with the weather of the day, and its websocket. Mountable beside a market's."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from tests.doubles.latch import Latch
from tests.doubles.trading.engine import Engine, Fill, Order, Settlement
from tests.doubles.trading.faults import Fault, Kind, Weather

LOOK_S = 0.01


class Account(Protocol):
    """One account in an exchange's words."""

    ws_path: str
    name: str
    engine: Engine

    def is_private(self, path: str) -> bool: ...
    def kind(self, path: str, body: str) -> Kind: ...
    def answer(self, path: str, query: str, headers: Mapping[str, str], body: str) -> tuple[int, Any]: ...
    def refusal(self, words: str) -> Any: ...
    def lost_itself(self) -> Any: ...
    def strange(self) -> Any: ...
    def heard(self, told: dict[str, Any], *, is_known: bool) -> tuple[bool, bool, list[Any]]: ...
    def news(self, what: Order | Fill | Settlement) -> list[Any]: ...


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: str


@dataclass(eq=False)
class Listener:
    """One client's line to the account."""

    socket: web.WebSocketResponse
    outbox: asyncio.Queue[str]
    is_known: bool = False
    is_subscribed: bool = False


class Door:
    """Serves one account. n_asked: requests by path, as the exchange has seen them, whatever became of them.

    hold: while it is shut, orders wait at the door. is_shut: nobody is let in at all.
    """

    def __init__(self, account: Account, weather: Weather | None = None) -> None:
        self.account = account
        self.weather = weather or Weather()
        self.listeners: set[Listener] = set()
        self.n_asked: dict[str, int] = {}
        self.n_connected = 0
        self.is_shut = False
        self.hold = Latch()
        self._late: list[tuple[int, Asked]] = []
        account.engine.told.append(self._tell)

    @property
    def is_heard(self) -> bool:
        """Say whether somebody listens."""
        return any(line.is_subscribed for line in self.listeners)

    def let_in_late(self) -> None:
        """Let the requests arrive that were on their way until now; nobody hears their answers."""
        now_ms = self.account.engine.now_ms()
        due = [asked for at_ms, asked in self._late if at_ms <= now_ms]
        self._late = [one for one in self._late if one[0] > now_ms]
        for asked in due:
            self._answer(asked)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request as the weather allows."""
        body = await request.text()
        asked = Asked(request.path, request.rel_url.raw_query_string, dict(request.headers), body)
        self.n_asked[asked.path] = self.n_asked.get(asked.path, 0) + 1
        kind = self.account.kind(asked.path, body)
        fault = self.weather.next(kind)
        if kind is Kind.PLACE:
            await self.hold.passed()
        if self.is_shut or fault in (Fault.LOSE_REQUEST, Fault.LATE):
            if fault is Fault.LATE:
                self._late.append((self.account.engine.now_ms() + self.weather.late_ms, asked))
            return _cut(request)
        not_done = self._not_done(fault, asked)
        if not_done is not None:
            return not_done
        status, told = self._answer(asked)
        if fault is Fault.TWICE:
            status, told = self._answer(asked)
        return await self._spoilt(fault, request, status, told)

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Keep a client's line."""
        if self.is_shut:
            return _cut(request)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.n_connected += 1
        line = Listener(socket, asyncio.Queue())
        self.listeners.add(line)
        writing = asyncio.create_task(_write(line))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take(line, json.loads(message.data))
        finally:
            self.listeners.discard(line)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return socket

    async def hang_up(self) -> None:
        """Close every client's line."""
        for line in list(self.listeners):
            await line.socket.close(code=1001)

    def say(self, text: str) -> None:
        """Send a text to every subscriber, whatever it is."""
        for line in self.listeners:
            line.outbox.put_nowait(text)

    def _take(self, line: Listener, told: dict[str, Any]) -> None:
        is_known, is_subscribed, replies = self.account.heard(told, is_known=line.is_known)
        line.is_known |= is_known
        for reply in replies:
            line.outbox.put_nowait(json.dumps(reply))
        line.is_subscribed |= is_subscribed

    def _tell(self, what: Order | Fill | Settlement) -> None:
        for line in self.listeners:
            if line.is_subscribed:
                for message in self.account.news(what):
                    line.outbox.put_nowait(json.dumps(message))

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        return self.account.answer(asked.path, asked.query, asked.headers, asked.body)

    def _not_done(self, fault: Fault | None, asked: Asked) -> web.Response | None:
        """Return the answer of a request that was refused before anything was done."""
        match fault:
            case Fault.TOO_MANY_REQUESTS:
                return web.json_response({"error": "slow down"}, status=429, headers={"Retry-After": "3"})
            case Fault.BANNED:
                return web.Response(status=403, text="<html>access too frequent</html>")
            case Fault.MAINTENANCE:
                return web.Response(status=503, text=f"<html>back soon {_echo(asked)}</html>")
            case Fault.ECHO:
                return web.json_response(self.account.refusal(f"what is {_echo(asked)}?"))
            case _:
                return None

    async def _spoilt(self, fault: Fault | None, request: web.Request, status: int, told: Any) -> web.StreamResponse:
        """Return the answer of a request that was done, as far as it comes through."""
        match fault:
            case Fault.LOSE_ANSWER:
                return _cut(request)
            case Fault.GARBAGE:
                return web.Response(text="<html>all is well</html>")
            case Fault.HALF_AN_ANSWER:
                text = json.dumps(told)
                return web.Response(text=text[: len(text) // 2], content_type="application/json")
            case Fault.OUT_OF_ORDER:
                return web.json_response(self.account.lost_itself())
            case Fault.STRANGE:
                return web.json_response(self.account.strange())
            case Fault.SILENCE:
                # Nothing tells that a client has gone.
                while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
                return web.Response()
            case _:
                return web.json_response(told, status=status)


def _echo(asked: Asked) -> str:
    return json.dumps([dict(asked.headers), asked.query, asked.body])


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _write(line: Listener) -> None:
    while True:
        text = await line.outbox.get()
        try:
            await line.socket.send_str(text)
        except ConnectionError:
            return
