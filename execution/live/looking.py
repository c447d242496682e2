"""Looking at the venue: what became of orders, what was executed, and whether every position is protected there.

One look at a time. Whatever was sent and not answered is looked up before anything else; nothing is sent twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from domain.decisions import Side
from domain.errors import BooksDisagree, VenueUnreachable
from domain.ports import Clock
from execution.live.account import LiveAccount
from execution.live.broker import Broker, BrokerOrder, OrderKind, OrderState, Stage, Standing
from execution.live.fills import in_words
from execution.live.guard import Guard, Protective, Refused, Wanted
from execution.live.terms import VenueTerms
from execution.live.tracking import Tracked
from execution.live.wire import WireId

OVERLAP_MS: Final = 300_000
FUNDING_OVERLAP_MS: Final = 7_200_000
FORGET_MS: Final = 86_400_000
N_TRIES: Final = 5
N_SILENCES: Final = 3
MOST_SLIPPAGE_BPS: Final = 5_000.0
N_DOUBLINGS: Final = 16


class Looker:
    """Takes the venue's word into the account, and keeps the protection of every position as it should be.

    elapsed_s: seconds of a clock that only goes forward. leftovers: orders of this run that rest and that nobody
    knows of, by id with their symbol; an earlier process left them.
    """

    def __init__(
        self, broker: Broker, account: LiveAccount, terms: VenueTerms, clock: Clock, elapsed_s: Callable[[], float]
    ) -> None:
        self._broker, self._account, self._terms = broker, account, terms
        self._clock, self._elapsed_s = clock, elapsed_s
        self._one_at_a_time: Final = asyncio.Lock()
        self._since_ms = self._funding_since_ms = self._start_ms = 0
        self._offset_ms: int | None = None
        self._audited_s: float | None = None
        self._arriving_until_s: float | None = None
        self._strange: tuple[dict[str, int], float] | None = None
        self.leftovers: Final[dict[str, str]] = {}
        self.tells_funding = True

    def go_on_from(self, since_ms: int) -> None:
        """Look at nothing that was executed before `since_ms`; what an earlier process sent may still arrive."""
        self._since_ms = self._funding_since_ms = self._start_ms = since_ms
        self._arriving_until_s = self._elapsed_s() + self._terms.order_life_s

    async def begin_anew(self) -> None:
        """Look at nothing that was executed before now, whatever the venue's clock says. Raises VenueUnreachable."""
        self._since_ms = self._funding_since_ms = self._start_ms = self._clock.now_ms() - OVERLAP_MS
        self._account.overlook(await self._broker.executions(self._since_ms))
        for paid in await self._broker.funding(self._since_ms) or ():
            self._account.overlook_funding(paid)

    @property
    def may_more_arrive(self) -> bool:
        """Say whether an order of an earlier process may still turn up, unseen by any count of what rests."""
        return self._arriving_until_s is not None

    def is_strange(self, symbol: str) -> bool:
        """Say whether executions did not explain the position of a symbol when it was last counted."""
        return self._strange is not None and symbol in self._strange[0]

    async def look(self) -> None:
        """Look once at everything. Raises VenueUnreachable, and BooksDisagree for what cannot be explained."""
        async with self._one_at_a_time:
            await self._look()

    async def secure(self) -> None:
        """Let what the venue holds by our executions have its stop, whatever else is not explained.

        Raises VenueUnreachable.
        """
        async with self._one_at_a_time:
            troubles: list[VenueUnreachable] = []
            held = dict((await self._broker.standing()).positions)
            for guard in list(self._account.guards.values()):
                if held.get(guard.symbol, 0) * guard.signed_lots > 0:
                    await self._tend(guard, troubles)
            if troubles:
                raise troubles[0]

    async def standing(self) -> Standing:
        """Look until the venue's positions are what its executions say; return the account as it is then.

        Executions may be told a while after the position that they made: until `settle_s` is over a difference that
        stays is VenueUnreachable, after that it is returned.
        """
        async with self._one_at_a_time:
            for _ in range(N_TRIES):
                standing = await self._counted()
                if self._strange is None or self._elapsed_s() - self._strange[1] > self._terms.settle_s:
                    return standing
                await asyncio.sleep(self._terms.look_every_s / N_TRIES)
            raise VenueUnreachable("its executions do not explain its positions yet")

    def _compare(self, standing: Standing) -> None:
        """Note since when the positions differ, and by as much as now, from what the executions say."""
        strange = _difference(dict(standing.positions), self._account.held_lots())
        if not strange:
            self._strange = None
        elif self._strange is None or self._strange[0] != strange:
            self._strange = strange, self._elapsed_s()

    async def _counted(self) -> Standing:
        await self._look()
        standing = await self._count()
        # Asked after the count: what was settled before it is in it, and is told now.
        await self._take_funding()
        return standing

    async def _look(self) -> None:
        troubles: list[VenueUnreachable] = []
        for tracked in list(self._account.tracked.values()):
            await _noting(self._ask_after(tracked), troubles)
        is_up_to_date = await _noting(self._take_executions(), troubles)
        await _noting(self._audit(), troubles)
        for guard in list(self._account.guards.values()):
            await self._tend(guard, troubles)
        # What is left over may be all that protects a position of which nothing was heard yet.
        for wire_id, symbol in list(self.leftovers.items()) if is_up_to_date else []:
            await _noting(self._clear(wire_id, symbol), troubles)
        if troubles:
            raise troubles[0]

    async def _ask_after(self, tracked: Tracked) -> None:
        if tracked.is_sending or (tracked.state is not None and tracked.state.stage is not Stage.WORKING):
            return
        tracked.state = await self._broker.state_of(tracked.wire_id, tracked.order.symbol)

    def _steady_ms(self) -> int:
        """Return the time by the furthest back that our clock was: executions are not hidden by one that leaps ahead.

        What is looked at begins before it in any case.
        """
        elapsed_ms = round(self._elapsed_s() * 1000)
        offset_ms = self._clock.now_ms() - elapsed_ms
        self._offset_ms = offset_ms if self._offset_ms is None else min(self._offset_ms, offset_ms)
        steady_ms = self._offset_ms + elapsed_ms
        self._since_ms = min(self._since_ms, steady_ms - OVERLAP_MS)
        self._funding_since_ms = min(self._funding_since_ms, steady_ms - OVERLAP_MS)
        self._start_ms = min(self._start_ms, steady_ms - OVERLAP_MS)
        return steady_ms

    async def _take_executions(self) -> None:
        steady_ms = self._steady_ms()
        oldest_ms = max(self._start_ms, self._since_ms - FORGET_MS)
        strange: BooksDisagree | None = None
        for execution in await self._broker.executions(self._since_ms):
            if execution.executed_ms < oldest_ms:
                continue
            # A venue may tell one late that was executed earlier than another.
            self._since_ms = max(self._since_ms, execution.executed_ms - OVERLAP_MS)
            try:
                if self._account.take(execution):
                    self._account.notes.append(("execution", f"{execution.execution_id}: {in_words(execution)}"))
            except BooksDisagree as error:
                # The others are taken all the same: what they made has to be protected.
                strange = strange or error
        if strange is not None:
            raise strange
        for tracked in list(self._account.tracked.values()):
            self._end_if_over(tracked)
        self._since_ms = max(self._since_ms, steady_ms - FORGET_MS)
        self._account.forget(self._since_ms - FORGET_MS, self._funding_since_ms - FORGET_MS)

    def _end_if_over(self, tracked: Tracked) -> None:
        state = tracked.state
        if state is None or state.stage is Stage.WORKING:
            return
        now_s = self._elapsed_s()
        tracked.over_s = now_s if tracked.over_s is None else tracked.over_s
        over_for_s = now_s - tracked.over_s
        if tracked.is_told_whole:
            if state.stage is Stage.ABSENT and tracked.fills:
                raise BooksDisagree(f"{tracked.order.client_order_id} has filled, and the venue does not know it")
            # Where only executions say how much was filled, the last of them may be on its way.
            if state.filled_lots is not None or tracked.shortfall is None or over_for_s >= self._terms.late_s:
                self._account.end(tracked)
            return
        if over_for_s > self._terms.settle_s:
            raise BooksDisagree(
                f"{tracked.order.client_order_id}: the venue says {state.filled_lots} lots were filled, "
                f"its executions say {tracked.filled_lots}"
            )

    async def _take_funding(self) -> None:
        if not self.tells_funding:
            return
        steady_ms = self._steady_ms()
        oldest_ms = max(self._start_ms, self._funding_since_ms - FORGET_MS)
        paid = await self._broker.funding(self._funding_since_ms)
        self.tells_funding = paid is not None
        for one in paid or ():
            if one.settled_ms >= oldest_ms:
                self._account.pay(one)
            self._funding_since_ms = max(self._funding_since_ms, one.settled_ms - FUNDING_OVERLAP_MS)
        self._funding_since_ms = max(self._funding_since_ms, steady_ms - FORGET_MS)

    # Protection.

    async def _audit(self) -> None:
        """Count, every so often, what rests at the venue, and hear of the funding."""
        now_s = self._elapsed_s()
        if self._audited_s is not None and now_s - self._audited_s < self._terms.audit_every_s:
            return
        await self._count()
        await self._take_funding()

    async def _count(self) -> Standing:
        """Hold the protection against what rests at the venue: what ended unseen is put back, what is left over goes.

        Raises BooksDisagree for an order of somebody else.
        """
        began_s = self._elapsed_s()
        standing = await self._broker.standing()
        self._compare(standing)
        resting = {one.wire_id for one in standing.resting}
        for guard in list(self._account.guards.values()):
            for one in [one for one in guard.resting.values() if one.wire_id not in resting]:
                await self._miss(guard, one)
        known = {one.wire_id for guard in self._account.guards.values() for one in guard.protectives()}
        known |= {tracked.wire_id for tracked in self._account.tracked.values()} | self.leftovers.keys()
        for left in standing.resting:
            if left.wire_id in known:
                continue
            if left.wire_id is None or self._account.code.read(left.wire_id) is None:
                raise BooksDisagree(
                    f"an order rests in {left.symbol} that is not this run's: {left.wire_id or 'by hand'}"
                )
            self.leftovers[left.wire_id] = left.symbol
        if self._arriving_until_s is not None and began_s > self._arriving_until_s:
            self._arriving_until_s = None
        self._audited_s = began_s
        return standing

    async def _miss(self, guard: Guard, missed: Protective) -> None:
        """Forget protection that is over; what it filled is told by its executions."""
        state, held_lots = await self._broker.state_of(missed.wire_id, guard.symbol), guard.held_lots
        if state.stage is Stage.WORKING or state.filled_lots:
            return
        if state.filled_lots is None:
            # Only executions tell, and it may have been filled since they were asked for.
            await self._take_executions()
            if guard.held_lots < held_lots:
                return
        guard.drop(missed.wire_id)
        self._account.notes.append(("protection_gone", f"{guard.symbol} {missed.wanted.slot}: {state.why}"))

    async def _clear(self, wire_id: str, symbol: str) -> None:
        """Take a leftover away, once what should rest in its place does."""
        guard = self._account.guards.get(symbol)
        if self.is_strange(symbol) or (guard is not None and not guard.is_protected):
            return
        await self._broker.cancel(wire_id, symbol)
        if (await self._broker.state_of(wire_id, symbol)).stage is not Stage.WORKING:
            del self.leftovers[wire_id]
            self._account.notes.append(("leftover_cancelled", f"{symbol} {wire_id}"))

    async def _tend(self, guard: Guard, troubles: list[VenueUnreachable]) -> None:
        """Bring what rests at the venue to what should. The new is placed before the old is taken away."""
        for one in list(guard.doubtful):
            await _noting(self._ask_about(guard, one), troubles)
        doubtful = {one.wanted.slot for one in guard.doubtful}
        wanted = {want.slot: want for want in guard.wanted()}
        for slot, want in wanted.items():
            if slot not in doubtful and self._is_due(guard, want):
                await _noting(self._replace(guard, want), troubles)
        # An entry of which more may be told keeps its guard and its stop, whatever was closed of it meanwhile.
        is_entering = guard.entry_id in self._account.tracked
        for slot in guard.resting.keys() - wanted.keys():
            if slot != "stop" or not is_entering:
                guard.leaving.append(guard.resting.pop(slot))
        for one in list(guard.leaving):
            await _noting(self._take_away(guard, one), troubles)
        if guard.is_gone and not is_entering:
            self._account.guards.pop(guard.symbol, None)

    async def _ask_about(self, guard: Guard, sent: Protective) -> None:
        self._settle(guard, sent, await self._broker.state_of(sent.wire_id, guard.symbol))

    async def _take_away(self, guard: Guard, leaving: Protective) -> None:
        await self._broker.cancel(leaving.wire_id, guard.symbol)
        state = await self._broker.state_of(leaving.wire_id, guard.symbol)
        if state.stage is not Stage.WORKING:
            guard.drop(leaving.wire_id)

    def _is_due(self, guard: Guard, want: Wanted) -> bool:
        resting, refused = guard.resting.get(want.slot), guard.refused.get(want.slot)
        if resting is not None and resting.wanted == want:
            return False
        return refused is None or refused.wanted != want or self._elapsed_s() >= refused.again_s

    async def _replace(self, guard: Guard, want: Wanted) -> None:
        sent, state = await self._send(guard, want, want.price_ticks, is_market=False)
        if guard.resting.get(want.slot) is sent:
            guard.refused.pop(want.slot, None)
        elif not state.filled_lots:
            self._account.notes.append(("protection_refused", f"{guard.symbol} {want.slot}: {state.why}"))
            await self._leave_at_once(guard, want)

    async def _send(
        self, guard: Guard, want: Wanted, price_ticks: int, *, is_market: bool
    ) -> tuple[Protective, OrderState]:
        """Send one order of a position's protection, under an id that was never used."""
        now_ms = self._clock.now_ms()
        guard.last_serial = max(now_ms - guard.at_ms, guard.last_serial + 1)
        wire = WireId(symbol=guard.symbol, purpose=want.reason.value, at_ms=guard.at_ms, serial=guard.last_serial)
        sent = Protective(wire_id=self._account.code.write(wire), wanted=want, is_market=is_market)
        guard.doubtful.append(sent)
        order = BrokerOrder(
            wire_id=sent.wire_id,
            symbol=guard.symbol,
            kind=OrderKind.IOC if is_market else want.kind,
            side=guard.side.opposite,
            size_lots=want.size_lots,
            reduce_only=True,
            price_ticks=price_ticks,
            valid_until_ms=now_ms + round(self._terms.order_life_s * 1000),
        )
        try:
            state = await self._broker.place(order)
        except VenueUnreachable:
            guard.unanswered.add(sent.wire_id)
            raise
        self._settle(guard, sent, state)
        return sent, state

    def _settle(self, guard: Guard, sent: Protective, state: OrderState) -> None:
        """Take the venue's word on a protective order that was sent."""
        if sent.is_market and state.stage is Stage.WORKING:
            guard.unanswered.discard(sent.wire_id)
            return
        guard.drop(sent.wire_id)
        if state.stage is not Stage.WORKING:
            return
        before = guard.resting.pop(sent.wanted.slot, None)
        if before is not None:
            guard.leaving.append(before)
        guard.resting[sent.wanted.slot] = sent

    async def _leave_at_once(self, guard: Guard, want: Wanted) -> None:
        """Do what protection would do that the venue does not let rest, because the price is beyond it already.

        A target takes no less than its price. A stop sells at any: it goes twice as far each time that it is refused.
        """
        before = guard.refused.get(want.slot)
        times = before.times + 1 if before is not None and before.wanted == want else 1
        wait_s = min(self._terms.look_every_s * 2**times, self._terms.longest_wait_s)
        guard.refused[want.slot] = Refused(
            wanted=want, times=min(times, N_DOUBLINGS), again_s=self._elapsed_s() + wait_s
        )
        slippage_bps = min(self._terms.exit_slippage_bps * 2 ** (times - 1), MOST_SLIPPAGE_BPS)
        price_ticks = want.price_ticks
        if want.kind is OrderKind.STOP:
            price_ticks = worst_ticks(guard.side.opposite, price_ticks, slippage_bps)
        _, state = await self._send(guard, want, price_ticks, is_market=True)
        filled = f"{state.filled_lots or 0} lots; {state.why}"
        self._account.notes.append((f"{want.kind.value}_by_market", f"{guard.symbol} {want.slot}: {filled}"))


async def _noting(step: Awaitable[None], troubles: list[VenueUnreachable]) -> bool:
    """Await one step; say whether it went well.

    A venue that is silent about one order may answer about the next. The third silence is enough.
    """
    try:
        await step
    except VenueUnreachable as error:
        troubles.append(error)
        if len(troubles) >= N_SILENCES:
            raise
        return False
    return True


def _difference(theirs: dict[str, int], ours: dict[str, int]) -> dict[str, int]:
    """Return by how much positions differ, by symbol, signed; nothing for one that does not."""
    lots = {symbol: theirs.get(symbol, 0) - ours.get(symbol, 0) for symbol in sorted({*theirs, *ours})}
    return {symbol: differs for symbol, differs in lots.items() if differs}


def worst_ticks(side: Side, reference_ticks: int, slippage_bps: float) -> int:
    """Return the worst price an order of `side` may fill at, rounded towards the reference."""
    room_ticks = int(reference_ticks * slippage_bps / 1e4)
    return max(1, reference_ticks + int(side) * room_ticks)
