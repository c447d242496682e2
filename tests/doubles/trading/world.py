"""A broker together with the venue it trades at: what the contract of brokers is tried on."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from coincurve import PrivateKey

from domain.decisions import Side
from domain.instrument import Instrument
from execution.exchange.broker import CcxtBroker
from execution.exchange.terms import CcxtTerms
from execution.live.broker import Broker, BrokerOrder, OrderKind
from tests.doubles.exchange.markets import Market
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.trading.bybit import BybitAccount
from tests.doubles.trading.door import Account
from tests.doubles.trading.engine import Contract, Engine
from tests.doubles.trading.faults import Fault, Kind
from tests.doubles.trading.hyperliquid import HyperliquidAccount
from tests.doubles.trading.server import TradingServer
from tests.doubles.trading.signatures import address_of

START_MS = 1_747_000_000_000
ANSWER_MS = 30_000
API_KEY, SECRET = "LocalKeyOfTheDesk01", "LocalSecretThatNobodyMaySee000000001"
PRIVATE_KEY, WALLET = "0x" + "5e" * 32, "0x" + "Ab" * 20
AGENT = address_of(PrivateKey(bytes.fromhex(PRIVATE_KEY[2:])).public_key)
CONTRACTS = {
    "bybit": (Contract("SOL", Decimal("0.01"), Decimal("0.1")), Contract("BTC", Decimal("0.1"), Decimal("0.001"))),
    "hyperliquid": (
        Contract("SOL", Decimal("0.00001"), Decimal("0.1"), min_notional=Decimal(10)),
        Contract("BTC", Decimal("0.1"), Decimal("0.00001"), min_notional=Decimal(10)),
    ),
}


def contracts_of(markets: Sequence[Market]) -> dict[str, Contract]:
    """Return what an account may trade that is mounted beside a market: the grid that the market's list shows."""
    return {one.base: Contract(one.base, Decimal(1).scaleb(-one.decimals), Decimal("0.001")) for one in markets}


class World(Protocol):
    """What a test may do to a venue, and see of it, whichever it is.

    broker: open for `symbol`. instrument: its. other_id: the venue's name of a market the desk does not trade.
    faults: what can strike here. tells_funding, tells_cash, has_stream: what this venue tells at all. price: where the
    market stands at first, in dollars. patience_ms: after how long everything has arrived or never will.
    """

    broker: Broker
    symbol: str
    other_id: str
    instrument: Instrument
    price: float
    patience_ms: int
    faults: Sequence[Fault]
    tells_funding: bool
    tells_cash: bool
    has_stream: bool

    async def begin(self) -> None:
        """Start the venue, open the broker."""
        ...

    async def end(self) -> None:
        """Close the broker, stop the venue."""
        ...

    async def reopen(self) -> None:
        """Take the broker's process away and begin with another one, on the same account."""
        ...

    def order(self, wire_id: str, side: Side, lots: int, kind: OrderKind, price: float, **more: bool) -> BrokerOrder:
        """Return an order at a price in dollars."""
        ...

    async def move_price(self, price: float) -> None:
        """Move the market, and what it triggers with it."""
        ...

    def fill_next(self, *fracs: float) -> None:
        """Let the next IOC orders find only part of what they want."""
        ...

    def strike(self, kind: Kind, *faults: Fault) -> None:
        """Let faults strike the next requests of a kind."""
        ...

    def late_by(self, milliseconds: int) -> None:
        """Say how much later a LATE request arrives."""
        ...

    def clear(self) -> None:
        """End all faults that have not struck yet."""
        ...

    async def pass_time(self, milliseconds: int) -> None:
        """Let time pass, and what was on its way arrive."""
        ...

    async def cut_stream(self) -> None:
        """Close the account's stream."""
        ...

    async def trade_by_hand(self, side: Side, lots: int, *, is_other: bool = False) -> None:
        """Trade on the account past the desk, in its market or in another one."""
        ...

    async def settle_funding(self, rate: float) -> None:
        """Settle funding at a rate; positive = longs pay."""
        ...

    def n_orders(self, wire_id: str) -> int:
        """Return how many orders of this id the venue has ever taken."""
        ...

    def filled_lots(self, wire_id: str) -> int:
        """Return how much of them was filled."""
        ...

    def n_executions(self) -> int:
        """Return how many executions the account really has."""
        ...

    def cash_microusd(self) -> int:
        """Return what is really settled on the account."""
        ...


