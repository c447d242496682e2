"""A live desk trades on the local exchange: the program itself, its proofs, both books, trouble and death.

`TIDEGATE_LIVE_TRADES=200` plays so many minutes with faults and deaths; without it a dozen.
`TIDEGATE_LIVE_SEED` draws another storm.
"""

import asyncio
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from execution.live.wire import WireCode, wire_id_of
from tests.doubles.exchange.markets import recorded
from tests.doubles.trading.faults import Fault, Kind
from tests.doubles.trading.live_stage import WARMUP, LiveStage
from tests.doubles.trading.stage import OWN

N_MINUTES = int(os.environ.get("TIDEGATE_LIVE_TRADES", "12"))
SEED = int(os.environ.get("TIDEGATE_LIVE_SEED", "11"))
N_QUIET = 12
BASES = ("SOL", "BTC")
FIRST_BAR = 3_000
DEADLY = ("order_taken", "before_commit", "after_commit", "before_sending", "after_setting_out", "after_protecting")
STRIKING = (Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.TOO_MANY_REQUESTS, Fault.GARBAGE, Fault.HALF_AN_ANSWER)


def staged(folder: Path, shared: Path, n_minutes: int, venue: str) -> LiveStage:
    return LiveStage(folder, recorded(shared, BASES, FIRST_BAR, WARMUP + n_minutes + 200), venue=venue)


def hold_books(stage: LiveStage) -> None:
    """The journal, the account and the protection agree, and the run comes out again from its record alone."""
    stage.hold_record()
    at_venue = Counter(order.client_id for order in stage.engine.orders)
    assert set(at_venue.values()) == {1}, "no order is there twice"
    code = WireCode("live", stage.symbols)
    mine = {code.write(wire_id_of(order)) for order in stage.orders()}
    read = [code.read(order.client_id.removeprefix("0x")) for order in stage.engine.orders]
    assert all(one is not None and (one.serial or code.write(one) in mine) for one in read), "no order but on record"
    fills = stage.query(f"SELECT symbol, side, size_lots, filled_ms FROM fills WHERE {OWN} ORDER BY filled_ms, id")
    done = [
        (f"{fill.base}-PERP", fill.side, int(fill.size / stage.engine.contracts[fill.base].lot), fill.at_ms)
        for fill in stage.engine.fills
    ]
    assert sorted(map(tuple, fills)) == sorted(done), "every execution is on record, once"
    (cash,) = stage.query(f"SELECT cash_microusd FROM ticks WHERE {OWN} ORDER BY id DESC LIMIT 1")[0]
    there_microusd = (stage.engine.cash - Decimal(1_000) + 100) * 1_000_000
    assert abs(int(str(cash)) - there_microusd) <= len(done), "a fee is booked to the micro-dollar"


def hold_protection(stage: LiveStage) -> None:
    """Each entry had its stop and its target, and none of them rests without a position."""
    entries = [order for order in stage.engine.orders if not order.reduce_only and order.filled]
    triggers = [order for order in stage.engine.orders if order.trigger is not None]
    assert len(entries) >= 2
    assert len(triggers) == 2 * len(entries)
    held = set(stage.engine.held)
    assert all(order.is_over or order.base in held for order in triggers)


@pytest.mark.parametrize("venue", ["bybit", "hyperliquid"])
def test_through_faults_and_deaths_no_order_is_doubled_none_lost_and_the_books_agree(
    venue: str, shared: Path, tmp_path: Path
) -> None:
    stage = staged(tmp_path, shared, N_MINUTES, venue)
    dice = np.random.default_rng(SEED)

    async def go() -> None:
        async with stage:
            await stage.prove(shared)
            await stage.live()
            await stage.play(N_QUIET)
            assert not stage.is_away(), stage.said()
            hold_protection(stage)
            stage.kill()
            left, n_died = N_MINUTES, 0
            dies_at: str | None = "order_taken:1"
            while left > 0:
                await stage.live(dies_at)
                dies_at = f"{dice.choice(DEADLY)}:{dice.integers(1, 4)}" if dice.random() < 0.5 else None
                for _ in range(min(left, int(dice.integers(8, 14)))):
                    left -= 1
                    for kind in Kind:
                        stage.door.weather.strike(kind, *dice.choice(STRIKING, int(dice.random() < 0.3)))
                    await stage.play(1)
                    if stage.is_away():
                        assert stage.desk.returncode == -9, stage.said()
                        n_died += 1
                        break
                stage.door.weather.clear()
                if not stage.is_away():
                    stage.kill()
            assert n_died, "a desk that takes an order dies of it"
            await stage.live()
            await stage.play(4)
            await stage.flat()
            assert not stage.is_away(), stage.said()
            await asyncio.to_thread(stage.stop)
            hold_books(stage)

    asyncio.run(go())
