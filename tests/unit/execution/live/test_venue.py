"""The port: what is refused, what is sent once, what is told, and what happens beside the desk."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from domain.decisions import ExitReason, Side
from domain.errors import BooksDisagree, VenueUnreachable
from domain.market import FundingSettlement
from execution.live.account import MOST_NOTES
from execution.live.broker import OrderKind, Resting
from execution.live.tracking import Told
from execution.live.venue import LiveVenue
from execution.live.wire import WireCode
from tests.doubles.venue.broker import DOWN_S, LATE_S, Fault, WorldBroker
from tests.doubles.venue.desk import TERMS
from tests.doubles.venue.loop import run
from tests.doubles.venue.world import CASH_MICROUSD, PRICES, Manners
from tests.unit.execution.live.conftest import SOL, Bench

BTC = "BTC-PERP"


def begun_with(prepare, match: str) -> None:
    """A new run is refused on an account that was prepared like this."""

    async def whole() -> None:
        bench = Bench()
        prepare(bench.world)
        await bench.venue.open(tuple(PRICES))
        with pytest.raises(BooksDisagree, match=match):
            await bench.venue.start_anew()
        await bench.venue.close()

    run(whole())


def test_a_new_run_begins_on_a_flat_account_with_enough_in_it() -> None:
    begun_with(lambda world: world.trade(SOL, Side.BUY, 3), "this one has 3 lots of SOL-PERP")
    by_hand = Resting(wire_id=None, symbol=SOL, side=Side.BUY, size_lots=1)
    begun_with(lambda world: world.by_hand.append(by_hand), "an order in SOL-PERP")
    begun_with(lambda world: setattr(world, "cash_microusd", 5), "the account holds 0.00 USD")


def test_what_was_traded_before_the_run_is_none_of_its_business() -> None:
    async def whole() -> None:
        bench = Bench()
        bench.world.trade(SOL, Side.BUY, 3)
        bench.world.trade(SOL, Side.SELL, 3)
        bench.world.cash_microusd = CASH_MICROUSD + 5
        await bench.open()
        await asyncio.sleep(60)
        assert (await bench.hear()).fills == ()
        assert (await bench.venue.account()).cash_microusd == CASH_MICROUSD
        await bench.venue.close()

    run(whole())


def test_an_order_goes_out_once_within_its_price_and_its_time(play) -> None:
    async def scene(bench: Bench) -> None:
        order = bench.order(Side.SELL)
        assert await bench.venue.submit(order) is None
        assert await bench.venue.submit(order) is None
        await asyncio.sleep(1)
        (sent,) = bench.placed(OrderKind.IOC)
        assert (sent.side, sent.size_lots, sent.reduce_only) == (Side.SELL, 20, False)
        assert sent.price_ticks == 150_000 - 450
        assert sent.valid_until_ms - order.decided_ms == TERMS.order_life_s * 1000

    play(scene)


def test_a_late_entry_is_refused_and_a_late_exit_is_not(play) -> None:
    async def scene(bench: Bench) -> None:
        late_entry, entry = bench.order(symbol=BTC), bench.order()
        await bench.venue.submit(entry)
        late_exit = bench.order(Side.SELL, is_exit=True)
        await asyncio.sleep(TERMS.order_life_s + 1)
        refusal = await bench.venue.submit(late_entry)
        assert refusal is not None
        assert refusal.rule == "venue: late"
        assert await bench.venue.submit(late_exit) is None

    play(scene)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNANSWERED, Fault.LATE])
def test_nothing_is_sent_while_the_fate_of_an_order_is_unknown(play, fault: Fault) -> None:
    async def scene(bench: Bench) -> None:
        with bench.trouble(fault, Fault.LOST):
            assert await bench.enter() is None
            await asyncio.sleep(0.1)
            refusal = await bench.enter(symbol=BTC)
        assert refusal is not None
        assert refusal.rule == "venue: unresolved"
        assert "order_unanswered" in bench.kinds()
        await asyncio.sleep(60)
        told = await bench.hear()
        came = fault is not Fault.LOST
        assert [fill.size_lots for fill in told.fills] == [20] * came
        assert bool(told.rejections) is not came
        assert await bench.enter(symbol=BTC) is None

    play(scene)


def test_no_entry_goes_out_while_protection_is_of_unknown_fate(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        bench.way.faults = {bench.way.n_messages + number: Fault.LATE for number in range(3, 6)}
        await asyncio.sleep(LATE_S / 2)
        refusal = await bench.enter(symbol=BTC)
        assert refusal is not None
        assert refusal.rule == "venue: lost"
        bench.way.faults = {}
        await asyncio.sleep(30)
        assert await bench.enter(symbol=BTC) is None

    play(scene)


def test_an_exit_is_no_larger_than_what_is_held_and_refused_when_that_is_nothing(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.move(SOL, 151_500)
        await asyncio.sleep(1)
        assert await bench.leave() is None
        await asyncio.sleep(1)
        assert bench.placed(OrderKind.IOC)[-1].size_lots == 12
        refusal = await bench.leave()
        assert refusal is not None
        assert refusal.rule == "venue: position"
        told = await bench.hear()
        assert [(fill.exit_reason, fill.size_lots) for fill in told.fills] == [
            (None, 20),
            (ExitReason.PARTIAL, 8),
            (ExitReason.STRATEGY, 12),
        ]
        assert [why for _, why in told.rejections] == [
            "12 of 20 lots filled: nothing more was offered within its price"
        ]

    play(scene)


def test_after_a_restart_no_entry_goes_out_until_nothing_of_before_can_still_arrive(play) -> None:
    async def scene(bench: Bench) -> None:
        entry = bench.order(symbol=BTC)
        await bench.venue.submit(entry)
        await asyncio.sleep(1)
        await bench.venue.close()
        bench.broker = WorldBroker(bench.way)
        bench.venue = LiveVenue(
            bench.broker, TERMS, WireCode("a run", tuple(PRICES)), bench.clock, bench.clock.elapsed_s
        )
        await bench.venue.open(tuple(PRICES))
        bench.venue.take_over((), (entry,), (), Told(), cash_baseline_microusd=CASH_MICROUSD, since_ms=0)
        await bench.venue.begin()
        refusal = await bench.enter()
        assert refusal is not None
        assert (refusal.rule, refusal.reason) == (
            "venue: unresolved",
            "what was sent before the restart may still arrive",
        )
        await asyncio.sleep(TERMS.order_life_s + TERMS.audit_every_s + 2 * TERMS.look_every_s)
        assert await bench.enter() is None

    play(scene)


def test_no_entry_follows_an_exit_of_the_same_symbol_that_is_not_over(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(5)
        assert await bench.leave() is None
        bench.world.move(SOL, 148_000)
        await asyncio.sleep(0.5)
        assert bench.world.lots[SOL] == 0
        refusal = await bench.enter()
        assert refusal is not None
        assert refusal.rule == "venue: leftovers"
        await asyncio.sleep(60)
        assert await bench.enter() is None

    play(scene, manners=Manners(slow_ms=2500))


def test_a_lost_venue_takes_no_entry_and_a_venue_that_is_back_wants_reconciling(play) -> None:
    async def scene(bench: Bench) -> None:
        with bench.trouble(*[Fault.DOWN] * 4):
            await asyncio.sleep(TERMS.look_every_s + 1)
        refusal = await bench.enter()
        assert refusal is not None
        assert refusal.rule == "venue: lost"
        with pytest.raises(VenueUnreachable):
            await bench.venue.account()
        await asyncio.sleep(DOWN_S + TERMS.longest_wait_s + 1)
        assert bench.kinds() == ["venue_lost", "venue_back"]
        assert bench.venue.wants_reconciling
        await bench.venue.account()
        assert not bench.venue.wants_reconciling
        assert await bench.enter() is None

    play(scene)


def test_the_account_is_what_the_desk_was_told_while_more_is_to_be_told(play) -> None:
    async def scene(bench: Bench) -> None:
        order = bench.order()
        await bench.venue.submit(order)
        await asyncio.sleep(1)
        account = await bench.venue.account()
        assert account.positions == ()
        assert account.cash_microusd is None
        assert account.open_order_ids == (order.client_order_id,)
        fill = (await bench.hear()).fills[0]
        account = await bench.venue.account()
        assert account.positions == ((SOL, 20),)
        assert account.cash_microusd == CASH_MICROUSD - fill.fee_microusd
        assert account.open_order_ids == ()

    play(scene)


def test_a_position_that_nothing_explains_is_shown_once_it_stays(play) -> None:
    async def scene(bench: Bench) -> None:
        bench.world.lots[BTC] = 5
        with pytest.raises(VenueUnreachable, match="do not explain its positions yet"):
            await bench.venue.account()
        await asyncio.sleep(TERMS.settle_s + TERMS.audit_every_s)
        assert (await bench.venue.account()).positions == ((BTC, 5),)
        refusal = await bench.enter(symbol=BTC)
        assert refusal is not None
        assert refusal.rule == "venue: unresolved"

    play(scene)


def test_an_execution_by_hand_is_a_disagreement(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.trade(SOL, Side.SELL, 5)
        await asyncio.sleep(10)
        for _ in range(2):
            with pytest.raises(BooksDisagree, match="traded 5 lots of SOL-PERP .* not this run's"):
                await bench.hear()

    play(scene)


def test_funding_is_reckoned_where_the_venue_does_not_tell_it(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        settlement = FundingSettlement(rate_quote_per_base_1e9=50_000_000, settled_ms=5, source="feed")
        assert (await bench.hear(funding_settlement=settlement)).funding == ()
        (payment,) = (await bench.hear(funding_settlement=settlement)).funding
        assert (payment.position_lots, payment.amount_microusd) == (20, -10_000)

    play(scene, manners=Manners(tells_funding=False))


def test_a_venue_that_always_has_news_is_looked_at_no_oftener_than_it_may(play) -> None:
    async def scene(bench: Bench) -> None:
        async def changed() -> None:
            await asyncio.sleep(0)

        bench.broker.changed = changed
        bench.world.tell()
        await asyncio.sleep(1)
        bench.way.asked.clear()
        await asyncio.sleep(20)
        assert Counter(bench.way.asked)["executions"] <= 20 / TERMS.rest_s + 20 / TERMS.look_every_s + 1

    play(scene)


def test_a_stream_that_is_broken_for_good_is_tried_ever_more_seldom(play) -> None:
    async def scene(bench: Bench) -> None:
        async def changed() -> None:
            raise VenueUnreachable("no stream here")

        bench.broker.changed = changed
        bench.world.tell()
        await asyncio.sleep(600)
        lost = bench.kinds().count("venue_lost")
        assert 10 < lost <= 600 / TERMS.longest_wait_s + 8

    play(scene)


def test_a_stream_that_fails_in_a_way_nobody_foresaw_is_heard_of_by_the_desk() -> None:
    async def whole() -> None:
        bench = await Bench().open()

        async def changed() -> None:
            raise KeyError("what is this")

        bench.broker.changed = changed
        bench.world.tell()
        await asyncio.sleep(10)
        with pytest.raises(KeyError, match="what is this"):
            await bench.hear()
        await bench.venue.close()

    run(whole())


def test_a_run_that_cannot_begin_says_so_and_goes_on_saying_it() -> None:
    async def whole() -> None:
        bench = Bench()
        await bench.venue.open(tuple(PRICES))
        await bench.venue.start_anew()
        bench.world.trade(SOL, Side.BUY, 3)
        with pytest.raises(BooksDisagree, match="not this run's"):
            await bench.venue.begin()
        with pytest.raises(BooksDisagree, match="not this run's"):
            await bench.hear()
        await bench.venue.close()

    run(whole())


def test_notes_that_nobody_takes_do_not_grow_without_end(play) -> None:
    async def scene(bench: Bench) -> None:
        for number in range(MOST_NOTES + 10):
            bench.venue._account.notes.append(("execution", str(number)))
        notes = bench.venue.take_notes()
        assert len(notes) == MOST_NOTES
        assert notes[-1] == ("execution", str(MOST_NOTES + 9))
        assert bench.venue.take_notes() == []

    play(scene)


def test_an_order_does_not_wait_for_a_look(play) -> None:
    """Told by the order of the messages: at a slow venue an order is the next to go out, whatever a look is doing."""

    async def scene(bench: Bench) -> None:
        await bench.enter(symbol=BTC)
        bench.way.latency_s = 1.0
        await asyncio.sleep(TERMS.look_every_s + 0.5)
        before = len(bench.way.asked)
        assert await bench.enter() is None
        assert bench.way.asked[before] == "place"

    play(scene, replace(TERMS, audit_every_s=1.0))


@pytest.mark.parametrize("manners", [Manners(), Manners(answers_late=True), Manners(slow_ms=4_000)])
def test_a_desk_that_ends_right_after_an_entry_leaves_no_position_without_its_stop(manners: Manners) -> None:
    async def whole() -> None:
        bench = await Bench(replace(TERMS, closing_s=5.0), manners=manners).open()
        assert await bench.enter() is None
        await bench.venue.close()
        assert bench.world.lots[SOL] == 20
        assert bench.resting()["stop"].size_lots == 20

    run(whole())


def test_a_desk_that_ends_waits_no_longer_for_a_silent_venue_than_for_an_execution() -> None:
    async def whole() -> None:
        bench = await Bench().open()
        assert await bench.enter() is None
        bench.way.down_until_ms = bench.clock.now_ms() + 10**9
        began_s = bench.clock.elapsed_s()
        await bench.venue.close()
        assert TERMS.settle_s <= bench.clock.elapsed_s() - began_s < TERMS.settle_s + 5

    run(whole())


def test_what_is_held_gets_its_stop_though_somebody_else_traded_too(play) -> None:
    async def scene(bench: Bench) -> None:
        bench.world.trade(BTC, Side.BUY, 3)
        assert await bench.enter() is None
        await asyncio.sleep(5)
        assert bench.resting()["stop"].size_lots == 20
        with pytest.raises(BooksDisagree, match="not this run's"):
            await bench.hear()

    play(scene)


def test_no_stop_is_placed_for_a_position_that_somebody_else_has_closed(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(5)
        bench.world.lots[SOL] = 0
        for one in bench.world.resting(SOL):
            bench.world.cancel(one.wire_id)
        bench.world.trade(BTC, Side.BUY, 3)
        await asyncio.sleep(20)
        assert bench.world.resting(SOL) == []
        with pytest.raises(BooksDisagree):
            await bench.hear()

    play(scene)
