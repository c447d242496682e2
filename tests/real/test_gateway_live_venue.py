"""The desk's live venue over the real order gateway: an entry, its protection on chain, and the stop that ends it."""

import asyncio

import pytest

from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Side
from domain.market import MINUTE_MS, Snapshot
from execution.gateway_client.broker import GatewayBroker
from execution.live.terms import VenueTerms
from execution.live.venue import LiveVenue
from execution.live.wire import WireCode
from tests.conftest import NO_GATEWAY
from tests.doubles.gateway.playing import CLOCK
from tests.doubles.gateway.world import INSTALLED, SOL, GatewayWorld

LOOKS, LOOK_S = 1_500, 0.01
PLAN = ExitPlan(
    stop_frac=0.02,
    target_frac=0.04,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=0.0,
    partial_frac=0.0,
    max_hold_bars=60,
)
TERMS = VenueTerms(
    capital_usd=1_000.0,
    entry_slippage_bps=30.0,
    exit_slippage_bps=150.0,
    order_life_s=60.0,
    cash_tolerance_usd=1.0,
    look_every_s=0.05,
    audit_every_s=0.05,
)


@pytest.fixture
def world(tmp_path):
    """Return a running live gateway, with a chain that goes on by itself."""
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    one = GatewayWorld(tmp_path / "world")
    assert one.start()
    one.chain("ioc", price="oracle")
    one.chain("beat", every_s=0.02)
    yield one
    one.close()


def entry(now_ms):
    return ApprovedOrder(
        client_order_id=f"SOL-PERP-{now_ms}-entry",
        symbol="SOL-PERP",
        strategy="play",
        side=Side.BUY,
        size_lots=100,
        reduce_only=False,
        reference_ticks=150_000,
        decided_ms=now_ms,
        exit_plan=PLAN,
    )


async def until(condition):
    for _ in range(LOOKS):
        if (found := await condition()) is not None:
            return found
        await asyncio.sleep(LOOK_S)
    raise AssertionError("it did not come")


def test_an_entry_is_filled_protected_on_chain_and_stopped_and_the_books_agree(world):
    now_ms = CLOCK.now_ms() // MINUTE_MS * MINUTE_MS + 1
    minutes = iter(range(10**6))

    async def told():
        """Return the fills that the next tick is told, None where there are none."""
        tick = Snapshot(symbol="SOL-PERP", as_of_ms=now_ms + next(minutes), bar=None, defects=("none here",))
        report = await venue.advance(tick)
        return report and report.fills

    async def triggers():
        resting = {one["trigger_price"]: one["base_asset_amount"] for one in world.resting()}
        return resting if len(resting) == 2 else None

    async def empty():
        return None if world.resting() else True

    async def scene():
        await venue.open(["SOL-PERP"])
        await venue.start_anew()
        await venue.begin()
        try:
            assert await venue.submit(entry(now_ms)) is None
            (filled,) = await until(told)
            assert (filled.size_lots, filled.price_ticks, filled.exit_reason) == (100, 150_000, None)
            assert await until(triggers) == {147_000_000: 10**9, 156_000_000: 10**9}
            assert (await venue.account()).positions == (("SOL-PERP", 100),)
            world.chain("price", market_index=SOL, price_raw=146_900_000)
            (stopped,) = await until(told)
            assert (stopped.size_lots, stopped.exit_reason) == (100, ExitReason.STOP)
            assert stopped.price_ticks == 146_900
            assert await until(empty), "the target is taken away"
            assert (await venue.account()).positions == ()
        finally:
            await venue.close()

    terms, code = TERMS, WireCode("live", ["SOL-PERP"])
    venue = LiveVenue(GatewayBroker(world.socket_path, "live", CLOCK.now_ms), terms, code, CLOCK, CLOCK.elapsed_s)
    asyncio.run(scene())
    assert world.positions() == {}
    assert len(world.fills()) == 2
