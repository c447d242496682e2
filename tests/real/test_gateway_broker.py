"""The desk's side of the order gateway against the real process, over the test chain."""

import asyncio
import contextlib
import signal

import pytest

from domain.decisions import Side
from domain.errors import BadInput, BooksDisagree, VenueUnreachable
from execution.gateway_client.broker import GatewayBroker
from execution.live.broker import OrderKind, Stage
from tests.conftest import NO_GATEWAY
from tests.doubles.gateway.playing import (
    BLOCKS_TO_FINAL,
    CLOCK,
    ORACLE_RAW,
    PRICE_TICKS,
    Numbers,
    bought,
    order,
    play,
    until_over,
    until_resting,
    wire,
)
from tests.doubles.gateway.world import INSTALLED, SOL, Chain, GatewayWorld


@pytest.fixture(scope="module")
def _installed():
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)


@pytest.fixture(scope="module")
def chain(_installed):
    """Return the test chain, one for all."""
    one = Chain()
    yield one
    one.close()


@pytest.fixture
def open_world(tmp_path, chain):
    """Return a function that opens a world of its own on the chain; what it opened is closed again."""
    opened = []

    def begin(mode="live", **options):
        chain("reset")
        opened.append(GatewayWorld(tmp_path / f"w{len(opened)}", mode, chain=chain, **options))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory, chain):
    """Return the gateway that most tests share."""
    one = GatewayWorld(tmp_path_factory.mktemp("world"), "live", chain=chain)
    yield one
    one.close()


@pytest.fixture
def world(lasting, chain):
    """Return the shared gateway, running, with all its orders over, and the chain emptied."""
    chain("reset")
    if not lasting.is_running():
        lasting.start()
    lasting.settle()
    chain("reset")
    Numbers.turn()
    return lasting


def test_an_order_lands_and_its_execution_is_told_when_it_is_a_fact(world):
    async def scene(broker):
        first = await broker.place(order(1))
        assert (first.stage, await broker.executions(0)) == (Stage.WORKING, [])
        over = await until_over(broker, world, 1)
        assert over.stage is Stage.OVER
        (execution,) = await broker.executions(0)
        assert (execution.wire_id, execution.symbol, execution.side) == (wire(1), "SOL-PERP", Side.BUY)
        assert (execution.size_lots, execution.quote_microusd) == (100, 150_000_000)
        assert execution.fee_microusd == 150_000
        standing = await broker.standing()
        assert (standing.positions, standing.resting) == ((("SOL-PERP", 100),), ())
        assert abs(execution.executed_ms - CLOCK.now_ms()) < 60_000

    play(world, scene)


@pytest.mark.parametrize(
    ("kind", "side", "trigger_ticks", "passed_raw"),
    [
        (OrderKind.STOP, Side.SELL, 140_000, 139_000_000),
        (OrderKind.STOP, Side.BUY, 160_000, 161_000_000),
        (OrderKind.TARGET, Side.SELL, 160_000, 161_000_000),
        (OrderKind.TARGET, Side.BUY, 140_000, 139_000_000),
    ],
)
def test_a_stop_and_a_target_rest_until_the_price_passes_them_and_reduce_only_what_is_held(
    world, kind, side, trigger_ticks, passed_raw
):
    async def scene(broker):
        await bought(broker, world, 1, side=side.opposite)
        await broker.place(order(2, kind, side, size_lots=150, price_ticks=trigger_ticks))
        await until_resting(broker, world, 2)
        (resting,) = (await broker.standing()).resting
        assert (resting.symbol, resting.side, resting.size_lots) == ("SOL-PERP", side, 150)
        assert (await broker.state_of(wire(2), "SOL-PERP")).stage is Stage.WORKING
        world.chain("price", market_index=SOL, price_raw=passed_raw)
        world.chain("advance")
        assert world.resting() == []
        assert (await broker.state_of(wire(2), "SOL-PERP")).stage is Stage.WORKING, "a fork may still take it back"
        assert (await until_over(broker, world, 2)).stage is Stage.OVER
        last = (await broker.executions(0))[-1]
        assert (last.wire_id, last.side, last.size_lots, last.quote_microusd) == (wire(2), side, 100, passed_raw)
        assert (await broker.standing()).positions == ()

    play(world, scene)