class CcxtWorld:
    """A `World` of an exchange by ccxt."""

    symbol = "SOL-PERP"
    price = 150.0
    patience_ms = 40_000
    # What waits for an answer that never comes has a test of its own: it takes real time.
    faults = tuple(fault for fault in Fault if fault is not Fault.SILENCE)
    tells_funding = tells_cash = has_stream = True

    def __init__(self, folder: Path, exchange: str = "bybit", answer_ms: int = ANSWER_MS) -> None:
        self.time = SimulatedTime(START_MS)
        self.engine = Engine({one.base: one for one in CONTRACTS[exchange]}, self.time.now_ms)
        self.engine.price.update({"SOL": Decimal(150), "BTC": Decimal(100_000)})
        self.exchange = exchange
        self.other_id = "BTCUSDT" if exchange == "bybit" else "BTC"
        self.account: Account = ACCOUNTS[exchange](self.engine)
        self.key_file = folder / f"{exchange}.json"
        self.key_file.write_text(json.dumps(KEYS[exchange]))
        self.key_file.chmod(0o600)
        self.server = TradingServer(self.account)
        self._answer_ms = answer_ms

    @property
    def terms(self) -> CcxtTerms:
        return CcxtTerms(
            exchange=self.exchange,
            key_file=str(self.key_file),
            url=self.server.url,
            request_timeout_ms=self._answer_ms,
        )

    async def begin(self) -> None:
        await self.server.__aenter__()
        await self._open()

    async def end(self) -> None:
        await self.broker.close()
        await self.server.__aexit__()

    async def reopen(self) -> None:
        await self.broker.close()
        await self._open()

    async def _open(self) -> None:
        self.broker: Broker = CcxtBroker(self.terms, self.time)
        self.instrument = (await self.broker.open((self.symbol,)))[self.symbol]

    def order(self, wire_id: str, side: Side, lots: int, kind: OrderKind, price: float, **more: bool) -> BrokerOrder:
        return BrokerOrder(
            wire_id=wire_id,
            symbol=self.symbol,
            kind=kind,
            side=side,
            size_lots=lots,
            reduce_only=more.get("reduce_only", kind is not OrderKind.IOC),
            price_ticks=int(Decimal(str(price)) / self.instrument.tick_size_price),
            valid_until_ms=self.time.now_ms() + 10_000,
        )

    async def move_price(self, price: float) -> None:
        self.engine.move("SOL", Decimal(str(price)))

    def fill_next(self, *fracs: float) -> None:
        self.engine.fill_fracs.extend(Decimal(str(one)) for one in fracs)

    def strike(self, kind: Kind, *faults: Fault) -> None:
        self.server.door.weather.strike(kind, *faults)

    def late_by(self, milliseconds: int) -> None:
        self.server.door.weather.late_ms = milliseconds

    def clear(self) -> None:
        self.server.door.weather.clear()

    async def pass_time(self, milliseconds: int) -> None:
        self.time.move_to(self.time.now_ms() + milliseconds)
        self.server.door.let_in_late()

    async def cut_stream(self) -> None:
        await self.server.door.hang_up()

    async def trade_by_hand(self, side: Side, lots: int, *, is_other: bool = False) -> None:
        base = "BTC" if is_other else "SOL"
        self.engine.by_hand(base, int(side), lots * self.engine.contracts[base].lot)

    async def settle_funding(self, rate: float) -> None:
        self.engine.fund("SOL", Decimal(str(rate)))

    def n_orders(self, wire_id: str) -> int:
        return self.engine.count(self._named(wire_id))

    def filled_lots(self, wire_id: str) -> int:
        mine = [one for one in self.engine.orders if one.client_id == self._named(wire_id)]
        return sum(int(one.filled / self.instrument.lot_size_base) for one in mine)

    def n_executions(self) -> int:
        return len(self.engine.fills)

    def cash_microusd(self) -> int:
        return round(self.engine.cash * 1_000_000)

    def _named(self, wire_id: str) -> str:
        return wire_id if self.exchange == "bybit" else f"0x{wire_id}"


KEYS = {
    "bybit": {"apiKey": API_KEY, "secret": SECRET},
    "hyperliquid": {"walletAddress": WALLET, "privateKey": PRIVATE_KEY},
}
ACCOUNTS: dict[str, Callable[[Engine], Account]] = {
    "bybit": lambda engine: BybitAccount(engine, API_KEY, SECRET),
    "hyperliquid": lambda engine: HyperliquidAccount(engine, WALLET, AGENT),
}
