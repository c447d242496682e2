"""What every broker owes the desk, whichever venue it speaks to."""

import asyncio

from domain.decisions import Side
from execution.live.broker import OrderKind, Stage
from tests.contract.broker_stories import (
    DAY_MS,
    UP_S,
    bought,
    placed,
    settled,
    since,
    stop,
    target,
    until,
    wire_id,
    woken,
)
from tests.doubles.trading.world import World


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
