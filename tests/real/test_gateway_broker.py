"""The desk's side of the order gateway against the real process, over the test chain."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from desk.clock import SystemClock
from domain.decisions import Side
from execution.gateway_client.broker import GatewayBroker
from execution.live.broker import BrokerOrder, OrderKind, Stage
from tests.conftest import NO_GATEWAY
from tests.doubles.gateway.world import INSTALLED, GatewayWorld

CLOCK = SystemClock()
LONG_MS = 600_000
PRICE_TICKS = 150_000
ORACLE_RAW = 150_000_000
BLOCKS_TO_FINAL = 5
LOOKS = 2_000
LOOK_S = 0.005


@pytest.fixture
def open_world(tmp_path):
    """Return a function that opens a world; what it opened is closed again."""
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    opened = []

    def begin(mode="live", **options):
        opened.append(GatewayWorld(tmp_path / f"w{len(opened)}", mode, **options))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


@pytest.fixture
def world(open_world):
    """Return a world with a live gateway."""
    one = open_world()
    assert one.start()
    return one


@asynccontextmanager
async def desk(world, symbols=("SOL-PERP",), **options):
    broker = GatewayBroker(world.socket_path, world.mode, CLOCK.now_ms, **options)
    try:
        await broker.open(symbols)
        yield broker
    finally:
        await broker.close()


def wire(number):
    return f"{number:032x}"


def ioc(number, side=Side.BUY, size_lots=100, **changes):
    fields = {
        "wire_id": wire(number),
        "symbol": "SOL-PERP",
        "kind": OrderKind.IOC,
        "side": side,
        "size_lots": size_lots,
        "reduce_only": False,
        "price_ticks": PRICE_TICKS,
        "valid_until_ms": CLOCK.now_ms() + LONG_MS,
        **changes,
    }
    return BrokerOrder(**fields)


async def until_over(broker, world, wire_id):
    """Let blocks pass until an order is over."""
    for _ in range(LOOKS):
        state = await broker.state_of(wire_id, "SOL-PERP")
        if state.stage is not Stage.WORKING:
            return state
        world.chain("advance")
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"{wire_id} has no end: {state}")


def test_an_order_is_placed_lands_and_its_execution_is_a_fact(world):
    async def play():
        async with desk(world) as broker:
            first = await broker.place(ioc(1))
            assert (first.stage, await broker.executions(0)) == (Stage.WORKING, [])
            over = await until_over(broker, world, wire(1))
            assert (over.stage, over.why) == (Stage.OVER, "")
            (execution,) = await broker.executions(0)
            assert (execution.wire_id, execution.symbol, execution.side) == (wire(1), "SOL-PERP", Side.BUY)
            assert (execution.size_lots, execution.quote_microusd) == (100, 150_000_000)
            assert execution.fee_microusd == 150_000
            standing = await broker.standing()
            assert (standing.positions, standing.resting) == ((("SOL-PERP", 100),), ())

    asyncio.run(play())
