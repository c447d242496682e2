"""The way to the exchange in memory, with everything that goes wrong on the way: a `Broker` of one process's life."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import VenueUnreachable
from domain.instrument import Instrument
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderKind, OrderState, Stage, Standing
from tests.doubles.venue.world import World

LATE_S = 4.0
DOWN_S = 25.0
SLOW_S = 3.0


class Fault(StrEnum):
    """What happens to one message. LATE: an order arrives after we gave up; any other message is lost."""

    LOST = "lost before it arrived"
    UNANSWERED = "lost after it arrived"
    LATE = "late"
    REFUSED = "refused"
    DOWN = "the connection is lost for a while"
    SLOW = "slow"


@dataclass
class Way:
    """The way to the world, which outlives every process. faults: by the number of the message.

    kill_at: the process dies at that step; each message has two, before and after it arrives. kill_after_order: how
    many steps after an order was put on record it dies, by the order's number. unsure: orders that were sent and not
    answered, with the last instant at which they may arrive. asking: orders whose answer is awaited. asked: every
    message, in order. answer_s: how long the answer to an order of the desk is on its way.
    """

    world: World
    faults: dict[int, Fault] = field(default_factory=dict)
    latency_s: float = 0.02
    kill_at: set[int] = field(default_factory=set)
    kill_after_order: dict[int, int] = field(default_factory=dict)
    n_orders: int = 0
    n_messages: int = 0
    n_steps: int = 0
    down_until_ms: int = 0
    unsure: dict[str, int] = field(default_factory=dict)
    asking: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    answer_s: float = 0.0
    killed: asyncio.Event = field(default_factory=asyncio.Event)

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.faults, self.kill_at, self.kill_after_order, self.down_until_ms = {}, set(), {}, 0
        self.answer_s = 0.0
        self.world.calm()

    def count_order(self) -> None:
        """Count an order that was put on record."""
        self.n_orders += 1
        if (n_steps := self.kill_after_order.get(self.n_orders)) is not None:
            self.kill_at.add(self.n_steps + n_steps)


@dataclass(eq=False)
class WorldBroker:
    """Implements `execution.live.broker.Broker` for one life of the desk's process."""

    way: Way
    is_dead: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        self.way.world.news.append(self._news)
        return {symbol: self.way.world.instruments[symbol] for symbol in symbols}

    async def close(self) -> None:
        if self._news in self.way.world.news:
            self.way.world.news.remove(self._news)

    async def step(self) -> None:
        """Take one step of the process's life, or die in it."""
        self.way.n_steps += 1
        if self.way.n_steps in self.way.kill_at:
            self.is_dead = True
            self.way.killed.set()
        if self.is_dead:
            await asyncio.get_running_loop().create_future()

    async def _go(self, name: str, has_left: asyncio.Event | None = None) -> Fault | None:
        """Carry a message there; return what happens to it if anything does. Raises VenueUnreachable.

        has_left: set once it has left the process, which may die before it arrives.
        """
        await self.step()
        way = self.way
        if has_left is not None:
            has_left.set()
        way.asked.append(name)
        way.n_messages += 1
        fault = way.faults.get(way.n_messages)
        await asyncio.sleep(SLOW_S if fault is Fault.SLOW else way.latency_s)
        now_ms = way.world.clock.now_ms()
        if fault is Fault.DOWN:
            way.down_until_ms = now_ms + round(DOWN_S * 1000)
            way.world.tell()
        if now_ms < way.down_until_ms:
            return Fault.LOST
        return fault

    async def _back(self, fault: Fault | None) -> None:
        await self.step()
        if fault not in {None, Fault.SLOW, Fault.REFUSED}:
            raise VenueUnreachable(f"no answer: {fault}")

    async def place(self, order: BrokerOrder) -> OrderState:
        way = self.way
        if self.is_dead:
            # What was about to set out when its process died does not.
            await asyncio.get_running_loop().create_future()
        now_ms = way.world.clock.now_ms()
        asking = way.asking | {order.wire_id}
        doubts = [wire_id for wire_id, until_ms in way.unsure.items() if until_ms >= now_ms and wire_id not in asking]
        if doubts and not order.reduce_only:
            way.world.flaws.append(f"{order.wire_id} entered while nobody knew of {doubts}")
        way.unsure[order.wire_id] = order.valid_until_ms
        way.asking.add(order.wire_id)
        try:
            return await self._carry(order)
        finally:
            way.asking.discard(order.wire_id)

    async def _carry(self, order: BrokerOrder) -> OrderState:
        way, has_left = self.way, asyncio.Event()
        try:
            fault = await self._go("place", has_left)
        except asyncio.CancelledError:
            if has_left.is_set():
                # The process is dead, and its last word is on its way.
                asyncio.get_running_loop().call_later(way.latency_s, self._arrive_late, order)
            raise
        state: OrderState | None = None
        if fault is Fault.REFUSED:
            state = way.world.refuse(order, "the venue would not")
        elif fault is Fault.LATE:
            asyncio.get_running_loop().call_later(LATE_S, self._arrive_late, order)
        elif fault is not Fault.LOST:
            state = way.world.arrive(order)
        if order.kind is OrderKind.IOC and way.answer_s:
            await asyncio.sleep(way.answer_s)
        await self._back(fault)
        if state is None:
            raise VenueUnreachable("no answer")
        way.unsure.pop(order.wire_id, None)
        return state

    def _arrive_late(self, order: BrokerOrder) -> None:
        if self.way.world.clock.now_ms() <= order.valid_until_ms:
            self.way.world.arrive(order)

    async def cancel(self, wire_id: str, symbol: str) -> None:
        fault = await self._go("cancel")
        if fault not in {Fault.LOST, Fault.LATE}:
            self.way.world.cancel(wire_id)
        await self._back(fault)

    async def state_of(self, wire_id: str, symbol: str) -> OrderState:
        fault = await self._go("state_of")
        state = self.way.world.state_of(wire_id)
        until_ms = self.way.unsure.get(wire_id, 0)
        await self._back(fault)
        if state.stage is Stage.ABSENT and self.way.world.clock.now_ms() <= until_ms:
            raise VenueUnreachable("it may still arrive")
        self.way.unsure.pop(wire_id, None)
        return state

    async def executions(self, since_ms: int) -> Sequence[Execution]:
        fault = await self._go("executions")
        now_ms = self.way.world.clock.now_ms()
        told = [one for at_ms, one in self.way.world.executed if at_ms <= now_ms and one.executed_ms >= since_ms]
        await self._back(fault)
        return [*told, *told[-1:]]

    async def funding(self, since_ms: int) -> Sequence[FundingPaid] | None:
        fault = await self._go("funding")
        told = [paid for _, paid in self.way.world.paid if paid.settled_ms >= since_ms]
        await self._back(fault)
        return told if self.way.world.manners.tells_funding else None

    async def standing(self) -> Standing:
        fault = await self._go("standing")
        standing = self.way.world.standing()
        await self._back(fault)
        for one in standing.resting:
            self.way.unsure.pop(one.wire_id or "", None)
        return standing

    async def changed(self) -> None:
        if self.way.world.manners.is_deaf or self.is_dead:
            await asyncio.get_running_loop().create_future()
        await self._news.wait()
        self._news.clear()
        if self.way.world.clock.now_ms() < self.way.down_until_ms:
            raise VenueUnreachable("the line is closed")

    def take_notes(self) -> list[tuple[str, str]]:
        return []
