"""The broker of an exchange by ccxt: it moves messages and translates them, and decides nothing.

What it must know of orders is only when the last moment has passed at which one could still arrive: each is signed with
a time after which the exchange refuses it, so one that cannot be found later than that was never there.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from domain.errors import DeskError, VenueUnreachable
from domain.instrument import Instrument
from domain.ports import Timer
from execution.exchange.bybit import Bybit
from execution.exchange.contact import Contact
from execution.exchange.dialect import Dialect
from execution.exchange.hyperliquid import Hyperliquid
from execution.exchange.line import MALFORMED, Line
from execution.exchange.stream import Stream
from execution.exchange.terms import CcxtTerms
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderState, Stage, Standing

_T = TypeVar("_T")

DIALECTS: Final[Mapping[str, type[Dialect]]] = {"bybit": Bybit, "hyperliquid": Hyperliquid}
LONGEST_WAY_MS: Final = 2_000
REMEMBERED_MS: Final = 3_600_000


class CcxtBroker:
    """A `Broker` over ccxt. Nothing is read, built or sent before `open`."""

    def __init__(self, terms: CcxtTerms, timer: Timer) -> None:
        """Take where orders go and the time we live by."""
        self._terms: Final = terms
        self._timer: Final = timer
        self._contact: Final = Contact()
        self._news: Final = asyncio.Event()
        self._line: Line | None = None
        self._dialect: Any = None
        self._stream: Stream | None = None
        self._opened_ms = 0
        self._on_way: set[str] = set()
        self._sent_ms: dict[str, int] = {}
        self._taken: set[str] = set()

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Read the key, check it and the account, and return the markets' grids.

        This is the only place where the key is read.
        """
        from execution.exchange.keys import load_key

        key = load_key(Path(self._terms.key_file), self._terms.exchange)
        self._line = Line(self._terms, key.give_to, key.hide, self._timer, self._contact)
        self._dialect = DIALECTS[self._terms.exchange](self._line, self._terms)
        try:
            await self._measure()
            instruments: Mapping[str, Instrument] = await self._understood("the account", self._dialect.open(symbols))
        except DeskError:
            await self.close()
            raise
        self._opened_ms = self._line.now_ms()
        self._stream = Stream(self._line, self._dialect, self._timer, self._contact, self._news, self._terms)
        self._stream.start()
        return instruments

    async def close(self) -> None:
        """Let go of everything. Never raises."""
        if self._stream is not None:
            await self._stream.stop()
        if self._line is not None:
            await self._line.close()

    async def place(self, order: BrokerOrder) -> OrderState:
        """Send one order, once; an id that was sent before is looked up instead."""
        self._opened()
        if order.wire_id in self._on_way or order.wire_id in self._sent_ms:
            return await self.state_of(order.wire_id, order.symbol)
        self._on_way.add(order.wire_id)
        try:
            return await self._place_new(order)
        finally:
            self._on_way.discard(order.wire_id)

    async def cancel(self, wire_id: str, symbol: str) -> None:
        """Ask for the end of a resting order."""
        dialect, _ = self._opened()
        await self._understood("the cancellation", dialect.cancel(wire_id, symbol))

    async def state_of(self, wire_id: str, symbol: str) -> OrderState:
        """Look for an order. ABSENT: it could not arrive any more when it was looked for in vain.

        Raises VenueUnreachable while one that cannot be seen may still arrive, unless its sending was answered well.
        """
        dialect, _ = self._opened()
        found = await self._find(dialect, wire_id, symbol)
        if found is not None:
            return found
        now_ms = await self._understood("the exchange's time", dialect.time_ms())
        if self._is_past_arriving(wire_id, now_ms):
            found = await self._find(dialect, wire_id, symbol)
            if found is not None:
                return found
            if self._is_past_arriving(wire_id, now_ms):
                return OrderState(wire_id=wire_id, stage=Stage.ABSENT, filled_lots=0)
        if wire_id in self._taken:
            return OrderState(wire_id=wire_id, stage=Stage.WORKING, filled_lots=None, why="taken, and not shown yet")
        raise VenueUnreachable(f"the order {wire_id}: it is not seen, and may still arrive")

    async def executions(self, since_ms: int) -> Sequence[Execution]:
        """Return every execution on the account since an instant, oldest first."""
        dialect, _ = self._opened()
        found: Sequence[Execution] = await self._understood("the executions", dialect.executions(since_ms))
        return found

    async def funding(self, since_ms: int) -> Sequence[FundingPaid]:
        """Return every funding settlement since an instant, oldest first."""
        dialect, _ = self._opened()
        found: Sequence[FundingPaid] = await self._understood("the funding", dialect.funding(since_ms))
        return found

    async def standing(self) -> Standing:
        """Return the account as it is now; the clocks are compared on the way."""
        dialect, _ = self._opened()
        await self._measure()
        found: Standing = await self._understood("the account", dialect.standing())
        return found

    async def changed(self) -> None:
        """Return when the account's stream has said anything, or was lost, or is back."""
        await self._news.wait()
        self._news.clear()

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened to the connection since last asked."""
        return self._contact.take()

    async def _place_new(self, order: BrokerOrder) -> OrderState:
        dialect, line = self._opened()
        if line.is_clock_doubted:
            await self._measure()
        if not self._terms.facts.refuses_known_ids:
            known = await self._find(dialect, order.wire_id, order.symbol)
            if known is not None:
                return known
        why = self._why_not_now(order, line)
        if why:
            return OrderState(wire_id=order.wire_id, stage=Stage.OVER, filled_lots=0, why=why)
        state = await self._send(order) or await self._find(dialect, order.wire_id, order.symbol)
        if state is None:
            raise VenueUnreachable("the order: the exchange knows its id and does not show it yet")
        self._taken.add(order.wire_id)
        return state

    async def _send(self, order: BrokerOrder) -> OrderState | None:
        dialect, line = self._opened()
        try:
            state: OrderState | None = await self._understood("the order", dialect.send(order))
        finally:
            # It was signed no later than now, and the exchange refuses it a life after its signing.
            self._sent_ms[order.wire_id] = line.now_ms()
            self._forget_before(line.now_ms() - REMEMBERED_MS)
        return state

    def _is_past_arriving(self, wire_id: str, now_ms: int) -> bool:
        """Say whether an order that the exchange does not know by its time `now_ms` cannot come up any more.

        Whatever an earlier process sent was signed before this one was opened.
        """
        facts = self._terms.facts
        sent_ms = self._sent_ms.get(wire_id, self._opened_ms)
        return wire_id not in self._on_way and now_ms > sent_ms + facts.life_ms + facts.settle_ms

    def _why_not_now(self, order: BrokerOrder, line: Line) -> str:
        """Say why an order is not sent at all; "" where nothing speaks against it."""
        if self._timer.now_ms() > order.valid_until_ms:
            return "not sent: it came too late"
        if line.pause_ms:
            return f"not sent: the exchange wants to be left alone for {line.pause_ms / 1000:.0f} s"
        return ""

    async def _find(self, dialect: Dialect, wire_id: str, symbol: str) -> OrderState | None:
        found: OrderState | None = await self._understood("the order's state", dialect.find(wire_id, symbol))
        return found

    async def _measure(self) -> None:
        """Compare the clocks. Raises VenueUnreachable where the way was too long to tell."""
        dialect, line = self._opened()
        sent_ms = self._timer.now_ms()
        told_ms = await self._understood("the exchange's time", dialect.time_ms())
        way_ms = self._timer.now_ms() - sent_ms
        if not 0 <= way_ms <= LONGEST_WAY_MS:
            raise VenueUnreachable(f"the exchange's time: there and back took {way_ms} ms, too long to tell a clock by")
        line.offset_ms = told_ms - sent_ms - way_ms // 2
        line.is_clock_doubted = False

    def _opened(self) -> tuple[Dialect, Line]:
        if self._line is None:
            raise VenueUnreachable("the broker is not open")
        return self._dialect, self._line

    def _forget_before(self, before_ms: int) -> None:
        self._taken &= self._sent_ms.keys()
        self._sent_ms = {wire_id: sent_ms for wire_id, sent_ms in self._sent_ms.items() if sent_ms >= before_ms}

    async def _understood(self, what: str, work: Awaitable[_T]) -> _T:
        """Wait for work; an answer that is not what the exchange promised proves nothing."""
        try:
            return await work
        except MALFORMED as error:
            trouble = f"{what}: the answer could not be understood ({type(error).__name__})"
        raise VenueUnreachable(trouble)
