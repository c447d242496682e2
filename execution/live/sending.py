"""Sending: every order travels in a task of its own, so that no tick waits for the venue's answer.

An order is handed over when it is decided on. Where orders of one minute share one commit it is held until that is
done; then it goes, once, unless something became doubtful meanwhile.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from domain.decisions import ApprovedOrder
from domain.errors import VenueUnreachable
from execution.live.account import LiveAccount
from execution.live.broker import Broker, BrokerOrder, OrderState, Stage
from execution.live.terms import VenueTerms
from execution.live.tracking import Tracked

Doubt = Callable[[ApprovedOrder], str | None]


class Sender:
    """Sends what it is handed, in the order in which it was, `terms.n_at_once` at one time.

    holds: orders wait until they are let go. doubt: why an order must not leave now, asked at the last moment.
    wake: called when an answer has come, or is not awaited any more.
    """

    def __init__(
        self, broker: Broker, account: LiveAccount, terms: VenueTerms, doubt: Doubt, wake: Callable[[], None]
    ) -> None:
        """Begin with nothing on its way."""
        self.holds = False
        self._broker, self._account, self._terms = broker, account, terms
        self._doubt, self._wake = doubt, wake
        self._turns: Final = asyncio.Semaphore(terms.n_at_once)
        self._held: list[tuple[Tracked, BrokerOrder]] = []
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    async def take(self, tracked: Tracked, order: BrokerOrder) -> None:
        """Take an order that is to be sent, and let it set out where it need not wait."""
        self._held.append((tracked, order))
        if not self.holds:
            self.let_go(None)
            await asyncio.sleep(0)

    def let_go(self, why_not: str | None) -> None:
        """Send what is held. why_not: why only exits may go; an entry then ends unsent, as is told later."""
        held, self._held = self._held, []
        for tracked, order in held:
            if why_not is not None and tracked.order.exit_plan is not None:
                self._drop(tracked, why_not)
                continue
            task = asyncio.get_running_loop().create_task(self._send(tracked, order))
            self._tasks.add(task)
            task.add_done_callback(self._forget)

    async def answered(self, longest_s: float) -> None:
        """Wait until what was sent is answered, but no longer."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=longest_s)

    def raise_what_broke(self) -> None:
        """Raise what ended a sending that nobody foresaw."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def close(self) -> None:
        """Wait a while for answers. What has none then is of unknown fate, for the next process to look up."""
        try:
            await self.answered(self._terms.closing_s)
        finally:
            left = list(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _send(self, tracked: Tracked, order: BrokerOrder) -> None:
        try:
            async with self._turns:
                doubt = self._doubt(tracked.order)
                if doubt is not None:
                    self._drop(tracked, doubt)
                    return
                tracked.state = await self._broker.place(order)
        except VenueUnreachable as error:
            self._account.notes.append(("order_unanswered", f"{tracked.order.client_order_id}: {error}"))
        finally:
            tracked.is_sending = False
            self._wake()

    def _drop(self, tracked: Tracked, why: str) -> None:
        tracked.state = OrderState(wire_id=tracked.wire_id, stage=Stage.OVER, filled_lots=0, why=f"not sent: {why}")
        tracked.is_sending = False
        self._wake()

    def _forget(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)
