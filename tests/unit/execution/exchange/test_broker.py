"""What the broker does by itself, whichever exchange it speaks to."""

import asyncio

import pytest

from domain.decisions import Side
from domain.errors import BadInput, VenueUnreachable
from execution.exchange.broker import CcxtBroker
from execution.exchange.terms import CcxtTerms
from execution.live.broker import OrderKind, Stage
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.trading.faults import Fault, Kind
from tests.doubles.trading.world import CcxtWorld

IDS = [f"{number:032x}" for number in range(40)]
EXCHANGES = ("bybit", "hyperliquid")
CREATED = {"bybit": "/v5/order/create", "hyperliquid": "/exchange"}
SHORT_MS = 1_000


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_answer_that_never_comes_is_given_up_and_the_order_is_found(play, tmp_path, exchange):
    async def story(world, account):
        world.strike(Kind.PLACE, Fault.SILENCE)
        with pytest.raises(VenueUnreachable, match="RequestTimeout"):
            await world.broker.place(world.order(IDS[1], Side.BUY, 10, OrderKind.IOC, 151))
        assert (await world.broker.state_of(IDS[1], world.symbol)).stage is Stage.OVER
        assert world.n_orders(IDS[1]) == 1

    play(CcxtWorld(tmp_path, exchange, answer_ms=SHORT_MS), story)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_while_an_order_is_on_its_way_nobody_says_that_it_is_absent(play, tmp_path, exchange):
    async def story(world, account):
        def is_sent():
            return CREATED[exchange] in world.server.door.n_asked

        world.strike(Kind.PLACE, Fault.LATE)
        world.late_by(10**9)
        world.server.door.hold.shut()
        placing = asyncio.create_task(world.broker.place(world.order(IDS[1], Side.BUY, 10, OrderKind.IOC, 151)))
        for _ in range(20):
            await asyncio.sleep(0)
            await world.pass_time(10_000)
            with pytest.raises(VenueUnreachable, match="may still arrive"):
                await world.broker.state_of(IDS[1], world.symbol)
        assert is_sent()
        world.server.door.hold.open()
        with pytest.raises(VenueUnreachable):
            await placing
        await world.pass_time(10_000)
        assert (await world.broker.state_of(IDS[1], world.symbol)).stage is Stage.ABSENT

    play(CcxtWorld(tmp_path, exchange), story)


def test_an_exchange_nobody_knows_is_no_terms():
    with pytest.raises(ValueError, match="known are bybit, hyperliquid"):
        CcxtTerms(exchange="mtgox")


def test_without_a_key_file_nothing_is_built_or_sent(tmp_path):
    broker = CcxtBroker(CcxtTerms(key_file=str(tmp_path / "none.json")), SimulatedTime(0))

    async def go() -> None:
        with pytest.raises(BadInput, match="CCXT_KEY_FILE"):
            await broker.open(["SOL-PERP"])
        with pytest.raises(VenueUnreachable, match="not open"):
            await broker.standing()
        await broker.close()

    asyncio.run(go())


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_it_can_be_opened_after_it_could_not(play, tmp_path, exchange):
    async def story(world, account):
        assert (await world.broker.standing()).positions == ()

    def prepare(world, account):
        world.strike(Kind.ASK, Fault.MAINTENANCE)

    world = CcxtWorld(tmp_path, exchange)
    with pytest.raises(VenueUnreachable, match="HTTP 503"):
        play(world, story, prepare)
    play(CcxtWorld(tmp_path, exchange), story)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_it_closes_whatever_state_it_is_in(play, tmp_path, exchange):
    async def story(world, account):
        await world.cut_stream()
        world.server.door.is_shut = True
        await asyncio.sleep(0.02)
        for _ in range(2):
            await world.broker.close()

    play(CcxtWorld(tmp_path, exchange), story)
