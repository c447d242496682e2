"""The venue of a run that is lived through again: what it told is on record, and nobody is asked.

A run on paper needs none of this, its venue tells the same again. A venue in the world does not: until the record is
behind us its recorded words take its place, and after that the venue itself does.
"""

from collections.abc import Callable, Mapping
from typing import Final

from domain.account import AccountView, Levels, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.errors import VenueUnreachable
from domain.market import Snapshot
from domain.ports import Venue


class RelivedVenue:
    """Implements `domain.ports.Venue`: from the record first, then through a venue once there is one.

    reports: by symbol and minute. refusals: the answers that were no, by order. hears: told each report before the
    desk is, so that it can be kept with the first thing that rests on it.
    """

    def __init__(
        self,
        reports: Mapping[tuple[str, int], VenueReport],
        refusals: Mapping[str, Refusal],
        hears: Callable[[Snapshot, VenueReport], None] | None = None,
    ) -> None:
        """Answer from the record."""
        self._reports: Final = reports
        self._refusals: Final = refusals
        self._hears: Final = hears
        self._venue: Venue | None = None

    def go_on_with(self, venue: Venue) -> None:
        """From now on the venue itself answers."""
        self._venue = venue

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        """Return what was told then, or is told now."""
        if self._venue is None:
            return self._reports.get((snapshot.symbol, snapshot.as_of_ms))
        report = await self._venue.advance(snapshot)
        if report is not None and self._hears is not None:
            self._hears(snapshot, report)
        return report

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        """Return the answer of then, or send the order."""
        if self._venue is None:
            return self._refusals.get(order.client_order_id)
        return await self._venue.submit(order)

    async def protect(self, symbol: str, levels: Levels) -> None:
        """Move the protection, where there is a venue to hold it."""
        if self._venue is not None:
            await self._venue.protect(symbol, levels)

    async def account(self) -> AccountView:
        """Return the venue's account. Raises VenueUnreachable while there is nothing but the record."""
        if self._venue is None:
            raise VenueUnreachable("this run is only lived through again: there is no venue to ask")
        return await self._venue.account()
