import asyncio

import pytest

from domain.decisions import ExitReason, Refusal, Side
from domain.errors import VenueUnreachable
from execution.gateway_client.broker import GatewayBroker
from execution.gateway_client.rehearsal import Heard, RehearsingVenue
from execution.live.broker import OrderKind
from execution.live.terms import VenueTerms
from execution.live.wire import WireCode, wire_id_of

CODE = WireCode("run", ("SOL-PERP",))
NOW_MS = 1_790_000_000_000
TERMS = VenueTerms(
    capital_usd=100.0, entry_slippage_bps=30.0, exit_slippage_bps=150.0, order_life_s=10.0, cash_tolerance_usd=1.0
)


class Gateway:
    """Answers each rehearsal as told, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def rehearse(self, order):
        self.asked.append(order)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def stage(open_stage):
    return open_stage()


def venue(stage, gateway, recorded=lambda _: None):
    return RehearsingVenue(stage.venue, gateway, CODE, TERMS, lambda: NOW_MS, recorded)


def submit(one, *orders):
    async def go():
        return [await one.submit(order) for order in orders]

    return asyncio.run(go())


def open_ids(stage):
    return asyncio.run(stage.venue.account()).open_order_ids


def test_an_entry_is_worded_as_live_would_send_it_and_then_taken_on_paper(stage):
    gateway = Gateway("")
    order = stage.order(Side.BUY, 100)
    rehearsing = venue(stage, gateway)
    assert submit(rehearsing, order) == [None]
    (asked,) = gateway.asked
    assert (asked.kind, asked.side, asked.size_lots, asked.reduce_only) == (OrderKind.IOC, Side.BUY, 100, False)
    assert asked.price_ticks == 150_450
    assert asked.wire_id == CODE.write(wire_id_of(order.client_order_id))
    assert asked.valid_until_ms == NOW_MS + 10_000
    assert open_ids(stage) == (order.client_order_id,)
    assert [kind for kind, _ in rehearsing.take_notes()] == ["rehearsed"]
    assert rehearsing.take_notes() == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("size_over_cap: too big", "size_over_cap: too big"),
        (VenueUnreachable("nobody there"), "venue_unreachable: nobody there"),
    ],
)
def test_an_entry_the_gateway_would_not_send_never_reaches_the_paper(stage, answer, reason):
    rehearsing = venue(stage, Gateway(answer))
    order = stage.order(Side.BUY, 100)
    assert submit(rehearsing, order, order) == [Refusal(rule="gateway", reason=reason)] * 2
    assert open_ids(stage) == ()
    assert [kind for kind, _ in rehearsing.take_notes()] == ["rehearsal_failed"]


@pytest.mark.parametrize("answer", ["simulation_failed: nothing to reduce", VenueUnreachable("nobody there")])
def test_an_exit_goes_on_whatever_its_rehearsal_says(stage, answer):
    stage.enter(Side.BUY, 100)
    gateway = Gateway(answer)
    rehearsing = venue(stage, gateway)
    order = stage.order(Side.SELL, 100, reason=ExitReason.STRATEGY)
    assert submit(rehearsing, order) == [None]
    assert gateway.asked[0].price_ticks == 147_750
    assert open_ids(stage) == (order.client_order_id,)
    ((kind, sentence),) = rehearsing.take_notes()
    assert kind == "rehearsal_failed"
    assert order.client_order_id in sentence


def test_what_is_on_record_is_not_asked_about_again(stage):
    refusal = Refusal(rule="gateway", reason="halted: by the desk")
    refused, passed = stage.order(Side.BUY, 100), stage.order(Side.BUY, 100, order_id="SOL-PERP-7-entry")
    on_record = {refused.client_order_id: Heard(refusal=refusal), "SOL-PERP-7-entry": Heard(refusal=None)}
    relived = venue(stage, None, on_record.get)
    assert submit(relived, refused, passed) == [refusal, None]
    assert relived.take_notes() == []
    with pytest.raises(VenueUnreachable, match="not on record"):
        submit(relived, stage.order(Side.BUY, 1, order_id="SOL-PERP-8-entry"))


def test_a_live_gateway_is_never_asked_to_rehearse(tmp_path):
    live = GatewayBroker(tmp_path / "none.sock", "live", lambda: NOW_MS)
    with pytest.raises(ValueError, match="dry_run alone"):
        asyncio.run(live.rehearse(None))
