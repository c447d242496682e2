"""What every broker owes the desk, whichever venue it speaks to and whatever happens on the way there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from domain.decisions import Side
from domain.errors import VenueUnreachable
from execution.live.broker import BrokerOrder, OrderKind, OrderState, Stage
from execution.live.wire import WireCode, WireId
from tests.conftest import NO_GATEWAY
from tests.doubles.gateway.contract import GatewayVenueWorld
from tests.doubles.gateway.world import INSTALLED, Chain
from tests.doubles.trading.faults import Fault, Kind
from tests.doubles.trading.world import CcxtWorld, World

KINDS = ("bybit", "hyperliquid", "gateway")
Story = Callable[[World], Awaitable[None]]
LONG_MS = 60_000
UP_S = 20.0
DAY_MS = 86_400_000


@pytest.fixture(params=KINDS)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    """Return a way to live a story in a world that begins and ends with it."""
    if request.param == "gateway":
        if not strikes_the_gateway(request.node.callspec.params):
            return lambda story: None
        chain = request.getfixturevalue("chain")
        return lambda story: asyncio.run(lived(GatewayVenueWorld(tmp_path, chain), story))
    return lambda story: asyncio.run(lived(CcxtWorld(tmp_path, request.param), story))


def strikes_the_gateway(params: Mapping[str, object]) -> bool:
    """Say whether a test's fault is one that a unix socket has; for others no gateway needs to be started."""
    return params.get("fault", Fault.LATE) in GatewayVenueWorld.faults and params.get("late_ms", 500) == 500


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Return the test chain that every gateway here trades on, or skip and say that it is absent."""
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    one = Chain()
    yield one
    one.close()


async def lived(world: World, story: Story) -> None:
    await world.begin()
    try:
        await story(world)
    finally:
        await world.end()


CODE = WireCode("contract", ("SOL-PERP",))


def wire_id(number: int) -> str:
    return CODE.write(WireId(symbol="SOL-PERP", purpose="entry", at_ms=1_747_000_000_000 + number))


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


def test_the_grid_it_returns_is_the_venues_and_books_whole_micro_dollars(play):
    async def story(world: World) -> None:
        assert world.instrument.symbol == world.symbol
        assert world.instrument.microusd_per_tick_lot >= 1
        assert 0 < world.instrument.maintenance_margin_frac <= world.instrument.initial_margin_frac

    play(story)


def test_an_order_that_finds_enough_is_over_and_its_execution_is_exact(play):
    async def story(world: World) -> None:
        state = await placed(world, bought(world, 1))
        assert state.stage is Stage.OVER
        assert state.filled_lots in (10, None)
        (done,) = await world.broker.executions(since(world))
        assert done.wire_id == wire_id(1)
        assert (done.symbol, done.side, done.size_lots) == (world.symbol, Side.BUY, 10)
        ticks = round(world.price / world.instrument.tick)
        assert done.quote_microusd == world.instrument.notional_microusd(10, ticks)
        assert done.fee_microusd != 0
        assert not done.is_liquidation

    play(story)


def test_an_order_that_finds_less_is_over_with_what_it_found(play):
    async def story(world: World) -> None:
        world.fill_next(0.5)
        state = await placed(world, bought(world, 1))
        assert state.stage is Stage.OVER
        assert state.filled_lots in (5, None)
        assert sum(one.size_lots for one in await world.broker.executions(since(world))) == 5
        assert (await world.broker.standing()).positions == ((world.symbol, 5),)

    play(story)


def since(world: World) -> int:
    """Return an instant before everything that happens here."""
    return 1_747_000_000_000 - DAY_MS


def test_an_order_whose_worst_price_nobody_offers_fills_nothing_and_says_why(play):
    async def story(world: World) -> None:
        order = world.order(wire_id(1), Side.BUY, 10, OrderKind.IOC, world.price * 0.99)
        state = await placed(world, order)
        assert state.stage is Stage.OVER
        assert state.filled_lots in (0, None)
        assert state.why
        assert await world.broker.executions(since(world)) == []

    play(story)


def test_stop_and_target_rest_and_the_one_that_is_reached_closes_the_position(play):
    async def story(world: World) -> None:
        await placed(world, bought(world, 1))
        for order in (stop(world, 2), target(world, 3)):
            assert (await world.broker.place(order)).stage is Stage.WORKING
        resting = (await world.broker.standing()).resting
        assert {(one.wire_id, one.symbol, one.side, one.size_lots) for one in resting} == {
            (wire_id(2), world.symbol, Side.SELL, 10),
            (wire_id(3), world.symbol, Side.SELL, 10),
        }
        await world.move_price(world.price * 0.89)
        assert (await settled(world, stop(world, 2))).stage is Stage.OVER
        assert (await world.broker.standing()).positions == ()
        assert [one.wire_id for one in await world.broker.executions(since(world))] == [wire_id(1), wire_id(2)]

    play(story)


def test_a_stop_that_is_larger_than_the_position_never_turns_it_round(play):
    async def story(world: World) -> None:
        await placed(world, bought(world, 1, 4))
        await world.broker.place(stop(world, 2, 10))
        await world.move_price(world.price * 0.89)
        await settled(world, stop(world, 2))
        assert (await world.broker.standing()).positions == ()

    play(story)


def test_cancelling_ends_a_resting_order_and_is_no_error_afterwards(play):
    async def story(world: World) -> None:
        await placed(world, bought(world, 1))
        await world.broker.place(stop(world, 2))
        for wire in (wire_id(2), wire_id(2), wire_id(1), wire_id(9)):
            await world.broker.cancel(wire, world.symbol)
        state = await settled(world, stop(world, 2))
        assert (state.stage, state.filled_lots or 0) == (Stage.OVER, 0)
        assert (await world.broker.standing()).resting == ()

    play(story)


def test_the_same_id_again_is_the_same_order(play):
    async def story(world: World) -> None:
        first = await placed(world, bought(world, 1))
        again = await placed(world, bought(world, 1))
        await world.reopen()
        later = await placed(world, bought(world, 1))
        assert {one.stage for one in (first, again, later)} == {Stage.OVER}
        assert world.n_orders(wire_id(1)) == 1
        assert world.n_executions() == 1

    play(story)


def test_a_refusal_is_over_with_the_venues_words(play):
    async def story(world: World) -> None:
        state = await placed(world, bought(world, 1, 1_000_000))
        assert state.stage is Stage.OVER
        assert not state.filled_lots
        assert state.why
        assert world.n_executions() == 0

    play(story)


def test_an_order_that_comes_too_late_is_not_sent(play):
    async def story(world: World) -> None:
        order = bought(world, 1)
        await world.pass_time(order.valid_until_ms)
        state = await world.broker.place(order)
        assert (state.stage, state.filled_lots) == (Stage.OVER, 0)
        assert "too late" in state.why
        assert world.n_orders(wire_id(1)) == 0

    play(story)


def test_what_the_owner_does_by_hand_is_told_as_nobodys_order(play):
    async def story(world: World) -> None:
        await world.trade_by_hand(Side.SELL, 3)
        await world.trade_by_hand(Side.BUY, 2, is_other=True)
        standing = await world.broker.standing()
        assert dict(standing.positions) == {world.symbol: -3, world.other_id: 2}
        executions = await world.broker.executions(since(world))
        assert [(one.wire_id, one.symbol, one.side) for one in executions] == [
            (None, world.symbol, Side.SELL),
            (None, world.other_id, Side.BUY),
        ]

    play(story)


def test_a_liquidation_is_told_as_one(play):
    async def story(world: World) -> None:
        await placed(world, bought(world, 1, 500))
        await world.move_price(world.price * 0.86)
        last = (await world.broker.executions(since(world)))[-1]
        assert last.is_liquidation
        assert (last.wire_id, last.side, last.size_lots) == (None, Side.SELL, 500)

    play(story)


def test_cash_is_what_is_settled_after_fees_and_funding_and_knows_no_unrealised_profit(play):
    async def story(world: World) -> None:
        await placed(world, bought(world, 1))
        await world.settle_funding(0.0003)
        await world.move_price(world.price * 1.05)
        standing = await world.broker.standing()
        if world.tells_cash:
            assert standing.cash_microusd is not None
            assert abs(standing.cash_microusd - world.cash_microusd()) <= 1
        else:
            assert standing.cash_microusd is None

    play(story)


def test_funding_is_told_once_with_its_sign(play):
    async def story(world: World) -> None:
        await placed(world, bought(world, 1))
        await world.settle_funding(0.0002)
        await world.pass_time(1_000)
        await world.settle_funding(-0.0001)
        paid = await world.broker.funding(since(world))
        if not world.tells_funding:
            assert paid is None
            return
        assert paid is not None
        notional = round(world.price * 10 * world.instrument.lot * 1_000_000)
        assert [one.amount_microusd for one in paid] == [round(-notional * 0.0002), round(notional * 0.0001)]
        assert {one.symbol for one in paid} == {world.symbol}

    play(story)


def test_executions_are_complete_and_unique_over_many_pages_and_weeks(play):
    async def story(world: World) -> None:
        for number in range(260):
            await world.trade_by_hand(Side.BUY if number % 2 else Side.SELL, 1 + number % 3)
            if number % 20 == 0:
                await world.pass_time(DAY_MS)
        found = await world.broker.executions(since(world))
        assert len(found) == len({one.execution_id for one in found}) == world.n_executions() == 260
        assert [one.executed_ms for one in found] == sorted(one.executed_ms for one in found)
        assert [one.size_lots for one in found] == [1 + number % 3 for number in range(260)]
        middle = found[130].executed_ms
        wanted = {one.execution_id for one in found if one.executed_ms >= middle}
        assert wanted <= {one.execution_id for one in await world.broker.executions(middle)}

    play(story)


def test_whoever_waits_for_a_change_is_woken_by_a_fill(play):
    async def story(world: World) -> None:
        if not world.has_stream:
            return
        await woken(world)
        waiting = asyncio.create_task(world.broker.changed())
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await world.trade_by_hand(Side.BUY, 1)
        await asyncio.wait_for(waiting, UP_S)

    play(story)


async def woken(world: World) -> None:
    """Let the stream come up, and take what it says of that."""
    await asyncio.wait_for(world.broker.changed(), UP_S)


def test_a_stream_that_is_cut_is_told_of_and_comes_back(play):
    async def story(world: World) -> None:
        if not world.has_stream:
            return
        await woken(world)
        world.broker.take_notes()
        for _ in range(3):
            await world.cut_stream()
            notes: list[tuple[str, str]] = []

            def is_back(notes: list[tuple[str, str]] = notes) -> bool:
                notes += world.broker.take_notes()
                return "broker_back" in [kind for kind, _ in notes]

            await until(is_back, world)
            assert [kind for kind, _ in notes] == ["broker_lost", "broker_back"]
        await world.broker.changed()
        await world.trade_by_hand(Side.BUY, 1)
        await asyncio.wait_for(world.broker.changed(), UP_S)

    play(story)


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_strikes_an_order_it_is_taken_at_most_once_and_its_fate_becomes_known(play, fault):
    async def story(world: World) -> None:
        if fault not in world.faults:
            return
        order = bought(world, 1)
        world.strike(Kind.PLACE, fault)
        is_known = False
        with suppress(VenueUnreachable):
            is_known = (await world.broker.place(order)).stage is Stage.OVER
        state = await settled(world, order)
        assert world.n_orders(order.wire_id) <= 1
        assert state.stage is (Stage.OVER if world.n_orders(order.wire_id) else Stage.ABSENT)
        assert not (is_known and state.stage is Stage.ABSENT and world.n_executions())
        await world.pass_time(LONG_MS)
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
        if isinstance(world, CcxtWorld):
            world.server.door.weather.late_ms = late_ms
        world.strike(Kind.PLACE, Fault.LATE)
        with pytest.raises(VenueUnreachable):
            await world.broker.place(bought(world, 1))
        if is_reopened:
            await world.reopen()
        said_absent = False
        for _ in range(90):
            state = await world.broker.state_of(wire_id(1), world.symbol)
            assert not (said_absent and world.n_orders(wire_id(1)))
            said_absent |= state.stage is Stage.ABSENT
            await world.pass_time(500)
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
    faults = [one for one in world.faults if one is not Fault.SILENCE]
    for kind in Kind:
        if generator.random() < 0.6:
            world.strike(kind, faults[generator.integers(len(faults))])
    world.fill_next(float(generator.choice([0.0, 0.4, 1.0])))
    side = Side.BUY if generator.random() < 0.5 else Side.SELL
    price = world.price * (1.01 if side is Side.BUY else 0.99)
    order = world.order(wire_id(number), side, int(generator.integers(1, 9)), OrderKind.IOC, price)
    with suppress(VenueUnreachable):
        await world.broker.place(order)
    if generator.random() < 0.15:
        world.clear()
        await world.reopen()
    return order
