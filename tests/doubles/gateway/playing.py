"""What tests of the desk's side of the gateway share: a broker over a world, orders, and patience."""

import asyncio
from contextlib import asynccontextmanager

from desk.clock import SystemClock
from domain.decisions import Side
from execution.gateway_client.broker import GatewayBroker
from execution.live.broker import BrokerOrder, OrderKind, Stage

CLOCK = SystemClock()
LONG_MS = 600_000
PRICE_TICKS = 150_000
ORACLE_RAW = 150_000_000
BLOCKS_TO_FINAL = 4
LOOKS = 800
LOOK_S = 0.005


@asynccontextmanager
async def desk(world, symbols=("SOL-PERP",), mode=None, **options):
    """Open a broker over a world."""
    broker = GatewayBroker(world.socket_path, mode or world.mode, CLOCK.now_ms, **options)
    try:
        await broker.open(symbols)
        yield broker
    finally:
        await broker.close()


def play(world, scene, **options):
    """Run a scene with an open broker."""

    async def go():
        async with desk(world, **options) as broker:
            return await scene(broker)

    return asyncio.run(go())


class Numbers:
    """Keeps the ids of one test from those of another that used the same gateway."""

    base = 0

    @classmethod
    def turn(cls):
        """Begin anew."""
        cls.base += 1_000


def wire(number):
    """Return an id of the venue's kind."""
    return f"{Numbers.base + number:032x}"


def order(number, kind=OrderKind.IOC, side=Side.BUY, size_lots=100, **changes):
    """Return an order: an IOC at the oracle's price, unless told otherwise."""
    fields = {
        "wire_id": wire(number),
        "symbol": "SOL-PERP",
        "kind": kind,
        "side": side,
        "size_lots": size_lots,
        "reduce_only": kind is not OrderKind.IOC,
        "price_ticks": PRICE_TICKS,
        "valid_until_ms": CLOCK.now_ms() + LONG_MS,
        **changes,
    }
    return BrokerOrder(**fields)


async def until_over(broker, world, number):
    """Let blocks pass until an order is over, and return its last state."""
    for _ in range(LOOKS):
        state = await broker.state_of(wire(number), "SOL-PERP")
        if state.stage is not Stage.WORKING:
            return state
        world.chain("advance")
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"order {number} has no end: {state}, {world.states()}")


async def until_resting(broker, world, number):
    """Let blocks pass until an order rests, by what is final."""
    for _ in range(LOOKS):
        if wire(number) in {one.wire_id for one in (await broker.standing()).resting}:
            return
        world.chain("advance")
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"order {number} does not rest: {world.states()}")


async def bought(broker, world, number=1, **changes):
    """Buy, and wait until it is a fact."""
    await broker.place(order(number, **changes))
    return await until_over(broker, world, number)
