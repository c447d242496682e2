"""Looking at the venue: what became of orders, what was executed, and whether every position is protected there.

One look at a time. Whatever was sent and not answered is looked up before anything else; nothing is sent twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from domain.decisions import Side
from domain.errors import BooksDisagree, VenueUnreachable
from domain.instrument import usd
from domain.ports import Clock
from execution.live.account import LiveAccount
from execution.live.broker import Broker, BrokerOrder, Execution, OrderKind, OrderState, Stage, Standing
from execution.live.guard import Guard, Protective, Wanted
from execution.live.terms import VenueTerms
from execution.live.tracking import Tracked
from execution.live.wire import WireId

OVERLAP_MS: Final = 300_000
N_TRIES: Final = 5
N_SILENCES: Final = 3


class Looker:
    """Takes the venue's word into the account, and keeps the protection of every position as it should be.

    elapsed_s: seconds of a clock that only goes forward. since_ms: executions before it are none of this run's
    business, or on record already.
    """

    def __init__(
        self, broker: Broker, account: LiveAccount, terms: VenueTerms, clock: Clock, elapsed_s: Callable[[], float]
    ) -> None:
        self._broker, self._account, self._terms = broker, account, terms
        self._clock, self._elapsed_s = clock, elapsed_s
        self._one_at_a_time: Final = asyncio.Lock()
        self._since_ms = self._start_ms = 0
        self._audited_s: float | None = None
        self.tells_funding = True

    def begin_at(self, since_ms: int) -> None:
        """Look at nothing that was executed before `since_ms`."""
        self._since_ms = self._start_ms = since_ms

    async def begin_anew(self) -> None:
        """Look at nothing that was executed before now, whatever the venue's clock says. Raises VenueUnreachable."""
        self.begin_at(self._clock.now_ms() - OVERLAP_MS)
        self._account.overlook(await self._broker.executions(self._since_ms))
        for paid in await self._broker.funding(self._since_ms) or ():
            self._account.overlook_funding(paid)

    async def look(self) -> None:
        """Look once at everything. Raises VenueUnreachable, and BooksDisagree for what cannot be explained."""
        async with self._one_at_a_time:
            await self._look()

    async def standing(self) -> Standing:
        """Look until the venue's positions are what its executions say, a few times; return them as they are then."""
        async with self._one_at_a_time:
            standing = await self._counted()
            for _ in range(N_TRIES):
                # Executions may be told a moment after the position that they made.
                if dict(standing.positions) == self._account.held_lots() and not self._account.tracked:
                    break
                await asyncio.sleep(self._terms.look_every_s / N_TRIES)
                standing = await self._counted()
            return standing

    async def _counted(self) -> Standing:
        await self._look()
        standing = await self._broker.standing()
        await self.audit(standing)
        return standing

    async def _look(self) -> None:
        troubles: list[VenueUnreachable] = []
        for tracked in list(self._account.tracked.values()):
            await _noting(self._ask_after(tracked), troubles)
        await self._take_executions()
        for tracked in list(self._account.tracked.values()):
            self._end_if_over(tracked)
        await self._take_funding()
        await self._audit()
        for guard in list(self._account.guards.values()):
            await _noting(self._tend(guard), troubles)
        if troubles:
            raise troubles[0]

    async def _ask_after(self, tracked: Tracked) -> None:
        if tracked.is_sending or (tracked.state is not None and tracked.state.stage is not Stage.WORKING):
            return
        tracked.state = await self._broker.state_of(tracked.wire_id, tracked.order.symbol)

    async def _take_executions(self) -> None:
        for execution in await self._broker.executions(self._since_ms):
            if execution.executed_ms < self._start_ms:
                continue
            if self._account.take(execution):
                self._account.notes.append(("execution", f"{execution.execution_id}: {_in_words(execution)}"))
            # A venue may tell one late that was executed earlier than another.
            self._since_ms = max(self._since_ms, execution.executed_ms - OVERLAP_MS)

    def _end_if_over(self, tracked: Tracked) -> None:
        state = tracked.state
        if state is None or state.stage is Stage.WORKING:
            return
        if tracked.is_told_whole:
            if state.stage is Stage.ABSENT and tracked.fills:
                raise BooksDisagree(f"{tracked.order.client_order_id} has filled, and the venue does not know it")
            self._account.end(tracked)
            return
        now_s = self._elapsed_s()
        tracked.over_s = now_s if tracked.over_s is None else tracked.over_s
        if now_s - tracked.over_s > self._terms.settle_s:
            raise BooksDisagree(
                f"{tracked.order.client_order_id}: the venue says {state.filled_lots} lots were filled, "
                f"its executions say {tracked.filled_lots}"
            )

    async def _take_funding(self) -> None:
        if not self.tells_funding:
            return
        paid = await self._broker.funding(self._since_ms)
        self.tells_funding = paid is not None
        for one in paid or ():
            if one.settled_ms >= self._start_ms:
                self._account.pay(one)

    # Protection.

    async def _audit(self) -> None:
        """Count, every so often, what rests at the venue: what ended unseen is put back, what is left over goes."""
        now_s = self._elapsed_s()
        if self._audited_s is not None and now_s - self._audited_s < self._terms.audit_every_s:
            return
        await self.audit(await self._broker.standing())
        self._audited_s = now_s

    async def audit(self, standing: Standing) -> None:
        """Hold the protection against what rests at the venue. Raises BooksDisagree for an order of somebody else."""
        resting = {one.wire_id for one in standing.resting}
        for guard in self._account.guards.values():
            for one in list(guard.resting.values()):
                if one.wire_id in resting:
                    continue
                state = await self._broker.state_of(one.wire_id, guard.symbol)
                if state.stage is not Stage.WORKING:
                    guard.drop(one.wire_id)
                    self._account.notes.append(("protection_gone", f"{guard.symbol} {one.wanted.slot}: {state.why}"))
        known = {one.wire_id for guard in self._account.guards.values() for one in guard.protectives()}
        known |= {tracked.wire_id for tracked in self._account.tracked.values()}
        for left in standing.resting:
            if left.wire_id in known:
                continue
            if self._account.code.read(left.wire_id) is None:
                raise BooksDisagree(
                    f"an order rests in {left.symbol} that is not this run's: {left.wire_id or 'by hand'}"
                )
            await self._broker.cancel(left.wire_id or "", left.symbol)
            self._account.notes.append(("leftover_cancelled", f"{left.symbol} {left.wire_id}"))

    async def _tend(self, guard: Guard) -> None:
        """Bring what rests at the venue to what should. The new is placed before the old is taken away."""
        for one in list(guard.doubtful):
            self._settle(guard, one, await self._broker.state_of(one.wire_id, guard.symbol))
        wanted = list(guard.wanted())
        for want in wanted:
            resting = guard.resting.get(want.slot)
            if resting is None or resting.wanted != want:
                await self._replace(guard, want)
        for slot in guard.resting.keys() - {want.slot for want in wanted}:
            guard.leaving.append(guard.resting.pop(slot))
        await self._take_away(guard)
        if guard.is_gone and self._account.guards.get(guard.symbol) is guard:
            del self._account.guards[guard.symbol]

    async def _take_away(self, guard: Guard) -> None:
        for one in list(guard.leaving):
            await self._broker.cancel(one.wire_id, guard.symbol)
            state = await self._broker.state_of(one.wire_id, guard.symbol)
            if state.stage is not Stage.WORKING:
                guard.drop(one.wire_id)

    async def _replace(self, guard: Guard, want: Wanted) -> None:
        now_ms = self._clock.now_ms()
        wire = WireId(
            symbol=guard.symbol, purpose=want.reason.value, at_ms=guard.at_ms, serial=self._serial(guard, now_ms)
        )
        sent = Protective(wire_id=self._account.code.write(wire), wanted=want)
        guard.doubtful.append(sent)
        state = await self._broker.place(self._order(guard, sent, want.kind, want.price_ticks, now_ms))
        self._settle(guard, sent, state)
        if guard.resting.get(want.slot) is sent or state.filled_lots:
            return
        self._account.notes.append(("protection_refused", f"{guard.symbol} {want.slot}: {state.why}"))
        if want.slot == "stop":
            await self._leave_at_once(guard, want, now_ms)

    def _settle(self, guard: Guard, sent: Protective, state: OrderState) -> None:
        """Take the venue's word on a protective order that was sent."""
        guard.drop(sent.wire_id)
        if state.stage is not Stage.WORKING:
            return
        before = guard.resting.pop(sent.wanted.slot, None)
        if before is not None:
            guard.leaving.append(before)
        guard.resting[sent.wanted.slot] = sent

    async def _leave_at_once(self, guard: Guard, want: Wanted, now_ms: int) -> None:
        """Do what the stop would do where the venue takes none, because the price is beyond it already."""
        wire = WireId(
            symbol=guard.symbol, purpose=want.reason.value, at_ms=guard.at_ms, serial=self._serial(guard, now_ms) + 1
        )
        sent = Protective(wire_id=self._account.code.write(wire), wanted=want)
        price_ticks = worst_ticks(guard.side.opposite, want.price_ticks, self._terms.exit_slippage_bps)
        guard.doubtful.append(sent)
        state = await self._broker.place(self._order(guard, sent, OrderKind.IOC, price_ticks, now_ms))
        if state.stage is not Stage.WORKING:
            guard.drop(sent.wire_id)
        self._account.notes.append(("stop_by_market", f"{guard.symbol}: {state.filled_lots or 0} lots; {state.why}"))

    def _order(self, guard: Guard, sent: Protective, kind: OrderKind, price_ticks: int, now_ms: int) -> BrokerOrder:
        return BrokerOrder(
            wire_id=sent.wire_id,
            symbol=guard.symbol,
            kind=kind,
            side=guard.side.opposite,
            size_lots=sent.wanted.size_lots,
            reduce_only=True,
            price_ticks=price_ticks,
            valid_until_ms=now_ms + round(self._terms.order_life_s * 1000),
        )

    def _serial(self, guard: Guard, now_ms: int) -> int:
        """Return a serial that this guard has not used, in this process or in an earlier one."""
        guard.last_serial = max(now_ms - guard.at_ms, guard.last_serial + 2, 1)
        return guard.last_serial


async def _noting(step: Awaitable[None], troubles: list[VenueUnreachable]) -> None:
    """Await one step; a venue that is silent about one order may answer about the next. The third silence is enough."""
    try:
        await step
    except VenueUnreachable as error:
        troubles.append(error)
        if len(troubles) >= N_SILENCES:
            raise


def worst_ticks(side: Side, reference_ticks: int, slippage_bps: float) -> int:
    """Return the worst price an order of `side` may fill at, rounded towards the reference."""
    room_ticks = int(reference_ticks * slippage_bps / 1e4)
    return max(1, reference_ticks + int(side) * room_ticks)


def _in_words(execution: Execution) -> str:
    side = "bought" if execution.side is Side.BUY else "sold"
    kind = "by the liquidator" if execution.is_liquidation else f"for {execution.wire_id}"
    return (
        f"{side} {execution.size_lots} lots of {execution.symbol} for {usd(execution.quote_microusd)} USD, "
        f"fee {usd(execution.fee_microusd)}, {kind}, at {execution.executed_ms}"
    )