@pytest.mark.parametrize(("filled", "price", "lots"), [(0.5, "limit", 50), (0.007, "limit", 0), (1.0, "oracle", 0)])
def test_what_an_immediate_order_does_not_find_is_dropped(world, filled, price, lots):
    world.chain("ioc", filled=filled, price=price)

    async def scene(broker):
        await bought(broker, world, 1, price_ticks=PRICE_TICKS - 1)
        assert sum(one.size_lots for one in await broker.executions(0)) == lots
        assert world.resting() == []

    play(world, scene)


def test_each_no_of_the_gateway_is_the_end_of_its_order_with_the_reason(open_world):
    world = open_world(orders_per_minute=3)
    world.start()

    async def why(broker, **changes):
        state = await broker.place(order(len(reasons), **changes))
        assert (state.stage, state.filled_lots) == (Stage.OVER, 0)
        reasons.append(state.why)
        return state.why

    reasons = []

    async def scene(broker):
        await why(broker, price_ticks=PRICE_TICKS * 2)
        assert "too far from the oracle's" in reasons[-1]
        assert "above the policy's cap" in await why(broker, size_lots=10_000)
        assert "after the instant" in await why(broker, valid_until_ms=1)
        world.chain("answers", code=6003)
        assert "too little collateral" in await why(broker)
        world.chain("once", faults=[["getMultipleAccounts", "garbage"]])
        assert "venue_unreachable" in await why(broker)
        assert [kind for kind, _ in broker.take_notes()] == ["broker_lost"]
        await broker.standing()
        assert [kind for kind, _ in broker.take_notes()] == ["broker_back"]
        for number, reason in enumerate(reasons):
            if "venue_unreachable" not in reason and "too late" not in reason:
                assert (await broker.state_of(wire(number), "SOL-PERP")).stage is Stage.OVER

    play(world, scene)
    assert world.executed() == []


def test_an_answer_lost_with_its_gateway_is_found_again(world):
    world.kill()
    world.start("before_answer", 7)

    async def scene(broker):
        placed = 0
        with contextlib.suppress(VenueUnreachable):
            while placed < 9:
                placed += 1
                await broker.place(order(placed))
        assert 0 < placed < 9
        world.kill()
        world.start()
        assert (await until_over(broker, world, placed)).stage is Stage.OVER
        told = [one.wire_id for one in await broker.executions(0)]
        assert told == [wire(one) for one in range(1, placed + 1)]
        assert [kind for kind, _ in broker.take_notes()] == ["broker_lost", "broker_back"]

    play(world, scene)


def test_an_order_the_gateway_does_not_know_is_absent_and_never_comes_later(world):
    async def scene(broker):
        for _ in range(2):
            absent = await broker.state_of(wire(1), "SOL-PERP")
            assert (absent.stage, absent.filled_lots) == (Stage.ABSENT, 0)
        late = await broker.place(order(1))
        assert late.stage is Stage.OVER
        assert "gave the id up" in late.why
        await bought(broker, world, 2)

    play(world, scene)
    world.kill()
    world.start()
    again = play(world, lambda broker: broker.place(order(1)))
    assert again.stage is Stage.OVER
    assert [id for id, _, _ in world.executed()] == [wire(2)]


