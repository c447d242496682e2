"""A run at a venue in the world: the venue is opened before the run, and takes over where the record ends."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from msgspec.json import decode as json_decode

from agents.books import Books
from console.living import Seen
from console.session import Session
from db.reading import find_run, latest_events, newest_event
from db.reported import NOTHING_REPORTED, Reported, reported, unticked_orders
from db.store import Store
from desk.at_hand import REPORT, MinuteAtHand, cut_off_reports
from desk.live_minutes import LiveMinutes
from desk.relived import RelivedVenue
from desk.runner import Desk
from domain.errors import BadInput, JournalCorrupt
from domain.instrument import Instrument
from domain.market import Snapshot
from domain.ports import Venue
from execution.gateway_client.broker import GatewayBroker
from execution.gateway_client.rehearsal import Heard, RehearsingVenue
from execution.live.fills import key_of, paid_key_of
from execution.live.tracking import Told
from execution.live.venue import LiveVenue
from risk.readiness import make_ready

OPENED: Final = "venue_opened"
OVERLAP_MS: Final = 300_000
N_REPORTS: Final = 64


class Openable(Protocol):
    """What leads into the world, and must be opened before a run is begun."""

    async def open(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Connect; return each symbol's grid there. Raises BadInput and VenueUnreachable."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


@contextmanager
def opened_venue(venue: Openable, runner: asyncio.Runner, symbols: Sequence[str]) -> Iterator[Mapping[str, Instrument]]:
    """Hold a venue open; give each symbol's grid there. Nothing of the run is on record when it cannot be opened."""
    try:
        yield runner.run(venue.open(symbols))
    finally:
        runner.run(venue.close())


def say_what_is_waited_for(venue: LiveVenue) -> None:
    """Tell why the end of a desk takes a while, where it does."""
    if venue.is_exposed:
        print(  # noqa: T201 - the live view is closed by now
            "waiting, a minute at most, until what was sent is over and what is held has its stop; Ctrl-C leaves it as "
            "it is",
            file=sys.stderr,
        )


def figures_on_record(store: Store, run_id: str, there: Mapping[str, Instrument]) -> Mapping[str, Instrument]:
    """Return the figures that a run was begun with; margins and least sizes at a venue follow price and account.

    Raises BadInput where what is booked on would not fit any more: the venue has another tick or lot.
    """
    begun = json_decode(find_run(store, run_id).header.instruments_json, type=list[Instrument])
    for one in begun:
        now = there.get(one.symbol, one)
        if (now.tick_size_price, now.lot_size_base) != (one.tick_size_price, one.lot_size_base):
            raise BadInput(
                f"run {run_id} was begun with a tick of {one.tick_size_price} and a lot of {one.lot_size_base} for "
                f"{one.symbol}, and the venue's are {now.tick_size_price} and {now.lot_size_base} now: close by hand "
                "what it holds, and begin a new run"
            )
    return {one.symbol: one for one in begun}


class Reach(Protocol):
    """What a run has to do with the world beside the market: live, or in a dry run."""

    def venue(self, at_hand: MinuteAtHand) -> Venue:
        """Return the venue that the agents meet; called once."""
        ...

    def join(self, session: Session) -> None:
        """Let a session go on with it after its past, and hear what happens there."""
        ...


