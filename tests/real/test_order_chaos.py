"""Orders of the program itself through the real gateway to the test chain, with faults and deaths at every boundary.

`TIDEGATE_CHAOS_ORDERS=2000` plays until the gateway was asked for so many orders; without it a short piece is played.
`TIDEGATE_CHAOS_SEED` draws another storm.
"""

import asyncio
import os
from collections import Counter

import pytest

from execution.instruments import INSTRUMENTS
from execution.live.fills import SUFFIXES
from execution.live.wire import WireCode, wire_id_of
from tests.conftest import NO_GATEWAY
from tests.doubles.exchange.markets import recorded
from tests.doubles.gateway.live_stage import LOTS, GatewayStage
from tests.doubles.gateway.storm import Storm
from tests.doubles.gateway.world import INSTALLED
from tests.doubles.trading.stage import OWN, WARMUP

N_ORDERS = int(os.environ.get("TIDEGATE_CHAOS_ORDERS", "25"))
SEED = int(os.environ.get("TIDEGATE_CHAOS_SEED", "17"))
# A life has seven orders or so; one that has many more lives than that needs dies nowhere, or trades nothing.
MOST_LIVES = 30 + N_ORDERS // 3
IS_WHOLE = N_ORDERS >= 2_000
BASES = ("SOL", "BTC")
FIRST_BAR = 3_000
# Short lives, near stops that trail, partial exits: as many orders to a minute as there can be.
BUSY = (
    "E3_VOLUME_Z=-10",
    "E3_BODY_OVER_ATR=0",
    "E3_MIN_IMBALANCE_FRAC=-1",
    "EXIT_STOP_PCT=0.15",
    "EXIT_TARGET_PCT=0.25",
    "EXIT_TRAIL_PCT=0.1",
    "EXIT_TRAIL_ARM_PCT=0.01",
    "EXIT_PARTIAL_AT_R=0.4",
    "EXIT_MAX_HOLD_BARS=3",
    "RISK_MAX_ORDERS_PER_MINUTE=1000",
    "RISK_MAX_DAILY_LOSS_PCT=100",
    "RISK_MAX_DRAWDOWN_PCT=100",
    "RISK_MAX_ORDER_NOTIONAL_USD=30",
)


@pytest.fixture
def stage(shared, tmp_path):
    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    tmp_path.chmod(0o700)
    return GatewayStage(tmp_path, recorded(shared, BASES, FIRST_BAR, WARMUP + 200 + 4 * N_ORDERS), settings=BUSY)


def hold_to_the_chain(stage):
    """Journal, gateway and chain say the same: every order once, every fill once, and nothing else."""
    stage.hold_record()
    assert all(len(terms) == 1 for terms in stage.between.terms.values()), "an id is asked with one order's terms"
    facts = stage.gateway.facts()
    asked = Counter(one["id"] for one in facts if one["fact"] == "asked")
    assert set(asked.values()) == {1}, "an id is on record once"
    executed = [id for id, _, _ in stage.gateway.executed()]
    assert None not in executed
    assert len(executed) == len(set(executed)), "no order is on chain twice"
    states = stage.gateway.states()
    assert set(executed) == {id for id, state in states.items() if state == "landed"}, "gateway and chain agree"
    assert not {"accepted", "signed"} & set(states.values())
    code = WireCode("live", stage.symbols)
    orders = {code.write(wire_id_of(order)): order for order in stage.orders()}
    placed = [code.read(one["id"]) for one in facts if one["fact"] == "asked" and one["op"] == "place"]
    assert all(one is not None and (one.serial or code.write(one) in orders) for one in placed), "none but on record"
    ended = {str(row[0]) for row in stage.query(f"SELECT client_order_id FROM order_refusals WHERE {OWN}")}
    lost = [order for wire, order in orders.items() if wire not in set(executed) and order not in ended]
    assert not lost, "what never got to the chain has its end on record"
    assert booked(stage) == done(stage, code), "every fill on chain is on record, once, and no other"
    assert {one["market_index"] for one in stage.gateway.resting()} == set(), "nothing rests on a flat market"


def booked(stage):
    """Return the fills of the journal."""
    columns = "client_order_id, symbol, side, size_lots, price_ticks, filled_ms"
    return sorted(map(tuple, stage.query(f"SELECT {columns} FROM fills WHERE {OWN}")))


def done(stage, code):
    """Return the fills on chain, as the journal has to have them."""
    found = []
    for one in stage.gateway.fills():
        wire = code.read(one["id"])
        of = INSTRUMENTS[wire.symbol]
        order = wire.client_order_id if not wire.serial else f"{wire.client_order_id}-{SUFFIXES[wire.exit_reason]}"
        lots = one["base"] // LOTS[wire.symbol]
        ticks = one["quote"] // (lots * of.microusd_per_tick_lot)
        found.append((order, wire.symbol, 1 - 2 * one["direction"], lots, ticks, one["ts_s"] * 1_000))
    return sorted(found)


def test_through_faults_and_deaths_of_either_process_no_order_is_doubled_none_lost_and_journal_and_chain_agree(
    shared, stage
):
    storm = Storm(stage, seed=SEED)

    async def go():
        async with stage:
            await stage.prove(shared)
            await stage.live()
            await stage.play(2)
            stage.kill()
            async with storm:
                for _ in range(MOST_LIVES):
                    if stage.n_orders() >= N_ORDERS and has_raged(storm):
                        break
                    await storm.life()
            await stage.live()
            await stage.play(4)
            await stage.flat()
            assert not stage.is_away(), stage.said()
            await asyncio.to_thread(stage.stop)
            tell(stage, storm)
            hold_to_the_chain(stage)

    asyncio.run(go())
    assert stage.n_orders() >= N_ORDERS
    assert has_raged(storm), (storm.desk_deaths, storm.gateway_deaths)


def has_raged(storm):
    """Say whether there was enough of it: a whole run has died in every way there is, a short one more than once."""
    if IS_WHOLE:
        return storm.has_been_everywhere
    return min(sum(deaths.values()) for deaths in (storm.desk_deaths, storm.gateway_deaths)) > 1


def tell(stage, storm):
    """Print the figures of a run, for whoever plays a long one."""
    print(f"orders {stage.n_orders()}, fills {len(stage.gateway.fills())}, desk processes {len(stage.started)}")  # noqa: T201
    print(f"desk died {dict(storm.desk_deaths)}, starts refused {storm.n_starts_refused}")  # noqa: T201
    print(f"gateway died {dict(storm.gateway_deaths)}")  # noqa: T201
    print(f"node {stage.gateway.chain('struck')}, between {dict(stage.between.n_struck)}")  # noqa: T201
