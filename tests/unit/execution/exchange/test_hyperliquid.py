"""Hyperliquid's own manners: prices it takes, keys it is given, fills that do not say whose they are."""

import logging
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Side
from domain.errors import BadInput, BooksDisagree, VenueUnreachable
from execution.exchange.facts import EXCHANGES
from execution.exchange.figures import Market
from execution.exchange.hyperliquid_words import order_of
from execution.live.broker import BrokerOrder, OrderKind, Stage
from tests.doubles.trading.faults import Fault, Kind
from tests.doubles.trading.hyperliquid import FILLS_A_PAGE
from tests.doubles.trading.signatures import hashed
from tests.doubles.trading.world import AGENT, PRIVATE_KEY, WALLET, CcxtWorld

LIFE_MS = EXCHANGES["hyperliquid"].life_ms
IDS = [f"{number:032x}" for number in range(40)]


@pytest.fixture
def world(tmp_path):
    return CcxtWorld(tmp_path, "hyperliquid")


async def nothing(world, account):
    """Be open, and that is all."""


def market(size_decimals: int) -> Market:
    return Market(
        market_id="SOL",
        symbol="SOL-PERP",
        tick_size_price=Decimal(1).scaleb(size_decimals - 6),
        lot_size_base=Decimal(1).scaleb(-size_decimals),
    )


def is_taken(price: Decimal, size_decimals: int) -> bool:
    digits = len(price.normalize().as_tuple().digits)
    decimals = max(0, -int(price.normalize().as_tuple().exponent))
    return decimals <= 6 - size_decimals and (digits <= 5 or decimals == 0)


@given(
    size_decimals=st.integers(0, 5),
    price_ticks=st.integers(1_000, 10**10),
    kind=st.sampled_from(OrderKind),
    side=st.sampled_from(Side),
)
def test_every_price_that_is_sent_is_one_the_exchange_takes_and_lies_on_the_safe_side(
    size_decimals, price_ticks, kind, side
):
    on = market(size_decimals)
    order = BrokerOrder(
        wire_id=IDS[1],
        symbol="SOL-PERP",
        kind=kind,
        side=side,
        size_lots=7,
        reduce_only=kind is not OrderKind.IOC,
        price_ticks=price_ticks,
        valid_until_ms=0,
    )
    told, wanted = order_of(order, on, 0), price_ticks * on.tick_size_price
    assert is_taken(Decimal(told["p"]), size_decimals)
    if kind is OrderKind.IOC:
        assert (wanted - Decimal(told["p"])) * side >= 0
        sent = Decimal(told["p"])
    else:
        sent = Decimal(told["t"]["trigger"]["triggerPx"])
        assert is_taken(sent, size_decimals)
        rises = (side is Side.BUY) == (kind is OrderKind.STOP)
        assert sent <= wanted if rises else sent >= wanted
        assert (Decimal(told["p"]) - sent) * side > 0
    assert abs(sent - wanted) / wanted < Decimal("0.001")


