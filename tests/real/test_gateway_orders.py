"""Orders from the desk's side through a live gateway that dies at every boundary, over a node that loses and forks.

A desk of a few lines wants each order once. It knows nothing but what the broker tells it, and makes a new id only of
an order that is over without a fill, or absent.
"""

import asyncio
import os

import numpy as np
import pytest

from domain.decisions import Side
from domain.errors import VenueUnreachable
from execution.live.broker import OrderKind, Stage
from tests.conftest import NO_GATEWAY
from tests.doubles.gateway.playing import PRICE_TICKS, desk, order, wire
from tests.doubles.gateway.world import BOUNDARIES, FAULTS, INSTALLED, GatewayWorld

N_ORDERS = int(os.environ.get("TIDEGATE_GATEWAY_DESK_ORDERS", "10"))
MOST_TRIES = 600
LOT_RAW = 10_000_000


class Storm:
    """Kills the gateway at one boundary after another, and lets the node misbehave while it lives."""

    def __init__(self, world, seed):
        self.world, self.drawn = world, np.random.default_rng(seed)
        self.boundaries = [str(one) for one in self.drawn.permutation(list(BOUNDARIES))]
        self.n_deaths = 0

    def survive(self):
        """Start the gateway again if it is dead."""
        while not self.world.is_running():
            self.world.chain("faults")
            boundary = self.boundaries[self.n_deaths % len(self.boundaries)]
            self.n_deaths += 1
            self.world.start(boundary, int(1 + self.drawn.integers(BOUNDARIES[boundary])))
        likely = {"sendTransaction": 0.3, "*": 0.02}
        seed = int(self.drawn.integers(2**31))
        self.world.chain("faults", seed=seed, likely=likely, kinds=FAULTS, fork_frac=0.02)

    def calm(self):
        """Let everything work from now on."""
        self.world.chain("faults")
        self.world.kill()
        self.world.start()


@pytest.fixture
def world(tmp_path):
    """Return a world in which time is calls."""
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    one = GatewayWorld(tmp_path / "world")
    yield one
    one.close()


async def until_known(broker, storm, number):
    """Return the order's end, asked for through every death and silence."""
    for _ in range(MOST_TRIES):
        try:
            state = await broker.state_of(wire(number), "SOL-PERP")
        except VenueUnreachable:
            storm.survive()
            continue
        if state.stage is not Stage.WORKING:
            return state
        storm.survive()
        storm.world.chain("advance")
        await asyncio.sleep(0.005)
    raise AssertionError(f"order {number} has no end: {state}")


async def want(broker, storm, number, **terms):
    """Have one order filled, under new ids until it is; return the id that did it and all that were tried."""
    tried = []
    while True:
        tried.append(number + len(tried))
        try:
            state = await broker.place(order(tried[-1], **terms))
        except VenueUnreachable:
            storm.survive()
            state = None
        if state is None or state.stage is not Stage.OVER or state.filled_lots is None:
            state = await until_known(broker, storm, tried[-1])
        if state.filled_lots is None:
            return tried[-1], tried


def test_through_deaths_faults_and_forks_every_order_is_done_once_and_told_once(world):
    storm = Storm(world, seed=11)
    storm.survive()
    done, lots = [], []

    async def scene():
        async with desk(world, timeout_s=5.0) as broker:
            for turn in range(N_ORDERS):
                side = Side.BUY if storm.drawn.random() < 0.5 else Side.SELL
                size_lots = int(1 + storm.drawn.integers(50))
                number, _ = await want(broker, storm, turn * 1_000, side=side, size_lots=size_lots)
                done.append(wire(number))
                lots.append(int(side) * size_lots)
            held = sum(lots)
            closing = Side.SELL if held > 0 else Side.BUY
            if held:
                await want(
                    broker,
                    storm,
                    N_ORDERS * 1_000,
                    kind=OrderKind.TARGET,
                    side=closing,
                    size_lots=abs(held),
                    price_ticks=PRICE_TICKS,
                )
            storm.calm()
            world.settle()
            world.chain("advance", blocks=10)
            return await broker.executions(0), await broker.standing(), held

    executions, standing, held = asyncio.run(scene())
    told = [(one.wire_id, int(one.side) * one.size_lots) for one in executions]
    assert told[: len(done)] == list(zip(done, lots, strict=True)), "every order is told, once, in order"
    assert [size for _, size in told[len(done) :]] == ([-held] if held else [])
    on_chain = [(one["id"], one["base"] // LOT_RAW * (1 - 2 * one["direction"])) for one in world.fills()]
    assert told == on_chain, "what is told is what the chain has done"
    assert len({one.execution_id for one in executions}) == len(executions)
    assert standing.positions == ()
    assert world.positions() == {}
    assert storm.n_deaths > 1
