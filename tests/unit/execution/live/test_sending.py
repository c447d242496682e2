"""Orders on their way: beside each other and beside the ticks, held until they are on record, heard of in the end."""

import asyncio

import pytest
from msgspec.structs import replace

from execution.live.broker import OrderKind
from tests.doubles.venue.broker import Fault
from tests.doubles.venue.desk import TERMS
from tests.doubles.venue.loop import run
from tests.unit.execution.live.conftest import SOL, Bench

BTC = "BTC-PERP"


def test_an_order_whose_answer_takes_long_keeps_no_other_symbol_waiting(play) -> None:
    async def scene(bench: Bench) -> None:
        bench.way.answer_s = 30.0
        began_s = bench.clock.elapsed_s()
        assert await bench.enter() is None
        assert await bench.enter(symbol=BTC) is None
        assert bench.clock.elapsed_s() == began_s
        await asyncio.sleep(1)
        assert {one.symbol for one in bench.placed(OrderKind.IOC)} == {SOL, BTC}
        assert (await bench.hear()).fills == ()
        await asyncio.sleep(30)
        assert [fill.size_lots for fill in (await bench.hear()).fills] == [20]

    play(scene)


def test_an_order_that_waits_its_turn_is_not_sent_after_one_of_unknown_fate(play) -> None:
    async def scene(bench: Bench) -> None:
        with bench.trouble(Fault.LOST):
            assert await bench.enter() is None
            assert await bench.enter(symbol=BTC) is None
            await asyncio.sleep(1)
        await asyncio.sleep(60)
        assert bench.placed(OrderKind.IOC) == []
        ((_, why),) = (await bench.hear(BTC)).rejections
        assert "not sent: what became of SOL-PERP" in why
        assert await bench.enter(symbol=BTC) is None

    play(scene, replace(TERMS, n_at_once=1))


def test_no_exit_follows_an_order_of_its_symbol_that_is_not_answered(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.way.answer_s = 30.0
        assert await bench.leave(lots=5) is None
        refusal = await bench.leave()
        assert refusal is not None
        assert refusal.reason == "the last order in SOL-PERP is not answered yet"
        await asyncio.sleep(31)
        assert await bench.leave() is None

    play(scene)


def test_an_order_that_is_held_leaves_when_it_is_let_go(play) -> None:
    async def scene(bench: Bench) -> None:
        bench.venue.hold_orders()
        assert await bench.enter() is None
        await asyncio.sleep(3)
        assert bench.placed(OrderKind.IOC) == []
        bench.venue.let_go(None)
        bench.venue.let_go(None)
        await asyncio.sleep(1)
        assert len(bench.placed(OrderKind.IOC)) == 1

    play(scene)


def test_what_could_not_be_put_on_record_leaves_only_if_it_reduces(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.venue.hold_orders()
        assert await bench.leave() is None
        assert await bench.enter(symbol=BTC) is None
        bench.venue.let_go("the disk is full")
        await asyncio.sleep(1)
        assert [(one.symbol, one.reduce_only) for one in bench.placed(OrderKind.IOC)] == [(SOL, False), (SOL, True)]
        ((_, why),) = (await bench.hear(BTC)).rejections
        assert why.endswith("not sent: the disk is full")

    play(scene)


def test_a_sending_that_fails_in_a_way_nobody_foresaw_is_heard_of_by_the_desk() -> None:
    async def whole() -> None:
        bench = await Bench().open()

        async def place(order: object) -> None:
            raise KeyError("what is this")

        bench.broker.place = place
        await bench.enter()
        for _ in range(2):
            with pytest.raises(KeyError, match="what is this"):
                await bench.hear(BTC)
        with pytest.raises(KeyError, match="what is this"):
            await bench.enter(symbol=BTC)
        await bench.venue.close()

    run(whole())


@pytest.mark.parametrize("answer_s", [3.0, 90.0])
def test_an_end_waits_for_answers_but_not_for_ever_and_looks_up_what_it_did_not_hear(answer_s: float) -> None:
    async def whole() -> None:
        bench = await Bench(replace(TERMS, closing_s=5.0)).open()
        bench.way.answer_s = answer_s
        await bench.enter()
        began_s = bench.clock.elapsed_s()
        await bench.venue.close()
        assert bench.clock.elapsed_s() - began_s < 9.0
        assert len(bench.placed(OrderKind.IOC)) == 1
        assert bench.world.lots[SOL] == bench.resting()["stop"].size_lots == 20

    run(whole())
