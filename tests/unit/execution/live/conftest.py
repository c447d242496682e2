"""A live venue at the exchange in memory, without a desk: each test says what the desk would."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from domain.account import VenueReport
from domain.decisions import ApprovedOrder, ExitReason, Refusal, Side
from domain.market import Snapshot
from execution.live.broker import BrokerOrder, OrderKind
from execution.live.terms import VenueTerms
from execution.live.venue import LiveVenue
from execution.live.wire import WireCode
from tests.doubles.venue.broker import Fault, Way, WorldBroker
from tests.doubles.venue.desk import PLAN, TERMS
from tests.doubles.venue.loop import LoopClock, run
from tests.doubles.venue.world import PRICES, World

SOL = "SOL-PERP"
SYMBOLS = tuple(sorted(PRICES))


class Bench:
    """One venue over one world. minute: of the next order's id."""

    def __init__(self, terms: VenueTerms = TERMS, **manners: Any) -> None:
        """Stand before the venue; nothing is opened yet."""
        self.world = World(**manners)
        self.way = Way(world=self.world)
        self.broker = WorldBroker(self.way)
        clock = LoopClock()
        self.clock = clock
        self.venue = LiveVenue(self.broker, terms, WireCode("a run", SYMBOLS), clock, clock.elapsed_s)
        self.n_orders = 0

    async def open(self) -> "Bench":
        """Begin a new run."""
        await self.venue.open(SYMBOLS)
        await self.venue.start_anew()
        await self.venue.begin()
        return self

    def order(
        self, side: Side = Side.BUY, lots: int = 20, symbol: str = SOL, *, is_exit: bool = False
    ) -> ApprovedOrder:
        """Return an order of the desk that was decided on now."""
        self.n_orders += 1
        decided_ms = self.clock.now_ms() + self.n_orders
        return ApprovedOrder(
            client_order_id=f"{symbol}-{decided_ms}-{'strategy' if is_exit else 'entry'}",
            symbol=symbol,
            strategy="play",
            side=side,
            size_lots=lots,
            reduce_only=is_exit,
            reference_ticks=self.world.prices[symbol],
            decided_ms=self.clock.now_ms(),
            exit_plan=None if is_exit else PLAN,
            exit_reason=ExitReason.STRATEGY if is_exit else None,
        )

    async def enter(self, side: Side = Side.BUY, lots: int = 20, symbol: str = SOL) -> Refusal | None:
        """Send an entry."""
        return await self.venue.submit(self.order(side, lots, symbol))

    async def leave(self, side: Side = Side.SELL, lots: int = 20, symbol: str = SOL) -> Refusal | None:
        """Send an exit."""
        return await self.venue.submit(self.order(side, lots, symbol, is_exit=True))

    async def hear(self, symbol: str = SOL, **parts: Any) -> VenueReport:
        """Ask what happened, as a tick does."""
        snapshot = Snapshot(
            symbol=symbol, as_of_ms=self.clock.now_ms(), bar=None, defects=("a test needs no bar",), **parts
        )
        return await self.venue.advance(snapshot) or VenueReport()

    def resting(self, symbol: str = SOL) -> dict[str, BrokerOrder]:
        """Return what rests, by its purpose."""
        found = {}
        for one in self.world.resting(symbol):
            wire = WireCode("a run", SYMBOLS).read(one.wire_id)
            assert wire is not None
            found[wire.purpose] = one
        assert len(found) == len(self.world.resting(symbol))
        return found

    def placed(self, kind: OrderKind) -> list[BrokerOrder]:
        """Return every order of a kind that has arrived."""
        return [one.order for one in self.world.placed.values() if one.order.kind is kind]

    @contextmanager
    def trouble(self, *faults: Fault) -> Iterator[None]:
        """Let the next messages come to grief, in turn."""
        first = self.way.n_messages + 1
        self.way.faults = {first + number: fault for number, fault in enumerate(faults)}
        yield
        self.way.faults = {}

    def kinds(self) -> list[str]:
        """Return the kinds of the notes since last asked."""
        return [kind for kind, _ in self.venue.take_notes()]


@pytest.fixture
def play() -> Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]:
    """Return a function that plays a scene at an opened bench and closes it."""

    def played(scene: Callable[[Bench], Coroutine[Any, Any, None]], terms: VenueTerms = TERMS, **manners: Any) -> None:
        async def whole() -> None:
            bench = await Bench(terms, **manners).open()
            await scene(bench)
            assert bench.world.flaws == []
            await bench.venue.close()

        run(whole())

    return played
