"""A desk at the exchange in memory: the real books and execution agent, a record that survives, lives that do not."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.books import Books, Entry
from agents.execution import ExecutionAgent
from db.off import JournalOff
from desk.relived import RelivedVenue
from domain.account import Levels, VenueReport
from domain.decisions import ApprovedOrder, ExitPlan, ExitReason, Refusal, Side
from domain.errors import VenueUnreachable
from domain.features import Regime
from domain.market import MINUTE_MS, Snapshot
from execution.live.fills import key_of, paid_key_of
from execution.live.terms import VenueTerms
from execution.live.tracking import Told
from execution.live.venue import LiveVenue
from execution.live.wire import WireCode
from tests.doubles.venue.broker import Way, WorldBroker
from tests.doubles.venue.loop import LoopClock
from tests.doubles.venue.world import CASH_MICROUSD

PLAN: Final = ExitPlan(
    stop_frac=0.01,
    target_frac=0.02,
    trail_frac=0.0,
    trail_arm_frac=0.0,
    partial_at_r=1.0,
    partial_frac=0.4,
    max_hold_bars=1000,
)
TERMS: Final = VenueTerms(
    capital_usd=CASH_MICROUSD / 1e6,
    entry_slippage_bps=30.0,
    exit_slippage_bps=150.0,
    order_life_s=10.0,
    cash_tolerance_usd=0.05,
    look_every_s=5.0,
    audit_every_s=20.0,
    closing_s=0.0,
)
OVERLAP_MS: Final = 300_000
PAUSE_S: Final = 3.0
Moment = tuple[str, int]
Deed = Callable[["Life"], Awaitable[None]]


@dataclass
class Tick:
    """One tick on record. ticks: the price that it saw."""

    symbol: str
    as_of_ms: int
    ticks: int
    action: str
    report: VenueReport | None = None
    refusals: list[tuple[str, Refusal]] = field(default_factory=list)


@dataclass
class Notebook:
    """What is on record: whole ticks, orders, and what a tick that may be cut off was told."""

    ticks: list[Tick] = field(default_factory=list)
    orders: dict[str, ApprovedOrder] = field(default_factory=dict)
    noted: dict[Moment, VenueReport] = field(default_factory=dict)
    minute: list[Tick] = field(default_factory=list)
    baseline: int | None = None
    has_begun: bool = False
    began_ms: int = 0

    @property
    def last_ms(self) -> dict[str, int]:
        """Return the last minute on record of each symbol."""
        return {tick.symbol: tick.as_of_ms for tick in self.ticks}

    def cut_off(self) -> list[Tick]:
        """Return what is left to take of the minute that was noted with an order."""
        last = self.last_ms
        return [tick for tick in self.minute if tick.as_of_ms > last.get(tick.symbol, 0)]

    def early(self) -> list[ApprovedOrder]:
        """Return the orders on record whose tick is not."""
        last = self.last_ms
        return [order for order in self.orders.values() if order.decided_ms > last.get(order.symbol, 0)]

    def reports(self) -> dict[Moment, VenueReport]:
        """Return what the ticks on record were told."""
        return {(tick.symbol, tick.as_of_ms): tick.report for tick in self.ticks if tick.report is not None}


class Life(JournalOff):
    """One process of the desk, from its start to its death; it is its own journal.

    shares: the orders of a minute are put on record together, at its end, and sent after that.
    """

    def __init__(
        self,
        way: Way,
        notebook: Notebook,
        symbols: Sequence[str],
        terms: VenueTerms = TERMS,
        *,
        shares: bool = False,
    ) -> None:
        self.way, self.notebook, self.symbols, self.shares = way, notebook, symbols, shares
        self.broker = WorldBroker(way)
        clock = LoopClock()
        self.clock = clock
        self.venue = LiveVenue(self.broker, terms, WireCode("a run", symbols), clock, clock.elapsed_s)
        reports = notebook.reports()
        refusals = {order_id: why for tick in notebook.ticks for order_id, why in tick.refusals}
        if shares:
            self.venue.hold_orders()
        self.relived = RelivedVenue(reports, refusals, self._hear)
        self.books = Books(instruments=dict(way.world.instruments), cash_microusd=self.venue.cash_microusd)
        self.execution = ExecutionAgent(venue=self.relived, journal=self, books=self.books)
        self._taken: list[Tick] = []
        self._minute: list[Tick] = []
        self._heard: tuple[Moment, VenueReport] | None = None
        self._is_relived = False
        self._ordered: dict[str, ApprovedOrder] = {}
        self._noted: dict[Moment, VenueReport] = {}
        self._is_noted = False

    async def begin(self) -> None:
        """Live through the record, let the venue take over, take the cut-off minute again."""
        for tick in self.notebook.ticks:
            await self.tick(Tick(tick.symbol, tick.as_of_ms, tick.ticks, tick.action))
        self._is_relived = True
        await self.venue.open(self.symbols)
        if not self.notebook.has_begun:
            await self.venue.start_anew()
            await self.broker.step()
            self.notebook.baseline, self.notebook.has_begun = self.venue.cash_baseline_microusd, True
            self.notebook.began_ms = self.clock.now_ms()
        else:
            self._take_over()
        await self.venue.begin()
        self.relived.go_on_with(self.venue)
        await self.execution.reconcile()
        cut_off = self.notebook.cut_off()
        if cut_off:
            await self.take([Tick(one.symbol, one.as_of_ms, one.ticks, one.action) for one in cut_off])

    def _take_over(self) -> None:
        notebook, last = self.notebook, self.notebook.last_ms
        held = [(one.position, one.levels) for one in self.books.holdings.values()]
        pending, early = self.books.open_orders(), notebook.early()
        reports = notebook.reports().values()
        moments = [position.opened_ms for position, _ in held]
        moments += [order.decided_ms for order in (*pending, *early)]
        moments += [max(last.values(), default=0)]
        self.venue.take_over(
            held,
            pending,
            early,
            Told(
                reported=Counter(key_of(fill) for report in reports for fill in report.fills),
                paid=Counter(paid_key_of(one) for report in reports for one in report.funding),
                noted={moment: told for moment, told in notebook.noted.items() if moment[1] > last.get(moment[0], 0)},
                cut_off_ms=max((tick.as_of_ms for tick in notebook.cut_off()), default=0),
            ),
            cash_baseline_microusd=notebook.baseline,
            since_ms=max(min(moments), notebook.began_ms) - OVERLAP_MS,
        )

    async def take(self, minute: Sequence[Tick]) -> None:
        """Take one minute, and put it on record."""
        self._minute = list(minute)
        for tick in minute:
            await self.broker.step()
            await self.tick(tick)
            self._taken.append(tick)
        await self.broker.step()
        self.commit()
        if self.shares:
            await self.broker.step()
            self.venue.let_go(None)
        if self.venue.wants_reconciling:
            await self.reconcile()

    async def reconcile(self) -> None:
        """Compare the books with the venue; one that is silent is asked again another time."""
        try:
            await self.execution.reconcile()
        except VenueUnreachable:
            return

    async def tick(self, tick: Tick) -> None:
        """Hear what happened, look after what is held, then enter."""
        snapshot = Snapshot(symbol=tick.symbol, as_of_ms=tick.as_of_ms, bar=None, defects=("no bar",))
        tick.report = await self.relived.advance(snapshot)
        if tick.report is not None:
            self.execution.settle(tick.report)
        holding = self.books.holdings.get(tick.symbol)
        if holding is None:
            await self._enter(tick)
        elif tick.action == "trail":
            await self._trail(tick, holding.levels, holding.position.side)
        elif tick.action in {"leave", "turn"} and holding.exit_order is None:
            position = holding.position
            order = ApprovedOrder(
                client_order_id=f"{tick.symbol}-{tick.as_of_ms}-strategy",
                symbol=tick.symbol,
                strategy="play",
                side=position.side.opposite,
                size_lots=abs(position.size_lots),
                reduce_only=True,
                reference_ticks=tick.ticks,
                decided_ms=tick.as_of_ms,
                exit_reason=ExitReason.STRATEGY,
            )
            await self._sent(tick, order, await self.execution.leave(order, 1))

    async def _trail(self, tick: Tick, levels: Levels, side: Side) -> None:
        stop = int(side) * max(int(side) * levels.stop_ticks, int(side) * (tick.ticks - int(side) * tick.ticks // 200))
        if stop != levels.stop_ticks:
            moved = Levels(
                stop_ticks=stop,
                target_ticks=levels.target_ticks,
                stop_is_trailing=True,
                partial_ticks=levels.partial_ticks,
                partial_lots=levels.partial_lots,
            )
            await self.execution.protect(tick.symbol, moved)

    async def _enter(self, tick: Tick) -> None:
        if tick.action not in {"buy", "sell", "turn"} or any(
            one.order.symbol == tick.symbol for one in self.books.entries.values()
        ):
            return
        order = ApprovedOrder(
            client_order_id=f"{tick.symbol}-{tick.as_of_ms}-entry",
            symbol=tick.symbol,
            strategy="play",
            side=Side.SELL if tick.action == "sell" else Side.BUY,
            size_lots=20,
            reduce_only=False,
            reference_ticks=tick.ticks,
            decided_ms=tick.as_of_ms,
            exit_plan=PLAN,
        )
        entry = Entry(order=order, regime=Regime.CHOP, conviction_frac=1.0, risk_microusd=1)
        await self._sent(tick, order, await self.execution.enter(entry, 1))

    async def _sent(self, tick: Tick, order: ApprovedOrder, refusal: Refusal | None) -> None:
        if refusal is not None:
            tick.refusals.append((order.client_order_id, refusal))
        if self._is_relived:
            await self.broker.step()

    # The journal.

    def _hear(self, snapshot: Snapshot, report: VenueReport) -> None:
        self._heard = (snapshot.symbol, snapshot.as_of_ms), report

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record with all that came before it, what was just told and the minute at hand."""
        known = self.notebook.orders.get(order.client_order_id) or self._ordered.get(order.client_order_id) or order
        assert known == order, "the desk decided otherwise when it took the tick again"
        if not self._is_relived:
            return
        if known is order:
            self.way.count_order()
        self._ordered[order.client_order_id] = known
        self._is_noted = True
        if self._heard is not None:
            self._noted[self._heard[0]] = self._heard[1]
            self._heard = None
        if not self.shares:
            self.commit()

    def commit(self) -> None:
        """Put whole ticks on record, and the orders that wait for it."""
        if self.broker.is_dead:
            raise asyncio.CancelledError
        self.notebook.ticks += self._taken
        self.notebook.orders.update(self._ordered)
        self.notebook.noted.update(self._noted)
        if self._is_noted:
            self.notebook.minute = self._minute
        self._taken, self._ordered, self._noted, self._is_noted = [], {}, {}, False


