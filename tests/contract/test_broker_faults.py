"""What every broker owes the desk when something goes wrong on the way to the venue and back."""

from contextlib import suppress

import numpy as np
import pytest

from domain.decisions import Side
from domain.errors import VenueUnreachable
from execution.live.broker import BrokerOrder, OrderKind, OrderState, Stage
from tests.contract.broker_stories import bought, is_true, placed, settled, since, stop, wire_id
from tests.doubles.trading.faults import Fault, Kind
from tests.doubles.trading.world import World

LONG_MS = 60_000


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_strikes_an_order_it_is_taken_at_most_once_and_its_fate_becomes_known(play, fault):
    async def story(world: World) -> None:
        if fault not in world.faults:
            return
        order = bought(world, 1)
        world.strike(Kind.PLACE, fault)
        said: OrderState | None = None
        with suppress(VenueUnreachable):
            said = await world.broker.place(order)
        state = await settled(world, order)
        assert world.n_orders(order.wire_id) <= 1
        assert state.stage is (Stage.OVER if world.n_orders(order.wire_id) else Stage.ABSENT)
        await world.pass_time(LONG_MS)
        assert said is None or is_true(world, said)
        assert world.filled_lots(order.wire_id) == (10 if state.stage is Stage.OVER else 0)
        assert sum(one.size_lots for one in await world.broker.executions(since(world))) == world.n_executions() * 10

    play(story)


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_strikes_a_cancellation_it_can_be_asked_for_again(play, fault):
    async def story(world: World) -> None:
        if fault not in world.faults:
            return
        await placed(world, bought(world, 1))
        await world.broker.place(stop(world, 2))
        world.strike(Kind.CANCEL, fault)
        for _ in range(30):
            try:
                await world.broker.cancel(wire_id(2), world.symbol)
                break
            except VenueUnreachable:
                await world.pass_time(1_000)
        assert (await settled(world, stop(world, 2))).stage is Stage.OVER
        assert (await world.broker.standing()).resting == ()
        assert world.n_executions() == 1

    play(story)


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_strikes_a_question_the_answer_is_right_or_there_is_none(play, fault):
    async def story(world: World) -> None:
        if fault not in world.faults:
            return
        await placed(world, bought(world, 1))
        await world.broker.place(stop(world, 2))
        for _ in range(3):
            world.strike(Kind.ASK, fault)
            with suppress(VenueUnreachable):
                standing = await world.broker.standing()
                assert standing.positions == ((world.symbol, 10),)
                assert [one.wire_id for one in standing.resting] == [wire_id(2)]
            await world.pass_time(10_000)
            world.strike(Kind.ASK, fault)
            with suppress(VenueUnreachable):
                assert [one.wire_id for one in await world.broker.executions(since(world))] == [wire_id(1)]
                assert (await world.broker.state_of(wire_id(1), world.symbol)).stage is Stage.OVER
            await world.pass_time(10_000)
        world.clear()
        await world.pass_time(LONG_MS)
        assert (await world.broker.standing()).positions == ((world.symbol, 10),)

    play(story)


@pytest.mark.parametrize("is_reopened", [False, True])
@pytest.mark.parametrize("late_ms", [500, 4_900, 5_100, 7_900, 9_000, 30_000])
def test_an_order_is_not_called_absent_while_it_can_still_arrive(play, late_ms, is_reopened):
    async def story(world: World) -> None:
        if Fault.LATE not in world.faults:
            return
        world.late_by(late_ms)
        world.strike(Kind.PLACE, Fault.LATE)
        with pytest.raises(VenueUnreachable):
            await world.broker.place(bought(world, 1))
        if is_reopened:
            await world.reopen()
        said_absent = False
        for _ in range(45):
            # One that cannot be seen and may still arrive is not told at all.
            with suppress(VenueUnreachable):
                said_absent |= (await world.broker.state_of(wire_id(1), world.symbol)).stage is Stage.ABSENT
            assert not (said_absent and world.n_orders(wire_id(1)))
            await world.pass_time(1_000)
        assert said_absent is (world.n_orders(wire_id(1)) == 0)

    play(story)


@pytest.mark.parametrize("seed", range(4))
def test_through_a_storm_of_faults_no_order_is_doubled_or_lost(play, seed):
    async def story(world: World) -> None:
        generator = np.random.default_rng(seed)
        known: dict[str, OrderState] = {}
        for number in range(1, 26):
            order = await struck(world, generator, number)
            known[order.wire_id] = await settled(world, order)
        world.clear()
        await world.pass_time(LONG_MS)
        executions = await world.broker.executions(since(world))
        assert len(executions) == len({one.execution_id for one in executions}) == world.n_executions()
        for wire, state in known.items():
            filled = world.filled_lots(wire)
            assert world.n_orders(wire) == (0 if state.stage is Stage.ABSENT else 1)
            assert state.filled_lots in (filled, None)
            assert sum(one.size_lots for one in executions if one.wire_id == wire) == filled
        held = sum(one.side * one.size_lots for one in executions)
        assert (await world.broker.standing()).positions == (((world.symbol, held),) if held else ())

    play(story)


async def struck(world: World, generator: np.random.Generator, number: int) -> BrokerOrder:
    """Place an order with faults about it, and now and then take the broker's process away; return the order."""
    for kind in Kind:
        if generator.random() < 0.6:
            world.strike(kind, world.faults[generator.integers(len(world.faults))])
    world.fill_next(float(generator.choice([0.0, 0.4, 1.0])))
    side = Side.BUY if generator.random() < 0.5 else Side.SELL
    price = world.price * (1.01 if side is Side.BUY else 0.99)
    order = world.order(wire_id(number), side, int(generator.integers(1, 9)), OrderKind.IOC, price)
    with suppress(VenueUnreachable):
        assert is_true(world, await world.broker.place(order))
    if generator.random() < 0.15:
        world.clear()
        await world.reopen()
    return order
