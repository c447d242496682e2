"""A dry run: every order is filled on paper, and rehearsed at the order gateway as the real transaction it would be.

The gateway builds and simulates; there is no key in it, and nothing is sent. What it says of an entry counts, as its
no would in live. What it says of an exit is only noted: the account on chain holds nothing that could be reduced.
"""

from collections.abc import Callable
from typing import Final, Protocol

from domain.account import AccountView, Levels, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.errors import VenueUnreachable
from domain.market import Snapshot
from domain.ports import Venue
from domain.record import Record
from execution.live.broker import BrokerOrder, OrderKind
from execution.live.looking import worst_ticks
from execution.live.terms import VenueTerms
from execution.live.wire import WireCode, wire_id_of

RULE: Final = "gateway"
UNREACHABLE: Final = "venue_unreachable"


class Heard(Record, frozen=True, kw_only=True):
    """What was heard of one order when it was rehearsed. refusal: None = it would have gone through."""

    refusal: Refusal | None


class Rehearsing(Protocol):
    """Who rehearses an order: `GatewayBroker` in dry_run."""

    async def rehearse(self, order: BrokerOrder) -> str:
        """Return why an order would not go through, "" where it would. Raises VenueUnreachable."""
        ...


class RehearsingVenue:
    """Implements `domain.ports.Venue`: the paper venue, behind the gateway's word on every order.

    recorded: what is on record of an order by its id, None where nothing is; such an order is not asked about again.
    A run that is lived through again gets the same answers so, without a gateway. Nothing is recorded here.
    """

    def __init__(
        self,
        paper: Venue,
        gateway: Rehearsing | None,
        code: WireCode,
        terms: VenueTerms,
        now_ms: Callable[[], int],
        recorded: Callable[[str], Heard | None] = lambda _: None,
    ) -> None:
        """Stand before the paper venue. gateway: open, in dry_run; None where every order is on record."""
        self._paper, self._gateway, self._code, self._terms = paper, gateway, code, terms
        self._now_ms, self._recorded = now_ms, recorded
        self._heard: dict[str, Heard] = {}
        self._notes: list[tuple[str, str]] = []

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        """Report what happened on paper."""
        return await self._paper.advance(snapshot)

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        """Rehearse an order, then take it on paper. The same id is rehearsed once and gets the same answer."""
        id = order.client_order_id
        heard = self._recorded(id) or self._heard.get(id) or await self._rehearsed(order)
        self._heard[id] = heard
        if heard.refusal is not None and not order.reduce_only:
            return heard.refusal
        return await self._paper.submit(order)

    async def protect(self, symbol: str, levels: Levels) -> None:
        """Replace the protection on paper."""
        await self._paper.protect(symbol, levels)

    async def account(self) -> AccountView:
        """Return the paper account."""
        return await self._paper.account()

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what the rehearsals found since last asked, as (kind, sentence)."""
        notes, self._notes = self._notes, []
        return notes

    async def _rehearsed(self, order: ApprovedOrder) -> Heard:
        if self._gateway is None:
            raise VenueUnreachable(f"{order.client_order_id} is not on record, and there is no gateway to rehearse it")
        try:
            why = await self._gateway.rehearse(self._wording(order))
        except VenueUnreachable as error:
            why = f"{UNREACHABLE}: {error}"
        kind = "rehearsal_failed" if why else "rehearsed"
        self._notes.append((kind, f"{order.client_order_id}: {why or 'built and simulated cleanly'}"))
        return Heard(refusal=Refusal(rule=RULE, reason=why) if why else None)

    def _wording(self, order: ApprovedOrder) -> BrokerOrder:
        """Return the order as live would send it."""
        terms = self._terms
        slippage_bps = terms.exit_slippage_bps if order.reduce_only else terms.entry_slippage_bps
        return BrokerOrder(
            wire_id=self._code.write(wire_id_of(order.client_order_id)),
            symbol=order.symbol,
            kind=OrderKind.IOC,
            side=order.side,
            size_lots=order.size_lots,
            reduce_only=order.reduce_only,
            price_ticks=worst_ticks(order.side, order.reference_ticks, slippage_bps),
            valid_until_ms=self._now_ms() + round(terms.order_life_s * 1_000),
        )
