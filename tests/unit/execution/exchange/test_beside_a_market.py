"""Feed and broker at one address: the account trades at the prices that the market shows."""

import asyncio
import json
from decimal import Decimal

from domain.decisions import Side
from domain.market import MINUTE_MS
from execution.exchange.broker import CcxtBroker
from execution.exchange.terms import CcxtTerms
from execution.live.broker import BrokerOrder, OrderKind, Stage
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.markets import Market
from tests.doubles.exchange.server import LocalExchange
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.trading.bybit import BybitAccount
from tests.doubles.trading.door import Door
from tests.doubles.trading.engine import Engine
from tests.doubles.trading.world import API_KEY, KEYS, SECRET, START_MS, contracts_of

OPEN_MS = START_MS // MINUTE_MS * MINUTE_MS


def order(wire_id: str, kind: OrderKind, side: Side, price_ticks: int) -> BrokerOrder:
    return BrokerOrder(
        wire_id=wire_id,
        symbol="SOL-PERP",
        kind=kind,
        side=side,
        size_lots=1_000,
        reduce_only=kind is not OrderKind.IOC,
        price_ticks=price_ticks,
        valid_until_ms=OPEN_MS + MINUTE_MS,
    )


def test_a_stop_fires_when_the_markets_own_bar_reaches_it(tmp_path):
    market = Market("SOL", {OPEN_MS: (150.0, 151.0, 139.0, 140.0, 9.0)}, decimals=2)
    time = SimulatedTime(OPEN_MS + 1_000)
    engine = Engine(contracts_of([market]), time.now_ms)
    key_file = tmp_path / "key.json"
    key_file.write_text(json.dumps(KEYS["bybit"]))
    key_file.chmod(0o600)

    async def go() -> None:
        door = Door(BybitAccount(engine, API_KEY, SECRET))
        async with LocalExchange(Bybit([market]), time, trading=door) as exchange:
            await exchange.move_to(OPEN_MS + 1_000)
            broker = CcxtBroker(CcxtTerms(key_file=str(key_file), url=exchange.url), time)
            instrument = (await broker.open(["SOL-PERP"]))["SOL-PERP"]
            assert instrument.lot_size_base == Decimal("0.001")
            await broker.place(order("0" * 32, OrderKind.IOC, Side.BUY, 15_100))
            await broker.place(order("1" * 32, OrderKind.STOP, Side.SELL, 14_500))
            assert (await broker.standing()).positions == (("SOL-PERP", 1_000),)
            await exchange.move_to(OPEN_MS + MINUTE_MS - 1_000)
            assert (await broker.state_of("1" * 32, "SOL-PERP")).stage is Stage.OVER
            assert (await broker.standing()).positions == ()
            bought, sold = await broker.executions(OPEN_MS)
            assert bought.quote_microusd == 149_830_000
            assert sold.quote_microusd < 145_000_000
            await broker.close()

    asyncio.run(go())
