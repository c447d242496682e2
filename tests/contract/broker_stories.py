"""Orders and waits that the contract of brokers is told in."""

import asyncio
from collections.abc import Awaitable, Callable

from domain.decisions import Side
from domain.errors import VenueUnreachable
from execution.live.broker import BrokerOrder, OrderKind, OrderState, Stage
from execution.live.wire import WireCode, WireId
from tests.doubles.trading.world import START_MS, World

Story = Callable[[World], Awaitable[None]]
UP_S = 20.0
DAY_MS = 86_400_000
CODE = WireCode("contract", ("SOL-PERP",))


def wire_id(number: int) -> str:
    return CODE.write(WireId(symbol="SOL-PERP", purpose="entry", at_ms=START_MS + number))


def bought(world: World, number: int, lots: int = 10) -> BrokerOrder:
    return world.order(wire_id(number), Side.BUY, lots, OrderKind.IOC, world.price * 1.01)


def stop(world: World, number: int, lots: int = 10) -> BrokerOrder:
    return world.order(wire_id(number), Side.SELL, lots, OrderKind.STOP, world.price * 0.9)


def target(world: World, number: int, lots: int = 10) -> BrokerOrder:
    return world.order(wire_id(number), Side.SELL, lots, OrderKind.TARGET, world.price * 1.1)


async def settled(world: World, order: BrokerOrder) -> OrderState:
    """Return how an order stands when everything that was on its way has arrived or never will."""
    state = await told(world, order.wire_id)
    for _ in range(30):
        if state.stage is not Stage.WORKING:
            break
        await world.pass_time(world.patience_ms // 10)
        state = await told(world, order.wire_id)
    return state


async def told(world: World, wire: str) -> OrderState:
    """Return what the broker says of an order, asked again while the venue cannot be reached."""
    for _ in range(60):
        try:
            return await world.broker.state_of(wire, world.symbol)
        except VenueUnreachable:
            await world.pass_time(1_000)
    raise AssertionError("the venue never came back")


async def placed(world: World, order: BrokerOrder) -> OrderState:
    state = await world.broker.place(order)
    return state if state.stage is Stage.OVER else await settled(world, order)


async def until(is_so: Callable[[], bool], world: World | None = None) -> None:
    """Wait on a condition, with the venue's time moving where a world is given."""
    async with asyncio.timeout(UP_S):
        while not is_so():
            if world is not None:
                await world.pass_time(200)
            await asyncio.sleep(0.005)


def since(world: World) -> int:
    """Return an instant before everything that happens here."""
    return START_MS - DAY_MS


async def lived(world: World, story: Story) -> None:
    await world.begin()
    try:
        await story(world)
    finally:
        await world.end()


async def woken(world: World) -> None:
    """Let the stream come up, and take what it says of that."""
    await asyncio.wait_for(world.broker.changed(), UP_S)


def is_true(world: World, said: OrderState) -> bool:
    """Say whether what was told of an order is so: over with what it filled, or not over yet."""
    return said.stage is Stage.WORKING or said.filled_lots in (world.filled_lots(said.wire_id), None)
