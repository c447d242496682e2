"""What a look does: orders are followed to their end, positions stay protected, what is strange is found."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.account import Levels
from domain.decisions import ExitReason, Side
from domain.errors import BooksDisagree
from execution.live.broker import OrderKind, Resting, Standing
from execution.live.looking import worst_ticks
from tests.doubles.venue.broker import Fault
from tests.doubles.venue.desk import TERMS
from tests.doubles.venue.world import Manners
from tests.unit.execution.live.conftest import SOL, Bench

ENTRY_TICKS = 150_000
STOP_TICKS, PARTIAL_TICKS, TARGET_TICKS = 148_500, 151_500, 153_000


@given(st.sampled_from(Side), st.integers(1, 10**7), st.floats(0.0, 5_000.0))
def test_the_worst_price_is_never_further_than_it_may_be_and_never_below_a_tick(
    side: Side, ticks: int, bps: float
) -> None:
    worst = worst_ticks(side, ticks, bps)
    assert 0 <= int(side) * (worst - ticks) <= ticks * bps / 1e4
    assert worst >= 1


def test_a_position_is_protected_by_a_stop_a_target_and_its_partial_exit(play) -> None:
    async def scene(bench: Bench) -> None:
        assert await bench.enter() is None
        await asyncio.sleep(1)
        rest = {purpose: (one.price_ticks, one.size_lots, one.reduce_only) for purpose, one in bench.resting().items()}
        assert rest == {
            "stop": (STOP_TICKS, 20, True),
            "target": (TARGET_TICKS, 20, True),
            "partial": (PARTIAL_TICKS, 8, True),
        }

    play(scene)


def test_what_is_left_after_a_partial_exit_is_what_is_protected(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.move(SOL, PARTIAL_TICKS)
        await asyncio.sleep(1)
        assert {purpose: one.size_lots for purpose, one in bench.resting().items()} == {"stop": 12, "target": 12}
        assert [(fill.exit_reason, fill.size_lots) for fill in (await bench.hear()).fills] == [
            (None, 20),
            (ExitReason.PARTIAL, 8),
        ]

    play(scene)


def test_when_the_stop_has_closed_a_position_nothing_of_it_is_left(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.move(SOL, STOP_TICKS - 50)
        await asyncio.sleep(1)
        assert bench.resting() == {}
        stopped = (await bench.hear()).fills[-1]
        assert (stopped.exit_reason, stopped.size_lots) == (ExitReason.STOP, 20)
        assert stopped.slippage_microusd == 50 * 20 * 10

    play(scene)


def test_a_stop_that_was_only_partly_filled_is_followed_until_the_position_is_closed(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.move(SOL, STOP_TICKS - 50)
        await asyncio.sleep(60)
        assert bench.world.lots[SOL] == 0
        assert sum(fill.size_lots for fill in (await bench.hear()).fills if fill.exit_reason is ExitReason.STOP) == 20

    play(scene, depths=(((0, 20),), ((0, 7),)))


def test_a_price_beyond_the_stop_when_it_is_placed_closes_the_position_at_once(play) -> None:
    async def scene(bench: Bench) -> None:
        sending = asyncio.ensure_future(bench.enter())
        await asyncio.sleep(bench.way.latency_s * 1.5)
        bench.world.move(SOL, STOP_TICKS - 100)
        await sending
        await asyncio.sleep(1)
        assert bench.world.lots[SOL] == 0
        assert {"protection_refused", "stop_by_market"} <= set(bench.kinds())
        assert bench.resting() == {}

    play(scene)


def test_a_price_far_beyond_the_stop_is_followed_further_each_time(play) -> None:
    async def scene(bench: Bench) -> None:
        sending = asyncio.ensure_future(bench.enter())
        await asyncio.sleep(bench.way.latency_s * 1.5)
        bench.world.move(SOL, STOP_TICKS * 9 // 10)
        await sending
        await asyncio.sleep(1)
        assert bench.world.lots[SOL] == 20
        await asyncio.sleep(60)
        assert bench.world.lots[SOL] == 0
        asked = [one.price_ticks for one in bench.placed(OrderKind.IOC) if one.reduce_only]
        assert asked[0] == worst_ticks(Side.SELL, STOP_TICKS, 150.0)
        assert asked == sorted(asked, reverse=True)
        assert len(set(asked)) == len(asked)

    play(scene)


def test_a_target_that_is_reached_when_it_is_placed_is_taken_at_its_price_or_better(play) -> None:
    async def scene(bench: Bench) -> None:
        sending = asyncio.ensure_future(bench.enter())
        await asyncio.sleep(bench.way.latency_s * 1.5)
        bench.world.move(SOL, TARGET_TICKS + 500)
        await sending
        await asyncio.sleep(1)
        assert bench.world.lots[SOL] == 0
        assert "target_by_market" in bench.kinds()
        assert all(one.price_ticks >= PARTIAL_TICKS for one in bench.placed(OrderKind.IOC) if one.reduce_only)

    play(scene)


def test_protection_that_is_refused_again_and_again_is_tried_ever_more_seldom(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        await bench.venue.protect(SOL, Levels(stop_ticks=STOP_TICKS, target_ticks=ENTRY_TICKS - 10))
        bench.world.prices[SOL] = ENTRY_TICKS - 5
        bench.world._depths = iter([()] * 100)
        before = len(bench.world.placed)
        await asyncio.sleep(120)
        assert len(bench.world.placed) - before <= 2 * 120 / TERMS.longest_wait_s + 6

    play(scene)


def test_a_stop_moves_by_placing_the_new_before_the_old_is_taken_away(play) -> None:
    """The exchange itself watches that no stop is taken away from a position that has no other."""

    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        await bench.venue.protect(SOL, Levels(stop_ticks=149_500, target_ticks=TARGET_TICKS, stop_is_trailing=True))
        await asyncio.sleep(1)
        assert {purpose: one.price_ticks for purpose, one in bench.resting().items()} == {
            "trailing": 149_500,
            "target": TARGET_TICKS,
        }

    play(scene)


@pytest.mark.parametrize("fault", [Fault.UNANSWERED, Fault.LATE, Fault.LOST])
def test_a_stop_of_unknown_fate_is_looked_up_and_never_doubled(play, fault: Fault) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        bench.way.faults = {bench.way.n_messages + number: fault for number in range(3, 6)}
        await asyncio.sleep(3)
        assert len(bench.placed(OrderKind.STOP)) <= 1
        await asyncio.sleep(60)
        assert len(bench.placed(OrderKind.STOP)) == 1
        assert {purpose: one.size_lots for purpose, one in bench.resting().items()} == {
            "stop": 20,
            "target": 20,
            "partial": 8,
        }

    play(scene)


def test_protection_that_ends_unseen_is_put_back(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.cancel(bench.resting()["target"].wire_id)
        await asyncio.sleep(TERMS.audit_every_s + 10)
        assert bench.resting()["target"].price_ticks == TARGET_TICKS
        assert "protection_gone" in bench.kinds()

    play(scene)


def test_an_order_by_hand_is_a_disagreement_and_stays_one(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        bench.world.by_hand.append(Resting(wire_id=None, symbol="ETH-PERP", side=Side.BUY, size_lots=1))
        await asyncio.sleep(TERMS.audit_every_s + 10)
        bench.world.by_hand.clear()
        for _ in range(2):
            with pytest.raises(BooksDisagree, match="an order rests in ETH-PERP that is not this run's: by hand"):
                await bench.hear()
            with pytest.raises(BooksDisagree):
                await bench.venue.account()
            with pytest.raises(BooksDisagree):
                await bench.enter()

    play(scene)


def test_a_position_whose_executions_come_later_is_waited_for(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(9)
        assert dict((await bench.venue.account()).positions) == {}
        await asyncio.sleep(30)
        assert [fill.size_lots for fill in (await bench.hear()).fills] == [20]
        assert (await bench.venue.account()).positions == ((SOL, 20),)

    play(scene, lags_ms=(9_500,))


def test_no_entry_ends_while_its_executions_are_missing_and_one_that_never_comes_is_a_disagreement(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(TERMS.settle_s - 10)
        assert (await bench.hear()).fills == ()
        await asyncio.sleep(20)
        with pytest.raises(BooksDisagree, match="the venue says 20 lots were filled, its executions say 0"):
            await bench.hear()

    play(scene, lags_ms=(10**7,))


def test_funding_is_heard_of_with_the_count_and_told_once(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        bench.world.pay(SOL, -77)
        await asyncio.sleep(TERMS.audit_every_s + 10)
        assert [one.amount_microusd for one in (await bench.hear()).funding] == [-77]
        await asyncio.sleep(TERMS.audit_every_s * 3)
        assert (await bench.hear()).funding == ()

    play(scene)


def test_what_is_asked_for_stays_bounded_over_weeks(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        asked = []
        whole = bench.broker.executions

        async def executions(since_ms: int):
            asked.append(bench.clock.now_ms() - since_ms)
            return await whole(since_ms)

        bench.broker.executions = executions
        for _ in range(4):
            for _ in range(20):
                await asyncio.sleep(86_400 / 20)
                bench.world.pay(SOL, 1)
            bench.way.asked.clear()
        assert max(asked[-100:]) <= 86_400_000 + 2 * 600_000
        assert len(bench.venue._account._seen_funding) < 60
        assert bench.venue._account._seen == {}

    play(scene, replace(TERMS, look_every_s=600.0))


def test_with_manners_of_any_venue_a_position_is_closed_once_by_the_stop(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter(Side.SELL)
        await asyncio.sleep(30)
        bench.world.move(SOL, 151_600)
        await asyncio.sleep(30)
        fills = (await bench.hear()).fills
        assert sum(int(fill.side) * fill.size_lots for fill in fills) == 0
        assert bench.resting() == {}

    for manners in (Manners(tidies=True), Manners(tells_filled=False), Manners(answers_late=True, slow_ms=700)):
        play(scene, manners=manners)


def test_an_order_that_does_not_say_how_much_was_filled_ends_when_its_executions_had_time(play) -> None:
    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        assert (await bench.hear()).fills == ()
        await asyncio.sleep(20)
        assert [fill.size_lots for fill in (await bench.hear()).fills] == [4, 3]
        assert "partly_filled" in bench.kinds()

    play(scene, manners=Manners(tells_filled=False), depths=(((0, 4), (5, 3)),), lags_ms=(0, 3_000))


def test_a_clock_that_is_set_back_hides_no_execution(play) -> None:
    async def scene(bench: Bench) -> None:
        right = bench.clock.now_ms
        bench.clock.now_ms = lambda: right() + 3 * 86_400_000  # type: ignore[method-assign]  # the clock is wrong
        await asyncio.sleep(30)
        bench.clock.now_ms = right  # type: ignore[method-assign]  # and is set right
        assert await bench.enter() is None
        await asyncio.sleep(10)
        assert bench.resting()["stop"].size_lots == 20
        bench.world.pay(SOL, -777)
        await asyncio.sleep(40)
        told = await bench.hear()
        assert [fill.size_lots for fill in told.fills] == [20]
        assert [one.amount_microusd for one in told.funding] == [-777]

    play(scene)


def test_a_stop_that_fills_between_two_questions_is_told_as_filled_not_as_gone(play) -> None:
    """Where only executions say what was filled, they are asked again before protection is called lost."""

    async def scene(bench: Bench) -> None:
        await bench.enter()
        await asyncio.sleep(1)
        standing = bench.broker.standing

        async def after_a_fall() -> Standing:
            bench.world.move(SOL, STOP_TICKS)
            return await standing()

        bench.broker.standing = after_a_fall  # type: ignore[method-assign]
        await bench.venue.account()
        bench.broker.standing = standing  # type: ignore[method-assign]
        assert "protection_gone" not in bench.kinds()
        assert [fill.exit_reason for fill in (await bench.hear()).fills] == [None, ExitReason.STOP]

    play(scene, manners=Manners(tells_filled=False))