@dataclass
class Story:
    """Lives of a desk, one after the other, minute by minute."""

    way: Way
    symbols: Sequence[str] = ("BTC-PERP", "SOL-PERP")
    terms: VenueTerms = TERMS
    shares: bool = False
    notebook: Notebook = field(default_factory=Notebook)
    life: Life | None = None
    n_lives: int = 0

    async def minute(self, actions: Mapping[str, str]) -> None:
        """Wait for the next minute's close and take it, in this life or the next."""
        now_ms = self.way.world.clock.now_ms()
        as_of_ms = (now_ms // MINUTE_MS + 1) * MINUTE_MS
        await asyncio.sleep((as_of_ms - now_ms) / 1000)
        prices = self.way.world.prices
        minute = [Tick(one, as_of_ms, prices[one], actions.get(one, "wait")) for one in self.symbols]
        await self.do(lambda life: life.take(minute))

    async def do(self, deed: Deed) -> None:
        """Do something in a life, once; a life that ends before it has begun to is followed by another."""
        is_begun = False

        async def lived(life: Life, *, is_new: bool) -> None:
            nonlocal is_begun
            if is_new:
                await life.begin()
            if not is_begun:
                is_begun = True
                await deed(life)

        while True:
            is_new = self.life is None
            life = self.life = self.life or self._born()
            self.n_lives += is_new
            task = asyncio.ensure_future(lived(life, is_new=is_new))
            dying = asyncio.ensure_future(self.way.killed.wait())
            await asyncio.wait({task, dying}, return_when=asyncio.FIRST_COMPLETED)
            dying.cancel()
            if task.done() and not self.way.killed.is_set() and task.exception() is None:
                return
            await self.end(task)
            await asyncio.sleep(PAUSE_S)

    def _born(self) -> Life:
        return Life(self.way, self.notebook, self.symbols, self.terms, shares=self.shares)

    async def end(self, task: "asyncio.Task[None] | None" = None) -> None:
        """End this life. Raises what ended it, if that was not a kill or a silent venue."""
        life, self.life = self.life, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        if life is not None:
            life.broker.is_dead = True
            closing = asyncio.ensure_future(life.venue.close())
            await asyncio.sleep(0)
            # Who is killed waits for nothing.
            closing.cancel()
            await asyncio.wait({closing})
        self.way.killed.clear()
        if task is not None and not task.cancelled():
            error = task.exception()
            if error is not None and not isinstance(error, VenueUnreachable):
                raise error