def test_an_order_given_up_on_in_a_frozen_gateway_is_done_or_absent_and_never_both(world):
    async def scene(broker):
        outcomes = {}
        for number in range(1, 7):
            await broker.place(order(100 + number, size_lots=1))
            world.process.send_signal(signal.SIGSTOP)
            placing = asyncio.create_task(broker.place(order(number)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(placing, 0.05)
            world.process.send_signal(signal.SIGCONT)
            outcomes[wire(number)] = (await until_over(broker, world, number)).stage
        world.settle()
        return outcomes

    outcomes = play(world, scene)
    done = {id for id, _, _ in world.executed()}
    assert {id for id, stage in outcomes.items() if stage is Stage.OVER} == done & outcomes.keys()


def test_an_id_used_for_other_terms_stops_the_desk(world):
    async def scene(broker):
        await broker.place(order(1))
        with pytest.raises(BooksDisagree, match="another order"):
            await broker.place(order(1, size_lots=7))

    play(world, scene)


@pytest.mark.parametrize("again", [True, False])
def test_what_a_fork_takes_back_was_never_told(world, again):
    world.chain("moves", methods=[])

    async def scene(broker):
        await broker.place(order(1))
        world.chain("advance")
        assert (world.positions(), await broker.executions(0)) == ({"SOL-PERP": 10**9}, [])
        assert (await broker.standing()).positions == ()
        world.chain("fork", again=again)
        assert world.positions() == {}
        assert (await broker.state_of(wire(1), "SOL-PERP")).stage is Stage.WORKING
        world.chain("beat", every_s=0.01)
        await until_over(broker, world, 1)
        assert [one.wire_id for one in await broker.executions(0)] == [wire(1)]
        assert (await broker.standing()).positions == (("SOL-PERP", 100),)

    play(world, scene)


def test_a_resting_order_is_cancelled_and_what_is_over_or_unknown_needs_none(world):
    async def scene(broker):
        await bought(broker, world, 1)
        await broker.place(order(2, OrderKind.STOP, Side.SELL, price_ticks=140_000))
        await until_resting(broker, world, 2)
        await broker.cancel(wire(2), "SOL-PERP")
        assert (await until_over(broker, world, 2)).stage is Stage.OVER
        for number in (1, 2, 3):
            await broker.cancel(wire(number), "SOL-PERP")
        assert len([id for id in world.states() if id.startswith(wire(2) + ".c")]) == 1, "each one costs a fee"
        assert [one.wire_id for one in await broker.executions(0)] == [wire(1)]

    play(world, scene)


def test_a_cancellation_that_was_refused_while_the_order_rests_is_told(world):
    async def scene(broker):
        await bought(broker, world, 1)
        await broker.place(order(2, OrderKind.STOP, Side.SELL, price_ticks=140_000))
        await until_resting(broker, world, 2)
        world.chain("answers", code=6010)
        with pytest.raises(VenueUnreachable, match="could not be cancelled"):
            await broker.cancel(wire(2), "SOL-PERP")
        await broker.cancel(wire(1), "SOL-PERP")
        assert len([id for id in world.states() if id.startswith(wire(2) + ".c")]) == 1

    play(world, scene)


def test_executions_are_read_page_by_page_each_once_whoever_s_they_are(world):
    for _ in range(60):
        world.chain("outside", market_index=SOL, direction=1, base=10_000_000, price_raw=ORACLE_RAW)

    async def scene(broker):
        await bought(broker, world, 1)
        world.chain("outside", market_index=SOL, direction=1, base=10**9, price_raw=ORACLE_RAW, liquidation=True)
        world.chain("advance", blocks=BLOCKS_TO_FINAL)
        executions = await broker.executions(0)
        assert len({one.execution_id for one in executions}) == len(executions) == 62
        assert [one.wire_id for one in executions] == [None] * 60 + [wire(1), None]
        assert [one.is_liquidation for one in executions] == [False] * 61 + [True]
        world.chain("calls", clear=True)
        assert await broker.executions(1) == executions
        assert world.chain("calls").count("getTransaction") == 0, "what is known is not read again"
        return executions

    async def afresh(broker):
        return await broker.executions(0), await broker.executions(CLOCK.now_ms() + 10**9)

    executions = play(world, scene)
    assert play(world, afresh) == (executions, executions)


def test_executions_that_cannot_be_had_any_more_stop_the_desk(world):
    async def scene(broker):
        await bought(broker, world, 1)
        await broker.executions(0)
        world.chain("advance", blocks=3 * BLOCKS_TO_FINAL)
        world.chain("first_available", slot=None)
        with pytest.raises(BooksDisagree, match="history begins"):
            await broker.executions(0)

    async def from_long_ago(broker):
        with pytest.raises(BooksDisagree, match="history begins"):
            await broker.executions(0)

    play(world, scene)
    play(world, from_long_ago)


def test_a_log_cut_short_and_a_size_between_two_lots_stop_the_desk(world):
    async def cut(broker):
        await bought(broker, world, 1)
        world.chain("cut_logs")
        with pytest.raises(BooksDisagree, match="cut a transaction's log"):
            await broker.executions(0)

    async def odd(broker):
        world.chain("outside", market_index=SOL, direction=0, base=1, price_raw=ORACLE_RAW * 10**9)
        world.chain("advance", blocks=2 * BLOCKS_TO_FINAL)
        with pytest.raises(BooksDisagree, match="no whole number of lots"):
            await broker.standing()

    play(world, cut)
    play(world, odd)


def test_what_the_account_holds_elsewhere_is_told_too(world):
    world.chain("outside", market_index=1, direction=1, base=3, price_raw=ORACLE_RAW * 10**9)
    world.chain("advance", blocks=BLOCKS_TO_FINAL)

    async def scene(broker):
        assert (await broker.standing()).positions == (("BTC-PERP", -3),)
        (execution,) = await broker.executions(0)
        assert (execution.symbol, execution.size_lots) == ("BTC-PERP", 3)

    play(world, scene)


def test_the_desk_hears_when_something_changed(world):
    async def scene(broker):
        async with asyncio.timeout(20):
            await broker.changed()
            waiting = asyncio.create_task(broker.changed())
            await broker.place(order(1))
            await waiting

    play(world, scene)


def test_a_gateway_of_another_mode_policy_or_grid_is_refused_in_one_sentence(open_world):
    world = open_world(symbols={"SOL-PERP": [0, 10**10], "ETH-PERP": [1, 10**10]})
    world.start()
    for options, word in [
        ({"mode": "dry_run"}, "runs in live, the desk in dry_run"),
        ({"symbols": ("SOL-PERP", "DOGE-PERP")}, "does not list DOGE-PERP"),
        ({"symbols": ("ETH-PERP",)}, "trades in steps of 100000"),
    ]:
        with pytest.raises(BadInput, match=word):
            play(world, lambda _: None, **options)


def test_a_gateway_that_is_not_there_or_may_not_be_trusted_is_told_in_one_sentence(world):
    async def opened(path):
        await GatewayBroker(path, "live", CLOCK.now_ms).open(["SOL-PERP"])

    with pytest.raises(VenueUnreachable, match="no order gateway listens"):
        asyncio.run(opened(world.folder / "other.sock"))
    (world.folder / "link.sock").symlink_to(world.socket_path)
    with pytest.raises(BadInput, match="it is a link"):
        asyncio.run(opened(world.folder / "link.sock"))


def test_a_dry_run_ends_every_order_in_its_simulation(open_world):
    world = open_world("dry_run")
    world.start()

    async def scene(broker):
        state = await broker.place(order(1))
        assert (state.stage, state.filled_lots) == (Stage.OVER, 0)
        assert "simulated, not sent" in state.why
        assert broker.greeting.mode == "dry_run"
        assert len(broker.greeting.policy) == 64

    play(world, scene)
    assert "sendTransaction" not in world.chain("calls")


def test_an_order_that_was_refused_without_a_trace_stays_refused_though_its_line_arrives_once_more(world):
    async def scene(broker):
        world.chain("once", faults=[["getMultipleAccounts", "garbage"]])
        first = await broker.place(order(1))
        again = await broker.place(order(1))
        return first, again

    first, again = play(world, scene)
    assert (first.stage, first.filled_lots) == (Stage.OVER, 0)
    assert first.why.startswith("venue_unreachable")
    assert (again.stage, again.filled_lots) == (Stage.OVER, 0)
    assert wire(1) not in {id for id, _, _ in world.executed()}
