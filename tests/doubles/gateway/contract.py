"""The order gateway as a world of the contract of brokers: the real process over the test chain, faults between."""

import asyncio
from decimal import Decimal
from pathlib import Path

from domain.decisions import Side
from domain.instrument import Instrument
from execution.gateway_client.broker import GatewayBroker
from execution.live.broker import BrokerOrder, OrderKind, OrderState
from tests.doubles.gateway.between import FAULTS, Between
from tests.doubles.gateway.world import BTC, SOL, Chain, GatewayWorld
from tests.doubles.trading.faults import Fault, Kind

START_MS = 1_747_000_000_000
ANSWER_S = 0.5
BLOCK_MS = 400
MOST_BLOCKS = 20
BLOCKS_TO_FINAL = 5
LIQUIDATED_BELOW = 0.87
LOOKS, LOOK_S = 1_500, 0.01


class Prompt(GatewayBroker):
    """A broker in whose world an order's block is final before anything else is asked."""

    world: "GatewayVenueWorld"

    async def place(self, order: BrokerOrder) -> OrderState:
        state = await super().place(order)
        await self.world.arrive()
        return state


class GatewayVenueWorld:
    """A `World` of the order gateway. The chain is lent; the gateway and its files are this world's own."""

    symbol = "SOL-PERP"
    other_id = "BTC-PERP"
    price = 150.0
    patience_ms = 40_000
    faults: tuple[Fault, ...] = FAULTS
    tells_funding = tells_cash = has_stream = False

    def __init__(self, folder: Path, chain: Chain) -> None:
        self.now_ms, self.now_file = START_MS, folder / "now"
        self._set_time(START_MS)
        self.chain = chain
        self.chain("reset")
        self.chain("time", now_ms=START_MS)
        self.chain("ioc", price="oracle")
        self.gateway = GatewayWorld(folder / "gateway", "live", now_file=self.now_file, chain=chain)
        between_path = self.gateway.folder / "between.sock"
        self.between = Between(between_path, self.gateway.socket_path, lambda: self.now_ms)

    async def begin(self) -> None:
        self.gateway.start()
        await self.between.__aenter__()
        await self._open()

    async def end(self) -> None:
        await self.broker.close()
        await self.between.__aexit__()
        self.gateway.close()
        self.chain("time", now_ms=None)

    async def reopen(self) -> None:
        await self.broker.close()
        await self._open()

    async def _open(self) -> None:
        self.broker = Prompt(self.between.path, "live", lambda: self.now_ms, ANSWER_S)
        self.broker.world = self
        self.instrument: Instrument = (await self.broker.open((self.symbol,)))[self.symbol]

    def order(self, wire_id: str, side: Side, lots: int, kind: OrderKind, price: float, **more: bool) -> BrokerOrder:
        return BrokerOrder(
            wire_id=wire_id,
            symbol=self.symbol,
            kind=kind,
            side=side,
            size_lots=lots,
            reduce_only=more.get("reduce_only", kind is not OrderKind.IOC),
            price_ticks=int(Decimal(str(price)) / self.instrument.tick_size_price),
            valid_until_ms=self.now_ms + 10_000,
        )

    async def move_price(self, price: float) -> None:
        self.chain("price", market_index=SOL, price_raw=round(price * 1_000_000))
        self.chain("advance", blocks=2)
        held = self.gateway.positions().get(self.symbol, 0)
        if held > 0 and price < self.price * LIQUIDATED_BELOW:
            self._trade(SOL, Side.SELL, held, round(price * 1_000_000), liquidation=True)
        self.chain("advance", blocks=BLOCKS_TO_FINAL)

    def fill_next(self, *fracs: float) -> None:
        self.chain("ioc_next", fracs=list(fracs))

    def strike(self, kind: Kind, *faults: Fault) -> None:
        self.between.weather.strike(kind, *faults)

    def late_by(self, milliseconds: int) -> None:
        self.between.weather.late_ms = milliseconds

    def clear(self) -> None:
        self.between.weather.clear()

    async def pass_time(self, milliseconds: int) -> None:
        self._set_time(self.now_ms + milliseconds)
        self.chain("time", now_ms=self.now_ms)
        self.chain("advance", blocks=min(1 + milliseconds // BLOCK_MS, MOST_BLOCKS))
        await self.between.let_in_late()
        await self.arrive()

    async def arrive(self) -> None:
        """Let blocks pass until every order of the gateway has its end, and that is final."""
        for _ in range(LOOKS):
            if not {"accepted", "signed", "confirmed"} & set(self.gateway.states().values()):
                self.chain("advance", blocks=BLOCKS_TO_FINAL)
                return
            self.chain("advance")
            await asyncio.sleep(LOOK_S)
        raise AssertionError(f"some orders have no end: {self.gateway.states()}")

    async def cut_stream(self) -> None:
        return

    async def trade_by_hand(self, side: Side, lots: int, *, is_other: bool = False) -> None:
        if is_other:
            # A market the desk does not trade is told in the program's own steps.
            self._trade(BTC, side, lots, 10**17)
        else:
            self._trade(SOL, side, lots * self.instrument.lot_size_1e9, round(self.price * 1_000_000))
        self.chain("advance", blocks=BLOCKS_TO_FINAL)

    async def settle_funding(self, rate: float) -> None:
        return

    def n_orders(self, wire_id: str) -> int:
        return sum(id == wire_id for id, _, _ in self.gateway.executed())

    def filled_lots(self, wire_id: str) -> int:
        return sum(one["base"] for one in self.gateway.fills() if one["id"] == wire_id) // self.instrument.lot_size_1e9

    def n_executions(self) -> int:
        return len(self.chain("fills"))

    def cash_microusd(self) -> int:
        raise NotImplementedError("the gateway tells no cash")

    def _trade(self, market_index: int, side: Side, base: int, price_raw: int, *, liquidation: bool = False) -> None:
        self.chain(
            "outside",
            market_index=market_index,
            direction=int(side is Side.SELL),
            base=base,
            price_raw=price_raw,
            liquidation=liquidation,
        )

    def _set_time(self, now_ms: int) -> None:
        self.now_ms = now_ms
        # In one step: the gateway reads the file whenever it likes.
        fresh = self.now_file.with_suffix(".new")
        fresh.write_text(str(now_ms))
        fresh.replace(self.now_file)
