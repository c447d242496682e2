"""A venue in the world behind `domain.ports.Venue`: orders go out once, and what comes of them is told with the ticks.

Orders go out (sending.py) and the venue is looked at (looking.py) beside the desk's ticks. A look fills the boxes that
`advance` empties, so that no tick waits for the venue. What the desk is told enters the journal with that tick.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from domain.account import AccountView, Levels, Position, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.errors import BooksDisagree, VenueUnreachable
from domain.instrument import MICROUSD_PER_USD, Instrument
from domain.market import Snapshot
from domain.ports import Clock
from execution.live.account import LiveAccount
from execution.live.broker import Broker, BrokerOrder, OrderKind, Standing
from execution.live.funding import with_funding
from execution.live.looking import Looker, worst_ticks
from execution.live.sending import Sender
from execution.live.terms import VenueTerms
from execution.live.tracking import Told, Tracked
from execution.live.wire import WireCode

FIRST_WAIT_S: Final = 0.5


class LiveVenue:
    """Implements `domain.ports.Venue` over a broker. open, take_over or start_anew, begin; close in the end."""

    def __init__(
        self,
        broker: Broker,
        terms: VenueTerms,
        code: WireCode,
        clock: Clock,
        elapsed_s: Callable[[], float],
    ) -> None:
        """Stand before the venue; nothing is sent or asked before `open`."""
        self._broker, self._terms, self._code = broker, terms, code
        self._clock, self._elapsed_s = clock, elapsed_s
        self._account = LiveAccount({}, code)
        self._looker = Looker(broker, self._account, terms, clock, elapsed_s)
        self._wake: Final = asyncio.Event()
        self._sender = Sender(broker, self._account, terms, self._doubt, self._wake.set)
        self._task: asyncio.Task[None] | None = None
        self._broken: BooksDisagree | None = None
        self._lost: str | None = None
        self._wait_s = FIRST_WAIT_S
        self._cash_baseline_microusd: int | None = None
        self.wants_reconciling = False

    @property
    def cash_microusd(self) -> int:
        """What the books begin with."""
        return round(self._terms.capital_usd * MICROUSD_PER_USD)

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Connect; return each symbol's grid there. Raises BadInput and VenueUnreachable."""
        instruments = await self._broker.open(symbols)
        self._account = LiveAccount(instruments, self._code)
        self._looker = Looker(self._broker, self._account, self._terms, self._clock, self._elapsed_s)
        holds = self._sender.holds
        self._sender = Sender(self._broker, self._account, self._terms, self._doubt, self._wake.set)
        self._sender.holds = holds
        return instruments

    async def start_anew(self) -> None:
        """Begin a run: the account must be flat in everything, with nothing resting and enough in it.

        Raises BooksDisagree.
        """
        standing = await self._broker.standing()
        if standing.positions or standing.resting:
            held = [f"{lots} lots of {symbol}" for symbol, lots in standing.positions]
            held += [f"an order in {one.symbol}" for one in standing.resting]
            raise BooksDisagree(
                f"a new run begins on a flat account, and this one has {', '.join(held)}: close it by hand, or go on "
                "with the run that opened it (--run-id)"
            )
        if standing.cash_microusd is not None and standing.cash_microusd < self.cash_microusd:
            found = standing.cash_microusd / MICROUSD_PER_USD
            raise BooksDisagree(
                f"LIVE_CAPITAL_USD is {self._terms.capital_usd:g}, and the account holds {found:.2f} USD"
            )
        self._cash_baseline_microusd = standing.cash_microusd
        await self._looker.begin_anew()

    def take_over(
        self,
        held: Sequence[tuple[Position, Levels]],
        pending: Sequence[ApprovedOrder],
        early: Sequence[ApprovedOrder],
        told: Told,
        *,
        cash_baseline_microusd: int | None,
        since_ms: int,
    ) -> None:
        """Go on with a run. See `LiveAccount.take_over`; since_ms: nothing executed before it is news.

        cash_baseline_microusd: the account's cash when the run began, None where the venue did not tell it.
        """
        self._account.take_over(held, pending, early, told)
        self._cash_baseline_microusd = cash_baseline_microusd
        self._looker.go_on_from(since_ms)

    @property
    def cash_baseline_microusd(self) -> int | None:
        """The account's cash when the run began; None where the venue does not tell it."""
        return self._cash_baseline_microusd

    async def begin(self) -> None:
        """Look until everything is explained, then go on looking beside the desk.

        What became of an order that was cut off may not be certain at once, so it is tried for a while. Raises
        VenueUnreachable and BooksDisagree.
        """
        until_s = self._elapsed_s() + self._terms.settle_s + self._terms.order_life_s
        while True:
            try:
                await self._explained()
                break
            except VenueUnreachable:
                if self._elapsed_s() > until_s:
                    raise
            await asyncio.sleep(FIRST_WAIT_S)
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Hear what is still to be answered, stop looking, let the broker go. What rests at the venue rests on.

        An entry that was just sent is waited for, and so is the stop of what it filled: `settle_s` at most.
        """
        try:
            await self._sender.close()
            # What it did not say by then it will be asked at the next start.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._terms.settle_s):
                    await self._until_protected()
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
            await self._broker.close()

    @property
    def is_exposed(self) -> bool:
        """Say whether a position is without its stop, or may come to be; `close` then waits."""
        return self._task is not None and self._account.is_exposed

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened at the venue and on the way to it since last asked, as (kind, sentence)."""
        told = [*self._broker.take_notes(), *self._account.notes]
        self._account.notes.clear()
        return told

    def hold_orders(self) -> None:
        """Let no order out from now on before `let_go`: several share the commit that puts them on record."""
        self._sender.holds = True

    def let_go(self, why_not: str | None) -> None:
        """Send what is held. why_not: why only exits may leave; an entry then ends unsent."""
        self._sender.let_go(why_not)

    async def answered(self, longest_s: float) -> None:
        """Wait until what was sent is answered, but no longer."""
        await self._sender.answered(longest_s)

    # The port.

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        """Tell what happened in this symbol since last asked. Raises BooksDisagree."""
        self._raise_what_broke()
        report = self._account.advance(snapshot.symbol, snapshot.as_of_ms)
        settlement = snapshot.funding_settlement
        if self._looker.tells_funding or settlement is None:
            return report
        if self._account.was_told_before(snapshot.symbol, snapshot.as_of_ms):
            return report
        told_lots = self._account.told_lots()[snapshot.symbol]
        return with_funding(report, settlement, told_lots, self._account.instruments[snapshot.symbol])

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        """Hand over an order, to be sent once; None = on its way, whatever comes of it is told later."""
        self._raise_what_broke()
        early = self._account.early.pop(order.client_order_id, None)
        known = self._account.tracked.get(order.client_order_id)
        if early is not None or known is not None:
            if known is not None:
                known.is_early = False
            return None if early is None else early.refusal
        refusal = self._refusal_of(order)
        if refusal is None:
            tracked = self._account.track(order)
            await self._sender.take(tracked, self._wording(tracked))
        return refusal

    async def protect(self, symbol: str, levels: Levels) -> None:
        """Move the protection of a position; what rests at the venue follows at once, beside the tick."""
        self._raise_what_broke()
        guard = self._account.guards.get(symbol)
        if guard is not None and guard.held_lots:
            guard.levels = levels
            self._wake.set()

    async def account(self) -> AccountView:
        """Return the account as the venue sees it, less what the desk is still to be told.

        Raises VenueUnreachable, and BooksDisagree naming what cannot be explained.
        """
        self._raise_what_broke()
        standing = await self._explained()
        self.wants_reconciling = False
        told, held = self._account.told_lots(), self._account.held_lots()
        positions = dict(standing.positions)
        # What the venue has and executions do not explain stays; what they explain is told with the next ticks.
        for symbol, lots in told.items():
            positions[symbol] = positions.get(symbol, 0) - held.get(symbol, 0) + lots
        return AccountView(
            cash_microusd=self._comparable_cash(standing.cash_microusd),
            positions=tuple(sorted((symbol, lots) for symbol, lots in positions.items() if lots)),
            open_order_ids=self._account.open_order_ids(),
            cash_tolerance_microusd=round(self._terms.cash_tolerance_usd * MICROUSD_PER_USD),
        )

    async def _explained(self) -> Standing:
        """Return the account once its executions explain it. What they never will is raised from then on."""
        try:
            return await self._looker.standing()
        except BooksDisagree as error:
            await self._break(error)
            raise

    def _comparable_cash(self, cash_microusd: int | None) -> int | None:
        if cash_microusd is None or self._cash_baseline_microusd is None or not self._account.is_cash_comparable:
            return None
        return cash_microusd - self._cash_baseline_microusd + self.cash_microusd

    def _refusal_of(self, order: ApprovedOrder) -> Refusal | None:
        doubt = self._doubted(order)
        if doubt is not None:
            return doubt
        if order.exit_plan is not None:
            return self._refusal_of_entry(order)
        if any(one.is_sending and one.order.symbol == order.symbol for one in self._account.tracked.values()):
            return Refusal(rule="venue: unresolved", reason=f"the last order in {order.symbol} is not answered yet")
        guard = self._account.guards.get(order.symbol)
        if guard is None or guard.held_lots == 0:
            return Refusal(rule="venue: position", reason="the position is gone, as will be told")
        return None

    def _doubted(self, order: ApprovedOrder) -> Refusal | None:
        """Say what may become doubtful between an order's handing over and its leaving; None = nothing is."""
        unknown = [one.order.client_order_id for one in self._account.tracked.values() if one.is_unknown]
        if unknown:
            return Refusal(rule="venue: unresolved", reason=f"what became of {unknown[0]} is not known yet")
        if order.exit_plan is None:
            return None
        if self._lost is not None:
            return Refusal(rule="venue: lost", reason=self._lost)
        unanswered = [guard.symbol for guard in self._account.guards.values() if guard.unanswered]
        if unanswered:
            why = f"what became of an order that protects {unanswered[0]} is not known yet"
            return Refusal(rule="venue: unresolved", reason=why)
        if self._looker.is_strange(order.symbol):
            return Refusal(rule="venue: unresolved", reason="the venue's position is not explained yet")
        return None

    def _doubt(self, order: ApprovedOrder) -> str | None:
        refusal = self._doubted(order)
        return None if refusal is None else refusal.reason

    def _refusal_of_entry(self, order: ApprovedOrder) -> Refusal | None:
        if self._looker.may_more_arrive:
            return Refusal(rule="venue: unresolved", reason="what was sent before the restart may still arrive")
        symbols = {*self._account.guards, *self._looker.leftovers.values()}
        if order.symbol in symbols | {one.order.symbol for one in self._account.tracked.values()}:
            return Refusal(rule="venue: leftovers", reason="the last position's orders are not all gone yet")
        age_ms = self._clock.now_ms() - order.decided_ms
        if age_ms > self._terms.order_life_s * 1000:
            return Refusal(rule="venue: late", reason=f"the decision is {age_ms / 1000:.1f} s old")
        return None

    def _wording(self, tracked: Tracked) -> BrokerOrder:
        order, terms = tracked.order, self._terms
        is_exit = order.exit_plan is None
        guard = self._account.guards.get(order.symbol)
        lots = min(order.size_lots, guard.held_lots) if is_exit and guard is not None else order.size_lots
        slippage_bps = terms.exit_slippage_bps if is_exit else terms.entry_slippage_bps
        return BrokerOrder(
            wire_id=tracked.wire_id,
            symbol=order.symbol,
            kind=OrderKind.IOC,
            side=order.side,
            size_lots=lots,
            reduce_only=order.reduce_only,
            price_ticks=worst_ticks(order.side, order.reference_ticks, slippage_bps),
            valid_until_ms=self._clock.now_ms() + round(terms.order_life_s * 1000),
        )

    # Beside the desk.

    async def _follow(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                await self._wait_for_news(listening)
                await self._look()
        finally:
            listening.cancel()

    async def _listen(self) -> None:
        """Wake the look when the venue says that something changed; a line that breaks is tried ever more seldom."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._broker.changed()
            except VenueUnreachable as error:
                self._lose(error)
                self._wake.set()
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, self._terms.longest_wait_s)
            else:
                self._wake.set()
                await asyncio.sleep(self._terms.rest_s)
                wait_s = FIRST_WAIT_S

    async def _wait_for_news(self, listening: asyncio.Task[None]) -> None:
        """Wait until the venue or the desk says that something changed, or it is time to look anyway."""
        waking = asyncio.create_task(self._wake.wait())
        pause_s = self._terms.look_every_s if self._lost is None else self._wait_s
        try:
            await asyncio.wait({waking, listening}, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
        self._wake.clear()
        if listening.done():
            listening.result()

    async def _look(self) -> None:
        try:
            await self._looker.look()
        except VenueUnreachable as error:
            self._lose(error)
            self._wait_s = min(2 * self._wait_s, self._terms.longest_wait_s)
        except BooksDisagree as error:
            await self._break(error)
            raise
        else:
            if self._lost is not None:
                self._account.notes.append(("venue_back", f"after: {self._lost}"))
                self._lost, self._wait_s, self.wants_reconciling = None, FIRST_WAIT_S, True

    async def _break(self, error: BooksDisagree) -> None:
        """Raise this from now on. No look follows, so what is held gets its stop before."""
        self._broken = self._broken or error
        try:
            await self._looker.secure()
        except VenueUnreachable as silence:
            self._lose(silence)

    async def _until_protected(self) -> None:
        """Go on looking while a position may be without its stop."""
        while self.is_exposed:
            # What does not fit halted the desk already, or will halt the next one; what is held matters here.
            with suppress(BooksDisagree):
                await self._look()
            await asyncio.sleep(FIRST_WAIT_S)

    def _lose(self, error: VenueUnreachable) -> None:
        if self._lost is None:
            self._account.notes.append(("venue_lost", str(error)))
        self._lost = str(error)

    def _raise_what_broke(self) -> None:
        if self._broken is not None:
            raise self._broken
        self._sender.raise_what_broke()
        if self._task is not None and self._task.done():
            self._task.result()
