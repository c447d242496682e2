"""The execution agent: puts orders on record, then sends them, and books what the venue reports."""

from dataclasses import dataclass

from agents.books import Books, Entry
from domain.account import AccountView, Fill, FundingPayment, Levels, Trade, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.errors import BooksDisagree, JournalUnavailable
from domain.instrument import usd
from domain.ports import Journal, Venue
from domain.record import Record


class Settled(Record, frozen=True, kw_only=True, gc=False):
    """What the venue reported for one minute, after it was booked."""

    fills: tuple[Fill, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    trades: tuple[Trade, ...] = ()
    refusals: tuple[tuple[str, Refusal], ...] = ()


NOTHING_SETTLED = Settled()


@dataclass(slots=True)
class ExecutionAgent:
    """Sends to the venue what risk has approved, and books what it reports."""

    venue: Venue
    journal: Journal
    books: Books

    def settle(self, report: VenueReport) -> Settled:
        """Book what the venue reports of one minute. Raises BooksDisagree for what we cannot account for."""
        for payment in report.funding:
            self.books.apply_funding(payment)
        trades = [self.books.apply_fill(fill) for fill in report.fills]
        for client_order_id, _ in report.rejections:
            self.books.forget(client_order_id)
        return Settled(
            fills=report.fills,
            funding=report.funding,
            trades=tuple(trade for trade in trades if trade is not None),
            refusals=tuple((order_id, Refusal(rule="venue", reason=why)) for order_id, why in report.rejections),
        )

    async def enter(self, entry: Entry, tick_no: int) -> Refusal | None:
        """Record and send an entry. Without a durable record nothing leaves."""
        try:
            self.journal.record_order(entry.order, tick_no)
        except JournalUnavailable as error:
            return Refusal(rule="journal", reason=f"the order could not be recorded: {error}")
        refusal = await self.venue.submit(entry.order)
        if refusal is None:
            self.books.expect(entry)
        return refusal

    async def leave(self, order: ApprovedOrder, tick_no: int) -> Refusal | None:
        """Record and send an exit. It only reduces, so it leaves even when it cannot be recorded yet."""
        refusal: Refusal | None = None
        try:
            self.journal.record_order(order, tick_no)
        except JournalUnavailable as error:
            refusal = Refusal(rule="journal", reason=f"sent before it was on record: {error}")
        answer = await self.venue.submit(order)
        if answer is None:
            self.books.holdings[order.symbol].exit_order = order
        return answer or refusal

    async def protect(self, symbol: str, levels: Levels) -> None:
        """Move the protection resting at the venue."""
        await self.venue.protect(symbol, levels)
        self.books.holdings[symbol].levels = levels

    async def reconcile(self) -> None:
        """Compare our books with the venue's account. Raises BooksDisagree naming the difference."""
        theirs = await self.venue.account()
        ours = self.books.view(self.books.open_order_ids())
        if not _agree(ours, theirs):
            raise BooksDisagree(f"our books: {_told(ours)}; the venue: {_told(theirs)}")


def _agree(ours: AccountView, theirs: AccountView) -> bool:
    if (ours.positions, ours.open_order_ids) != (theirs.positions, theirs.open_order_ids):
        return False
    if ours.cash_microusd is None or theirs.cash_microusd is None:
        return True
    return abs(ours.cash_microusd - theirs.cash_microusd) <= theirs.cash_tolerance_microusd


def _told(view: AccountView) -> str:
    positions = ", ".join(f"{lots} lots of {symbol}" for symbol, lots in view.positions) or "no position"
    cash = "cash not told" if view.cash_microusd is None else f"cash {usd(view.cash_microusd)} USD"
    return f"{positions}; {cash}; orders {', '.join(view.open_order_ids) or 'none'}"
