"""Executions as facts, in the order they happened: read page by page up to the newest final block, each once.

A block of the chain can be taken back for some seconds after it is confirmed; after that it is final, and never is.
The desk books an execution for ever, so only what is final is told here; it comes about thirteen seconds later than a
confirmation would. Everything else that rests on the end of an order is told from final blocks too (broker.py), so no
order is over before its executions can be had: `hold_to` sees to it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from domain.errors import BooksDisagree, VenueUnreachable
from domain.instrument import Instrument
from execution.gateway_client.grid import SIDES, lots_of
from execution.gateway_client.messages import FillOnChain, Fills, FillsTold
from execution.live.broker import Execution

# One transaction is one question to the node: a page of this many is answered within a line's patience.
PAGE: Final = 25
MS_PER_S: Final = 1_000
# The chain's clock may be off by minutes; more than was asked for does no harm.
CHAIN_CLOCK_MARGIN_MS: Final = 600_000


class Ledger:
    """The executions of one account, as far as they are known."""

    def __init__(self, ask: Callable[[Fills], Awaitable[FillsTold]]) -> None:
        """Take what asks the gateway for one page."""
        self._ask = ask
        self._known: dict[str, Execution] = {}
        self._from_ms: int | None = None
        self._slot = 0
        self._least_slot = 0

    def hold_to(self, slot: int) -> None:
        """Note that something is told that rests on this final slot: nothing told later may rest on an older one.

        Raises VenueUnreachable for one that does.
        """
        if slot < self._least_slot:
            raise VenueUnreachable(f"the node is at slot {slot}, behind slot {self._least_slot} of what was told")
        self._least_slot = slot

    async def since(self, since_ms: int, instruments: Mapping[str, Instrument]) -> list[Execution]:
        """Return every execution since an instant, oldest first.

        Raises VenueUnreachable, and BooksDisagree when some of them can no longer be had.
        """
        if self._from_ms is None or since_ms < self._from_ms:
            self._known, self._slot, self._from_ms = {}, 0, None
        final_slot, fills = await self._walk(since_ms)
        for fill in fills:
            execution = _execution(fill, instruments)
            self._known.setdefault(execution.execution_id, execution)
        self._slot, self._from_ms = final_slot, since_ms if self._from_ms is None else self._from_ms
        return list(self._known.values())

    async def _walk(self, since_ms: int) -> tuple[int, list[FillOnChain]]:
        """Return the slot up to which all is known then, and the fills after the slot known so far."""
        page = await self._page(None)
        final_slot, fills = page.final_slot, list(page.fills)
        self.hold_to(final_slot)
        while page.more and not self._reaches(page, since_ms):
            page = await self._page(page.oldest)
            fills = [*page.fills, *fills]
        starts_ms = None if page.history_ts_s is None else page.history_ts_s * MS_PER_S
        if starts_ms is not None and (self._slot or starts_ms > since_ms):
            raise BooksDisagree(f"the node's history begins at {starts_ms} ms: executions before that cannot be had")
        return final_slot, fills

    async def _page(self, before: str | None) -> FillsTold:
        page = await self._ask(Fills(after_slot=self._slot, final=True, before=before, most=PAGE))
        if page.cut:
            raise BooksDisagree("the node cut a transaction's log short: an execution in it cannot be had")
        return page

    def _reaches(self, page: FillsTold, since_ms: int) -> bool:
        """Say whether a page goes back far enough; with a slot known, only that slot is far enough."""
        oldest_ms = None if page.oldest_ts_s is None else page.oldest_ts_s * MS_PER_S
        return not self._slot and oldest_ms is not None and oldest_ms < since_ms - CHAIN_CLOCK_MARGIN_MS


def _execution(fill: FillOnChain, instruments: Mapping[str, Instrument]) -> Execution:
    if fill.fill_record_id < 1 or fill.base_raw < 1 or fill.quote_raw < 1:
        raise VenueUnreachable(f"the fill in transaction {fill.signature} has no number, size or quote")
    of = instruments.get(fill.symbol or "")
    return Execution(
        execution_id=f"{fill.market_index}:{fill.fill_record_id}",
        wire_id=fill.id,
        symbol=name_of(fill.symbol, fill.market_index),
        side=SIDES[fill.side],
        size_lots=fill.base_raw if of is None else lots_of(fill.base_raw, of, f"the fill {fill.fill_record_id}"),
        quote_microusd=fill.quote_raw,
        fee_microusd=fill.fee_raw,
        executed_ms=fill.ts_s * MS_PER_S,
        is_liquidation=fill.liquidation,
    )


def name_of(symbol: str | None, market_index: int) -> str:
    """Return a market's name, also of one that is not in the gateway's policy; its sizes are then in 1e-9 base."""
    return symbol or f"MARKET-{market_index}"