def test_the_hash_that_signatures_are_checked_by_is_the_known_one():
    assert hashed(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


REFUSED = {
    "nobody's agent": ({"role": {"role": "missing"}}, "no API wallet of"),
    "somebody else's agent": ({"role": {"role": "agent", "data": {"user": "0x" + "99" * 20}}}, "no API wallet of"),
    "unified account": ({"mode": "unifiedAccount"}, "unifiedAccount"),
    "portfolio margin": ({"mode": "portfolioMargin"}, "portfolioMargin"),
    "isolated margin": ({"margin": "isolated"}, "SOL-PERP: SOL has isolated margin"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_an_account_that_is_not_fit_is_refused_with_what_to_mend(play, world, name):
    settings, words = REFUSED[name]

    def prepare(world, account):
        for attribute, value in settings.items():
            setattr(account, attribute, value)

    with pytest.raises(BadInput, match=words):
        play(world, nothing, prepare)


def test_the_wallets_own_key_is_refused_because_it_may_withdraw(play, world):
    text = world.key_file.read_text().replace(WALLET, AGENT)
    world.key_file.write_text(text)
    with pytest.raises(BadInput, match="may withdraw"):
        play(world, nothing)


@pytest.mark.parametrize("digits", ["00", "ff"])
def test_a_number_that_is_no_private_key_is_refused(play, world, digits):
    world.key_file.write_text(world.key_file.read_text().replace(PRIVATE_KEY, "0x" + digits * 32))
    with pytest.raises(BadInput, match="no key of any wallet"):
        play(world, nothing)


def test_a_market_that_is_not_there_is_refused_by_name(play, world):
    world.symbol = "DOGE-PERP"
    with pytest.raises(BadInput, match="DOGE-PERP: Hyperliquid has no perpetual DOGE"):
        play(world, nothing)


def test_a_key_of_the_other_network_signs_for_nobody(play, world):
    async def story(world, account):
        account.is_testnet = False
        state = await world.broker.place(world.order(IDS[1], Side.BUY, 10, OrderKind.IOC, 151))
        assert state.stage is Stage.OVER
        assert "does not exist" in state.why

    play(world, story)


def test_the_answer_says_how_much_was_filled(play, world):
    async def story(world, account):
        world.fill_next(0.3)
        state = await world.broker.place(world.order(IDS[1], Side.BUY, 10, OrderKind.IOC, 151))
        assert (state.stage, state.filled_lots) == (Stage.OVER, 3)
        assert state.why

    play(world, story)


def test_a_fill_that_does_not_say_whose_it_is_is_led_back_by_its_order_which_is_asked_once(play, world):
    async def story(world, account):
        account.tells_cloid = False
        account.engine.pieces = 3
        await world.broker.place(world.order(IDS[1], Side.BUY, 9, OrderKind.IOC, 151))
        await world.trade_by_hand(Side.SELL, 2)
        asked = world.server.door.n_asked["/info"]
        found = await world.broker.executions(world.time.now_ms())
        assert [one.wire_id for one in found] == [IDS[1]] * 3 + [None]
        assert world.server.door.n_asked["/info"] == asked + 1 + 2
        await world.broker.executions(world.time.now_ms())
        assert world.server.door.n_asked["/info"] == asked + 1 + 2 + 1

    play(world, story)


def test_a_fill_that_takes_from_somebody_who_is_liquidated_is_no_liquidation_of_ours(play, world):
    async def story(world, account):
        account.tells_cloid, account.liquidated_user = False, "0x" + "99" * 20
        await world.broker.place(world.order(IDS[1], Side.BUY, 9, OrderKind.IOC, 151))
        await world.trade_by_hand(Side.SELL, 2)
        found = await world.broker.executions(world.time.now_ms())
        assert [(one.wire_id, one.is_liquidation) for one in found] == [(IDS[1], False), (None, False)]

    play(world, story)


def test_a_clock_that_was_set_back_gives_no_order_a_longer_life(play, world):
    async def story(world, account):
        account.skew_ms = 60_000
        await world.broker.standing()
        await world.broker.place(world.order(IDS[1], Side.BUY, 1, OrderKind.IOC, 151))
        account.skew_ms = 0
        await world.broker.standing()
        await world.broker.place(world.order(IDS[2], Side.BUY, 1, OrderKind.IOC, 151))
        assert account.last_expiry_ms <= world.time.now_ms() + LIFE_MS

    play(world, story)


def test_fills_beyond_a_page_are_all_had_and_who_says_whose_they_are_is_not_asked_again(play, world):
    async def story(world, account):
        await world.broker.place(world.order(IDS[1], Side.BUY, 9, OrderKind.IOC, 151))
        for number in range(FILLS_A_PAGE + 100):
            account.engine.by_hand("SOL", 1 if number % 2 else -1, Decimal("0.1"))
            if number % 40 == 0:
                world.time.move_to(world.time.now_ms() + 1)
        asked = world.server.door.n_asked["/info"]
        found = await world.broker.executions(world.time.now_ms() - 10_000)
        assert len({one.execution_id for one in found}) == len(found) == FILLS_A_PAGE + 101
        assert world.server.door.n_asked["/info"] == asked + 2

    play(world, story)


def test_what_the_exchange_no_longer_tells_is_a_disagreement(play, world):
    async def story(world, account):
        account.most_fills = 10_000
        at_ms = world.time.now_ms()
        for number in range(10_050):
            account.engine.by_hand("SOL", 1 if number % 2 else -1, Decimal("0.1"))
            if number % 40 == 0:
                world.time.move_to(world.time.now_ms() + 1)
        with pytest.raises(BooksDisagree, match="newest 10000"):
            await world.broker.executions(at_ms)

    play(world, story)


def test_a_fee_that_is_paid_to_us_is_negative(play, world):
    async def story(world, account):
        account.engine.fee_frac = Decimal("-0.0001")
        await world.broker.place(world.order(IDS[1], Side.BUY, 10, OrderKind.IOC, 151))
        (done,) = await world.broker.executions(world.time.now_ms())
        assert done.fee_microusd == -15_000

    play(world, story)


def test_an_order_that_is_asked_for_again_by_another_process_is_looked_up_and_not_sent(play, world):
    async def story(world, account):
        order = world.order(IDS[1], Side.BUY, 10, OrderKind.IOC, 151)
        await world.broker.place(order)
        await world.reopen()
        sent = world.server.door.n_asked["/exchange"]
        assert (await world.broker.place(order)).stage is Stage.OVER
        assert world.server.door.n_asked["/exchange"] == sent

    play(world, story)


def test_nothing_that_is_said_or_logged_holds_a_byte_of_the_key(play, world, caplog):
    heard = []

    async def story(world, account):
        for number, fault in enumerate((Fault.ECHO, Fault.MAINTENANCE, Fault.LOSE_ANSWER, Fault.GARBAGE)):
            world.strike(Kind.PLACE, fault)
            with pytest.raises(VenueUnreachable) as caught:
                await world.broker.place(world.order(IDS[number], Side.BUY, 10, OrderKind.IOC, 151))
            heard.append(repr(caught.value))
        heard.append(repr(world.broker.take_notes()))

    with caplog.at_level(logging.DEBUG):
        play(world, story)
    told = "".join([*heard, caplog.text]).lower()
    assert "order" in told
    assert PRIVATE_KEY.removeprefix("0x") not in told
