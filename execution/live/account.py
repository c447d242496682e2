"""Our side of an account in the world: orders on their way, positions under guard, and what the desk is still to hear.

No message is sent from here: what the venue said is taken in, and what does not fit is BooksDisagree.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from domain.account import Fill, FundingPayment, Levels, Position, VenueReport
from domain.decisions import ApprovedOrder, ExitReason, Refusal
from domain.errors import BooksDisagree
from domain.instrument import Instrument
from domain.protection import planned_levels
from execution.live.broker import Execution, FundingPaid
from execution.live.fills import SUFFIXES, fill_of
from execution.live.guard import Guard
from execution.live.tracking import Box, Early, Told, Tracked
from execution.live.wire import ENTRY, WireCode, WireId, wire_id_of

NEVER_SENT: Final = "venue: never sent"
MOST_NOTES: Final = 10_000
"""Of a desk that does not ask for its notes, the oldest are lost."""


class LiveAccount:
    """The orders, guards and boxes of one run at one venue."""

    def __init__(self, instruments: Mapping[str, Instrument], code: WireCode) -> None:
        """Begin flat, with nothing on its way."""
        self.instruments: Final = instruments
        self.code: Final = code
        self.tracked: Final[dict[str, Tracked]] = {}
        self.guards: Final[dict[str, Guard]] = {}
        self.early: Final[dict[str, Early]] = {}
        self.notes: Final[deque[tuple[str, str]]] = deque(maxlen=MOST_NOTES)
        self._boxes: Final = {symbol: Box() for symbol in instruments}
        self._told_lots: Final[dict[str, int]] = dict.fromkeys(instruments, 0)
        self._told = Told()
        self._seen: dict[str, int] = {}
        self._seen_funding: set[FundingPaid] = set()

    def take_over(
        self,
        held: Sequence[tuple[Position, Levels]],
        pending: Sequence[ApprovedOrder],
        early: Sequence[ApprovedOrder],
        told: Told,
    ) -> None:
        """Go on where an earlier process of the run was cut off.

        held: the positions of the books. pending: orders on their way. early: orders on record whose tick was lost.
        """
        self._told = told
        for position, levels in held:
            wire = wire_id_of(position.client_order_id)
            lots = abs(position.size_lots)
            self.guards[position.symbol] = Guard(
                entry_id=position.client_order_id,
                symbol=position.symbol,
                at_ms=wire.at_ms,
                side=position.side,
                plan=position.exit_plan,
                levels=levels,
                held_lots=lots,
                entered_lots=abs(position.initial_lots),
                cost_microusd=abs(position.entry_cost_microusd),
                is_partial_done=levels.partial_lots == 0,
            )
            self._told_lots[position.symbol] = position.size_lots
        for order in (*pending, *early):
            self.track(order).is_sending = False
        for order in early:
            self.tracked[order.client_order_id].is_early = True

    def track(self, order: ApprovedOrder) -> Tracked:
        """Remember an order that is about to be sent."""
        wire_id = self.code.write(wire_id_of(order.client_order_id))
        tracked = Tracked(order=order, wire_id=wire_id, is_sending=True)
        self.tracked[order.client_order_id] = tracked
        return tracked

    def held_lots(self) -> dict[str, int]:
        """Return the positions as executions made them, by symbol, signed; nothing for a symbol that is flat."""
        return {symbol: guard.signed_lots for symbol, guard in self.guards.items() if guard.held_lots}

    def told_lots(self) -> Mapping[str, int]:
        """Return the positions as the desk was told them, by symbol, signed."""
        return self._told_lots

    @property
    def is_all_told(self) -> bool:
        """Say whether the desk has heard of everything that happened, and nothing is on its way."""
        return not self.tracked and not self._told.still_noted() and all(box.is_empty for box in self._boxes.values())

    @property
    def is_cash_comparable(self) -> bool:
        """Say whether our cash should be the venue's now."""
        return self.is_all_told and not any(guard.is_mixed for guard in self.guards.values())

    def open_order_ids(self) -> tuple[str, ...]:
        """Return the orders that the desk believes are on their way, sorted.

        An exit of a position that the desk knows to be closed is none of them, whatever is still to be told of it.
        """
        entries = {one.order.client_order_id for one in self.tracked.values() if one.order.exit_plan is not None}
        exits = {order_id: one.order.symbol for order_id, one in self.tracked.items() if order_id not in entries}
        for symbol, order_id in self._untold():
            if order_id.endswith(ENTRY):
                entries.add(order_id)
            else:
                exits[order_id] = symbol
        early = {*self.early, *(order_id for order_id, one in self.tracked.items() if one.is_early)}
        leaving = {order_id for order_id, symbol in exits.items() if self._told_lots[symbol]}
        return tuple(sorted((entries | leaving) - early))

    def _untold(self) -> Iterator[tuple[str, str]]:
        """Yield symbol and id of the desk's own orders of which it is still to hear something."""
        told = [(symbol, box.fills, box.rejections) for symbol, box in self._boxes.items()]
        told += [(symbol, [*one.fills], [*one.rejections]) for symbol, one in self._told.still_noted()]
        for symbol, fills, rejections in told:
            for order_id in (*(fill.client_order_id for fill in fills), *(one for one, _ in rejections)):
                if _is_own(order_id):
                    yield symbol, order_id

    # What the desk hears.

    def advance(self, symbol: str, as_of_ms: int) -> VenueReport | None:
        """Hand over what happened in a symbol; in the minute that was cut off, what it was told then."""
        if as_of_ms <= self._told.cut_off_ms:
            report = self._told.tell_again(symbol, as_of_ms)
        else:
            report = self._boxes[symbol].empty()
        if report is not None:
            self._told_lots[symbol] += sum(int(fill.side) * fill.size_lots for fill in report.fills)
        return report

    def was_told_before(self, symbol: str, as_of_ms: int) -> bool:
        """Say whether a tick is the one that was cut off, and the desk is told again what it was told then."""
        return self._told.was_told_before(symbol, as_of_ms)

    # What the venue says.

    def overlook(self, executions: Sequence[Execution]) -> None:
        """Take executions for old: they were done before the run began."""
        self._seen.update((execution.execution_id, execution.executed_ms) for execution in executions)

    def overlook_funding(self, paid: FundingPaid) -> None:
        """Take a funding settlement for old."""
        self._seen_funding.add(paid)

    def forget(self, executed_before_ms: int, settled_before_ms: int) -> None:
        """Forget what is so old that it is not looked at any more."""
        self._seen = {one: at_ms for one, at_ms in self._seen.items() if at_ms >= executed_before_ms}
        self._seen_funding = {paid for paid in self._seen_funding if paid.settled_ms >= settled_before_ms}

    def take(self, execution: Execution) -> bool:
        """Take one execution, once; return whether it was news. Raises BooksDisagree for one that is not ours."""
        if execution.execution_id in self._seen:
            return False
        wire = self.code.read(execution.wire_id)
        if self._comes_too_soon(execution, wire):
            return False
        self._seen[execution.execution_id] = execution.executed_ms
        is_ours = execution.is_liquidation if wire is None else wire.symbol == execution.symbol
        if execution.symbol not in self.instruments or not is_ours:
            raise BooksDisagree(
                f"the account traded {execution.size_lots} lots of {execution.symbol} (execution "
                f"{execution.execution_id}) by an order that is not this run's"
            )
        if wire is None:
            self._liquidated(execution)
        elif wire.serial:
            self._protected(execution, wire)
        else:
            self._executed(execution, wire)
        return True

    def _comes_too_soon(self, execution: Execution, wire: WireId | None) -> bool:
        """Say whether a part is told as closed before it is told as entered; it will be told again."""
        if not (execution.is_liquidation if wire is None else wire.serial):
            return False
        guard = self.guards.get(execution.symbol)
        fits = guard is not None and execution.size_lots <= guard.held_lots
        entries = [one for one in self.tracked.values() if one.order.exit_plan is not None]
        return not fits and any(one.order.symbol == execution.symbol for one in entries)

    def _executed(self, execution: Execution, wire: WireId) -> None:
        """Take an execution of an order that the desk sent itself."""
        instrument, order_id = self.instruments[execution.symbol], wire.client_order_id
        tracked = self.tracked.get(order_id)
        reference = 1 if tracked is None else tracked.order.reference_ticks
        fill = fill_of(execution, instrument, order_id, reference, wire.exit_reason)
        if self._told.was_reported(fill):
            self._recall(tracked, order_id, fill)
            return
        if tracked is None:
            raise BooksDisagree(f"{order_id} filled {fill.size_lots} lots after it was over (or was never sent)")
        if tracked.filled_lots + fill.size_lots > tracked.order.size_lots:
            raise BooksDisagree(f"{order_id} filled more than its {tracked.order.size_lots} lots")
        tracked.fills.append(fill)
        if tracked.order.exit_plan is None:
            self._reduce(execution, fill)
            return
        guard = self.guards.get(execution.symbol)
        if guard is None or guard.entry_id != order_id:
            guard = self._guard_of(tracked.order, wire.at_ms, fill)
        guard.enlarge(fill, instrument)

    def _recall(self, tracked: Tracked | None, order_id: str, fill: Fill) -> None:
        """Take an execution that the desk heard of in an earlier process."""
        guard = self.guards.get(fill.symbol)
        if tracked is not None:
            tracked.known_lots += fill.size_lots
        if guard is not None and guard.entry_id == order_id:
            guard.goes_in(fill)

    def _guard_of(self, order: ApprovedOrder, at_ms: int, fill: Fill) -> Guard:
        plan = order.exit_plan
        if plan is None or (order.symbol in self.guards and self.guards[order.symbol].held_lots):
            raise BooksDisagree(f"{order.client_order_id} filled while another position was open")
        guard = Guard(
            entry_id=order.client_order_id,
            symbol=order.symbol,
            at_ms=at_ms,
            side=order.side,
            plan=plan,
            levels=planned_levels(plan, int(order.side), fill.price_ticks, fill.size_lots),
        )
        self.guards[order.symbol] = guard
        return guard

    def _protected(self, execution: Execution, wire: WireId) -> None:
        """Take an execution of a protective order."""
        reason = wire.exit_reason or ExitReason.STOP
        entry_id = wire.client_order_id
        guard = self.guards.get(execution.symbol)
        sent = {} if guard is None else {one.wire_id: one.wanted.price_ticks for one in guard.protectives()}
        reference = sent.get(execution.wire_id or "", 0) or _level(guard, reason)
        order_id = f"{entry_id}-{SUFFIXES.get(reason, reason.value)}"
        fill = fill_of(execution, self.instruments[execution.symbol], order_id, reference, reason)
        is_ours = guard is not None and guard.entry_id == entry_id
        if self._told.was_reported(fill):
            if guard is not None and is_ours:
                guard.goes_out(fill)
            return
        if not is_ours:
            raise BooksDisagree(f"{order_id} filled {fill.size_lots} lots, and {entry_id} is not what is held")
        self._reduce(execution, fill)

    def _liquidated(self, execution: Execution) -> None:
        guard, reason = self.guards.get(execution.symbol), ExitReason.LIQUIDATION
        # Its name says nothing of the position: after a restart nobody knows any more which one it was.
        order_id = f"{execution.symbol}-{execution.executed_ms}-liq"
        fill = fill_of(execution, self.instruments[execution.symbol], order_id, _level(guard, reason), reason)
        if self._told.was_reported(fill):
            if guard is not None:
                guard.goes_out(fill)
            return
        if guard is None:
            raise BooksDisagree(f"{execution.symbol} was liquidated, and nothing of it is held")
        self._reduce(execution, fill)

    def _reduce(self, execution: Execution, fill: Fill) -> None:
        guard = self.guards.get(execution.symbol)
        if guard is None or execution.side is guard.side:
            raise BooksDisagree(f"{fill.client_order_id} filled {fill.size_lots} lots, and there is no such position")
        try:
            guard.reduce(fill)
        except ValueError as error:
            raise BooksDisagree(str(error)) from error
        self._put(fill)

    def _put(self, fill: Fill) -> None:
        if self._told.is_noted(fill):
            return
        box = self._boxes[fill.symbol]
        # The desk books an entry whole: what closes it again must not come before.
        waits = fill.exit_reason is not None and self._is_entering(fill.symbol)
        (box.held_back if waits else box.fills).append(fill)

    def _is_entering(self, symbol: str) -> bool:
        """Say whether an entry of this symbol has filled and is not told yet."""
        entries = [one for one in self.tracked.values() if one.order.exit_plan is not None]
        return any(one.fills for one in entries if one.order.symbol == symbol)

    def end(self, tracked: Tracked) -> None:
        """Let an order go that is over and whose executions are all here."""
        order, why = tracked.order, tracked.shortfall
        del self.tracked[order.client_order_id]
        box = self._boxes[order.symbol]
        if order.exit_plan is not None:
            for fill in tracked.fills:
                self._put(fill)
        if box.held_back and not self._is_entering(order.symbol):
            box.fills += box.held_back
            box.held_back = []
        if tracked.is_early:
            refusal = None if tracked.fills else Refusal(rule=NEVER_SENT, reason=why or "it did not fill")
            self.early[order.client_order_id] = Early(order=order, refusal=refusal)
        if why is None or self._told.is_noted_end(order.client_order_id):
            return
        if order.exit_plan is not None and tracked.fills:
            self.notes.append(("partly_filled", f"{order.client_order_id}: {why}"))
        elif not (tracked.is_early and not tracked.fills):
            box.rejections.append((order.client_order_id, why))

    def pay(self, paid: FundingPaid) -> None:
        """Take one funding settlement that the venue told, once."""
        if paid in self._seen_funding or paid.symbol not in self.instruments:
            return
        self._seen_funding.add(paid)
        if self._told.was_paid(paid.symbol, paid.settled_ms, paid.amount_microusd):
            return
        payment = FundingPayment(
            symbol=paid.symbol,
            position_lots=0,
            rate_quote_per_base_1e9=0,
            amount_microusd=paid.amount_microusd,
            settled_ms=paid.settled_ms,
            source="venue",
        )
        self._boxes[paid.symbol].funding.append(payment)


def _is_own(client_order_id: str) -> bool:
    """Say whether an id is of an order that the desk sent itself, not of protection."""
    try:
        wire_id_of(client_order_id)
    except ValueError:
        return False
    return True


def _level(guard: Guard | None, reason: ExitReason) -> int:
    """Return what a protective fill is measured against where its own trigger is not known any more."""
    if guard is None:
        return 1
    levels = guard.levels
    targets = {ExitReason.TARGET: levels.target_ticks, ExitReason.PARTIAL: levels.partial_ticks}
    return targets.get(reason, levels.stop_ticks) or levels.stop_ticks
