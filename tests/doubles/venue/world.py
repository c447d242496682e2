"""A small exchange in memory: one account, one price a symbol, orders that fill against what is offered.

It keeps its own account of what must never happen (`flaws`): an id used twice, an entry on top of a position.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Final

from domain.decisions import Side
from domain.instrument import Instrument
from execution.instruments import INSTRUMENTS
from execution.live.broker import BrokerOrder, Execution, FundingPaid, OrderKind, OrderState, Resting, Stage, Standing
from tests.doubles.venue.loop import LoopClock

PRICES: Final = {"SOL-PERP": 150_000, "BTC-PERP": 1_000_000}
CASH_MICROUSD: Final = 1_000_000_000
DEEP: Final = ((0, 10**9),)
MOST_LATE_MS: Final = 3_000
"""How late the executions of an order may be whose state does not say how much of it was filled."""
Depth = tuple[tuple[int, int], ...]
"""What an order finds: (ticks worse than the price, lots), best first; what is left finds nothing."""


@dataclass(frozen=True)
class Manners:
    """How this venue behaves where venues differ.

    refuses_reached: a stop whose trigger is reached is refused; else it triggers at once. tidies: what rests for a
    position that is closed goes with it. tells_filled: an order's state says how much was filled. answers_late: an
    IOC's answer says no more than that it has arrived. tells_funding: settlements are told. blends: one execution for
    several prices. slow_ms: an IOC is filled in parts, so far apart; 0 = at once. is_deaf: it never says that
    something changed.
    """

    refuses_reached: bool = True
    tidies: bool = False
    tells_filled: bool = True
    answers_late: bool = False
    tells_funding: bool = True
    blends: bool = False
    slow_ms: int = 0
    is_deaf: bool = False


@dataclass
class Placed:
    """One order that has arrived."""

    order: BrokerOrder
    stage: Stage = Stage.WORKING
    filled_lots: int = 0
    why: str = ""


@dataclass
class World:
    """The exchange. depths: what each order that fills finds, in turn. lags_ms: how late each execution is told."""

    manners: Manners = Manners()
    depths: tuple[Depth, ...] = (DEEP,)
    lags_ms: tuple[int, ...] = (0,)
    clock: LoopClock = field(default_factory=LoopClock)
    instruments: dict[str, Instrument] = field(default_factory=lambda: {one: INSTRUMENTS[one] for one in PRICES})
    prices: dict[str, int] = field(default_factory=lambda: dict(PRICES))
    cash_microusd: int = CASH_MICROUSD
    lots: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PRICES, 0))
    costs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PRICES, 0))
    placed: dict[str, Placed] = field(default_factory=dict)
    executed: list[tuple[int, Execution]] = field(default_factory=list)
    paid: list[tuple[int, FundingPaid]] = field(default_factory=list)
    by_hand: list[Resting] = field(default_factory=list)
    news: list[asyncio.Event] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    _entered: dict[str, str] = field(default_factory=dict)
    _depths: Iterator[Depth] = field(init=False)
    _lags_ms: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the first of each."""
        self._depths, self._lags_ms = cycle(self.depths), cycle(self.lags_ms)

    def calm(self) -> None:
        """From now on everything is offered, told at once and said to be what it is."""
        self._depths, self._lags_ms = cycle([DEEP]), cycle([0])
        self.manners = replace(self.manners, slow_ms=0, is_deaf=False)

    # Orders.

    def arrive(self, order: BrokerOrder) -> OrderState:
        """Take an order."""
        if order.wire_id in self.placed:
            self.flaws.append(f"{order.wire_id} came twice")
            return self.state_of(order.wire_id)
        placed = self.placed[order.wire_id] = Placed(order=order)
        if self.clock.now_ms() > order.valid_until_ms:
            self._over(placed, "too late")
        elif order.kind is OrderKind.IOC:
            self._take(placed)
        elif self._is_reached(order):
            if self.manners.refuses_reached:
                self._over(placed, "the trigger is reached")
            else:
                self._take(placed)
        self.tell()
        state = self.state_of(order.wire_id)
        if self.manners.answers_late and order.kind is OrderKind.IOC:
            return OrderState(wire_id=order.wire_id, stage=Stage.WORKING, filled_lots=None)
        return state

    def refuse(self, order: BrokerOrder, why: str) -> OrderState:
        """Turn an order away."""
        self._over(self.placed.setdefault(order.wire_id, Placed(order=order)), why)
        return self.state_of(order.wire_id)

    def cancel(self, wire_id: str) -> None:
        """End an order that rests."""
        placed = self.placed.get(wire_id)
        if placed is not None and placed.stage is Stage.WORKING and placed.order.kind is not OrderKind.IOC:
            self._over(placed, "cancelled")
            symbol = placed.order.symbol
            is_bare = not any(one.order.kind is OrderKind.STOP for one in self._resting(symbol))
            if placed.order.kind is OrderKind.STOP and self.lots[symbol] and is_bare:
                self.flaws.append(f"{symbol} was left without a stop")

    def state_of(self, wire_id: str) -> OrderState:
        """Return how far an order is."""
        placed = self.placed.get(wire_id)
        if placed is None:
            return OrderState(wire_id=wire_id, stage=Stage.ABSENT, filled_lots=0)
        filled = placed.filled_lots if self.manners.tells_filled else None
        return OrderState(wire_id=wire_id, stage=placed.stage, filled_lots=filled, why=placed.why)

    def _is_reached(self, order: BrokerOrder) -> bool:
        falls = (order.kind is OrderKind.STOP) == (order.side is Side.SELL)
        price = self.prices[order.symbol]
        return price <= order.price_ticks if falls else price >= order.price_ticks

    def _over(self, placed: Placed, why: str) -> None:
        if placed.stage is Stage.WORKING:
            placed.stage, placed.why = Stage.OVER, why

    def _take(self, placed: Placed) -> None:
        """Fill what is offered, at once or bit by bit, and drop the rest."""
        offers = self._within(placed.order, next(self._depths))
        slow_ms = self.manners.slow_ms
        if placed.order.kind is OrderKind.IOC and slow_ms:
            self._bit_by_bit(placed, offers, slow_ms)
            return
        self._fill(placed, offers)
        self._over(placed, "" if placed.filled_lots >= placed.order.size_lots else "nothing more was offered")

    def _bit_by_bit(self, placed: Placed, offers: Depth, slow_ms: int) -> None:
        loop = asyncio.get_running_loop()
        for number, offer in enumerate(offers):
            loop.call_later(slow_ms * (number + 1) / 1000, self._fill, placed, (offer,))
        loop.call_later(slow_ms * (len(offers) + 1) / 1000, self._over, placed, "its time was over")

    def _within(self, order: BrokerOrder, depth: Depth) -> Depth:
        if order.kind is not OrderKind.IOC:
            return depth
        price, sign = self.prices[order.symbol], int(order.side)
        return tuple(offer for offer in depth if sign * (price + sign * offer[0]) <= sign * order.price_ticks)

    def _fill(self, placed: Placed, offers: Depth) -> None:
        order, price = placed.order, self.prices[placed.order.symbol]
        parts: list[tuple[int, int]] = []
        room = min(order.size_lots - placed.filled_lots, self._reducible(order))
        for worse, offered in offers:
            if (lots := min(offered, room)) > 0:
                parts.append((lots, price + int(order.side) * worse))
                room -= lots
        if self.manners.blends and len(parts) > 1:
            unit = self.instruments[order.symbol].microusd_per_tick_lot
            self._execute(placed, sum(n for n, _ in parts), sum(n * ticks for n, ticks in parts) * unit)
        else:
            for lots, ticks in parts:
                self._execute(placed, lots, self.instruments[order.symbol].notional_microusd(lots, ticks))
        self.tell()

    def _reducible(self, order: BrokerOrder) -> int:
        if not order.reduce_only:
            return order.size_lots
        return max(0, -int(order.side) * self.lots[order.symbol])

    # The account.

    def _execute(self, placed: Placed, lots: int, quote_microusd: int) -> None:
        order = placed.order
        placed.filled_lots += lots
        if not order.reduce_only:
            if self.lots[order.symbol] and self._entered.get(order.symbol) != order.wire_id:
                self.flaws.append(f"{order.wire_id} entered on top of a position")
            self._entered[order.symbol] = order.wire_id
        self.trade(order.symbol, order.side, lots, quote_microusd, wire_id=order.wire_id)

    def trade(
        self,
        symbol: str,
        side: Side,
        lots: int,
        quote_microusd: int | None = None,
        *,
        wire_id: str | None = None,
        is_liquidation: bool = False,
    ) -> None:
        """Execute something on the account; without an id it is no order of the desk."""
        quote = self.instruments[symbol].notional_microusd(lots, self.prices[symbol])
        quote = quote if quote_microusd is None else quote_microusd
        fee = quote // 3000 + 1
        held, signed = self.lots[symbol], int(side) * lots
        self.cash_microusd -= fee
        if held * signed < 0:
            cost = self.costs[symbol] * lots // abs(held)
            self.cash_microusd += -int(side) * quote - cost
            self.costs[symbol] -= cost
        else:
            self.costs[symbol] += int(side) * quote
        self.lots[symbol] = held + signed
        now_ms = self.clock.now_ms()
        execution = Execution(
            execution_id=f"x{len(self.executed)}",
            wire_id=wire_id,
            symbol=symbol,
            side=side,
            size_lots=lots,
            quote_microusd=quote,
            fee_microusd=fee,
            executed_ms=now_ms,
            is_liquidation=is_liquidation,
        )
        lag_ms = next(self._lags_ms)
        self.executed.append((now_ms + (lag_ms if self.manners.tells_filled else min(lag_ms, MOST_LATE_MS)), execution))
        if self.lots[symbol] == 0 and self.manners.tidies:
            for placed in self._resting(symbol):
                self._over(placed, "nothing is held any more")
        self.tell()

    def liquidate(self, symbol: str, part: float) -> None:
        """Let the venue take a part of a position away."""
        held = self.lots[symbol]
        if lots := min(abs(held), int(abs(held) * part) + 1 if held else 0):
            self.trade(symbol, Side.SELL if held > 0 else Side.BUY, lots, is_liquidation=True)

    def pay(self, symbol: str, amount_microusd: int) -> None:
        """Settle funding on what is held."""
        if self.lots[symbol] and self.manners.tells_funding:
            now_ms = self.clock.now_ms()
            paid = FundingPaid(symbol=symbol, amount_microusd=amount_microusd, settled_ms=now_ms)
            self.cash_microusd += amount_microusd
            self.paid.append((now_ms, paid))
            self.tell()

    def move(self, symbol: str, ticks: int) -> None:
        """Move the price; what rests there triggers."""
        self.prices[symbol] = max(1, ticks)
        for placed in self._resting(symbol):
            if placed.stage is Stage.WORKING and self._is_reached(placed.order):
                self._take(placed)

    def _resting(self, symbol: str) -> list[Placed]:
        return [
            placed
            for placed in self.placed.values()
            if placed.stage is Stage.WORKING
            and placed.order.symbol == symbol
            and placed.order.kind is not OrderKind.IOC
        ]

    def resting(self, symbol: str) -> list[BrokerOrder]:
        """Return what rests for a symbol."""
        return [placed.order for placed in self._resting(symbol)]

    def standing(self) -> Standing:
        """Return the account as it is now."""
        working = [placed.order for placed in self.placed.values() if placed.stage is Stage.WORKING]
        resting = [
            Resting(wire_id=one.wire_id, symbol=one.symbol, side=one.side, size_lots=one.size_lots) for one in working
        ]
        return Standing(
            positions=tuple(sorted((symbol, lots) for symbol, lots in self.lots.items() if lots)),
            resting=(*resting, *self.by_hand),
            cash_microusd=self.cash_microusd,
        )

    def tell(self) -> None:
        """Wake whoever waits for news."""
        for event in self.news:
            event.set()