@dataclass(slots=True)
class Trading:
    """A `Reach`: one run at a venue in the world. resumed: the run's name where it goes on, None where it is new."""

    live: LiveVenue
    store: Store
    resumed: str | None
    seen: Seen
    _relived: RelivedVenue = field(default_factory=lambda: RelivedVenue({}, {}))

    def told(self) -> Reported:
        """Return what the venue has told the run so far."""
        return NOTHING_REPORTED if self.resumed is None else reported(self.store, self.resumed)

    def venue(self, at_hand: MinuteAtHand) -> Venue:
        """Return the venue that the agents meet: the record first, then the world."""
        told = self.told()
        self._relived = RelivedVenue(told.reports, told.refusals, at_hand.hear)
        self.live.hold_orders()
        at_hand.share_commits(self.live.let_go)
        return self._relived

    def join(self, session: Session) -> None:
        """Let a session go on at the venue after its past, and hear what happens there."""
        desk = session.desk
        make_ready(desk.master.risk.desk)
        session.go_on = lambda: self.go_on(desk)
        desk.wants_reconciling = lambda: self.live.wants_reconciling
        if isinstance(session.schedule, LiveMinutes):
            session.schedule.venue_notes = self.live.take_notes
            session.schedule.answered = self.live.answered

    async def go_on(self, desk: Desk) -> None:
        """Let the venue take over from the record. Raises BooksDisagree and VenueUnreachable."""
        opening = None if self.resumed is None else newest_event(self.store, self.resumed, OPENED)
        if opening is None:
            await self.live.start_anew()
            desk.note(OPENED, json.dumps({"cash_microusd": self.live.cash_baseline_microusd}))
            desk.journal.commit()
        else:
            self._take_over(desk.master.execution.books, opening)
        await self.live.begin()
        self._relived.go_on_with(self.live)

    def _take_over(self, books: Books, opening: str) -> None:
        run_id = self.resumed or ""
        told, early = self.told(), unticked_orders(self.store, run_id)
        held = [(one.position, one.levels) for one in books.holdings.values()]
        pending = books.open_orders()
        last = dict(self.seen.last_as_of_ms)
        noted = cut_off_reports(latest_events(self.store, run_id, REPORT, N_REPORTS), last)
        moments = [position.opened_ms for position, _ in held]
        moments += [order.decided_ms for order in (*pending, *early)]
        moments += [max(last.values(), default=0)]
        self.live.take_over(
            held,
            pending,
            early,
            Told(
                reported=Counter(key_of(fill) for fill in told.fills()),
                paid=Counter(paid_key_of(one) for report in told.reports.values() for one in report.funding),
                noted=noted,
                cut_off_ms=_cut_off_ms(self.seen.cut_off),
            ),
            cash_baseline_microusd=_baseline(opening),
            since_ms=max(min(moments) - OVERLAP_MS, find_run(self.store, run_id).started_ms - OVERLAP_MS),
        )


@dataclass(slots=True)
class DryRun:
    """A `Reach`: one run whose orders are rehearsed at the gateway and filled on paper.

    rehearsing: builds its venue, of what is on record of each order.
    """

    gateway: GatewayBroker
    instruments: Mapping[str, Instrument]
    rehearsing: Callable[[Mapping[str, Instrument], Callable[[str], Heard | None]], RehearsingVenue]
    store: Store
    resumed: str | None
    _venue: RehearsingVenue | None = None

    def venue(self, at_hand: MinuteAtHand) -> Venue:
        """Return the venue that the agents meet. What is on record of an order is not asked again."""
        refusals = {} if self.resumed is None else reported(self.store, self.resumed).refusals
        lost = () if self.resumed is None else unticked_orders(self.store, self.resumed)
        unanswered = {order.client_order_id for order in lost}

        def recorded(client_order_id: str) -> Heard | None:
            if not at_hand.is_catching_up or client_order_id in unanswered:
                return None
            return Heard(refusal=refusals.get(client_order_id))

        self._venue = self.rehearsing(self.instruments, recorded)
        return self._venue

    def join(self, session: Session) -> None:
        """Hear what the rehearsals found."""
        if isinstance(session.schedule, LiveMinutes):
            session.schedule.venue_notes = self._notes

    def _notes(self) -> list[tuple[str, str]]:
        own = [] if self._venue is None else self._venue.take_notes()
        return [*self.gateway.take_notes(), *own]


def _cut_off_ms(cut_off: Sequence[Snapshot]) -> int:
    return max((snapshot.as_of_ms for snapshot in cut_off), default=0)


def _baseline(opening: str) -> int | None:
    try:
        found = json.loads(opening)["cash_microusd"]
    except (ValueError, KeyError, TypeError) as error:
        raise JournalCorrupt(f"what was noted when the venue was opened cannot be read: {error}") from error
    return found if isinstance(found, int) else None
