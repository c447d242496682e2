"""A run at a venue in the world is lived through again from its words on record, and from nothing else."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.replaying import replay
from db.chain import RunHeader
from db.opening import open_journal
from db.reported import Reported, reported, unticked_orders
from desk.at_hand import REPORT, MinuteAtHand, cut_off_reports
from desk.relived import RelivedVenue
from domain.account import AccountView, Fill, FundingPayment, Levels, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.errors import BooksDisagree, VenueUnreachable
from domain.market import Snapshot
from domain.ports import Venue
from domain.tick import TradingState
from tests.flow import stage
from tests.flow.notebook import Notebook

TAPE = [
    *stage.quiet(12),
    stage.explosive(12),
    *stage.quiet(3, price=150.6, first=13),
    stage.minute(16, 150.6, 151.2, volume=9_000.0),
    *stage.quiet(8, price=151.2, first=17),
]
KNOBS = {
    "EXIT_TRAIL_PCT": "0",
    "EXIT_MAX_HOLD_BARS": "3",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
}
HEADER = RunHeader(
    run_id="run",
    command="live",
    settings_json="{}",
    code_version="1",
    data_identity="tape",
    symbols=("SOL-PERP",),
    instruments_json="[]",
    is_simulated=False,
)


@dataclass
class Capricious:
    """A venue whose words cannot be computed again: fees, prices, parts, refusals and funding come by a draw."""

    venue: Venue
    dice: np.random.Generator
    refuses_frac: float = 0.4
    words: list[VenueReport | Refusal] = field(default_factory=list)

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        report = await self.venue.advance(snapshot)
        if report is None:
            return None
        fills = tuple(part for fill in report.fills for part in self._parts(fill))
        paid = FundingPayment(
            symbol=snapshot.symbol,
            position_lots=0,
            rate_quote_per_base_1e9=0,
            amount_microusd=int(self.dice.integers(-900, 900)),
            settled_ms=snapshot.as_of_ms,
            source="venue",
        )
        told = VenueReport(fills=fills, funding=(paid,), rejections=report.rejections)
        self.words.append(told)
        return told

    def _parts(self, fill: Fill) -> list[Fill]:
        moved = replace(fill, price_ticks=fill.price_ticks + int(self.dice.integers(0, 3)), fee_microusd=7)
        if fill.size_lots < 2:
            return [moved]
        first = int(self.dice.integers(1, fill.size_lots))
        return [replace(moved, size_lots=first), replace(fill, size_lots=fill.size_lots - first)]

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        if self.dice.random() < self.refuses_frac:
            self.words.append(Refusal(rule="venue: lost", reason=f"a word of the hour: {self.dice.random()}"))
            return self.words[-1]
        return await self.venue.submit(order)

    async def protect(self, symbol: str, levels: Levels) -> None:
        await self.venue.protect(symbol, levels)

    async def account(self) -> AccountView:
        return await self.venue.account()


def record(path: Path, seed: int, *, n_ticks: int | None = None) -> Capricious:
    """Live the tape through at a capricious venue; all of it is on record."""

    async def go() -> Capricious:
        with open_journal(f"sqlite:///{path}", writable=True) as store:
            journal = store.begin(HEADER, 1)
            master = stage.desk(journal, **KNOBS)
            venue = Capricious(master.execution.venue, np.random.default_rng(seed))
            master.execution.venue = venue
            for snapshot in TAPE[:n_ticks]:
                journal.append(await master.tick(snapshot, TradingState.ACTIVE))
            journal.commit()
            if n_ticks is None:
                journal.finish(json.dumps({}), 2)
            return venue

    return asyncio.run(go())


def relive(path: Path, *, believes: bool = True) -> str | None:
    """Return the first difference between the record and the run lived through again."""
    with open_journal(f"sqlite:///{path}", writable=False) as store:

        def rebuild(_: str, __: object, journal: object, told: Reported | None):
            master = stage.desk(journal, **KNOBS)
            if believes:
                assert told is not None
                master.execution.venue = RelivedVenue(told.reports, told.refusals)
            return master

        return asyncio.run(replay(store, "run", rebuild, "1")).difference


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_what_the_venue_said_is_said_again_and_every_row_comes_out_as_recorded(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "j.db"
    said = record(path, seed).words
    assert relive(path) is None
    with open_journal(f"sqlite:///{path}", writable=False) as store:
        words = reported(store, "run")
    told = [one for one in said if isinstance(one, VenueReport)]
    fills = [fill for one in told for fill in one.fills]
    assert sorted(words.fills(), key=repr) == sorted(fills, key=repr)
    assert sorted(words.refusals.values(), key=repr) == sorted(
        (one for one in said if isinstance(one, Refusal)), key=repr
    )


def test_the_same_run_at_a_venue_that_is_computed_does_not_come_out(tmp_path: Path) -> None:
    record(tmp_path / "j.db", 3)
    assert relive(tmp_path / "j.db", believes=False) is not None


def test_an_order_whose_tick_was_lost_is_found_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    record(path, 1, n_ticks=12)
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        assert unticked_orders(store, "run") == ()
        journal = store.resume("run", HEADER)
        master = stage.desk(journal, **KNOBS)
        watched = stage.watch(master)

        async def go() -> None:
            for snapshot in TAPE[:12]:
                journal.append(await master.tick(snapshot, TradingState.ACTIVE))
            await master.tick(TAPE[12], TradingState.ACTIVE)

        asyncio.run(go())
        assert unticked_orders(store, "run") == tuple(watched.submitted)
        assert len(watched.submitted) == 1


def test_what_the_venue_told_a_tick_is_kept_with_its_first_order(tmp_path: Path) -> None:
    class Clock:
        def now_ms(self) -> int:
            return 5

    class Noting(Notebook):
        def event(self, kind: str, detail: str, wall_ms: int) -> None:
            if kind == REPORT:
                self.waiting.append(detail)

    notebook = Noting()
    at_hand = MinuteAtHand(notebook, Clock())
    master = stage.desk(at_hand, **KNOBS)
    venue = RelivedVenue({}, {}, at_hand.hear)
    venue.go_on_with(Capricious(master.execution.venue, np.random.default_rng(8), refuses_frac=0.0))
    master.execution.venue = venue

    async def go() -> None:
        for snapshot in TAPE:
            at_hand.take_up([snapshot])
            at_hand.append(await master.tick(snapshot, TradingState.ACTIVE))

    asyncio.run(go())
    noted = notebook.events
    with_both = [tick for tick in notebook.ticks if tick.orders and (tick.fills or tick.funding)]
    assert noted
    assert len(noted) == len(with_both)
    kept = cut_off_reports(noted, {})
    for tick in with_both:
        report = kept[tick.snapshot.symbol, tick.snapshot.as_of_ms]
        assert (report.fills, report.funding) == (tick.fills, tick.funding)
    last_ms = with_both[-1].snapshot.as_of_ms
    assert list(cut_off_reports(noted, {"SOL-PERP": last_ms - 1})) == [("SOL-PERP", last_ms)]


def test_a_run_that_is_only_lived_through_again_has_no_account_to_compare_with() -> None:
    with pytest.raises(VenueUnreachable, match="only lived through again"):
        asyncio.run(RelivedVenue({}, {}).account())


def test_more_of_an_entry_than_was_sent_is_no_book_of_ours(tmp_path: Path) -> None:
    master = stage.desk(**KNOBS)
    paper = master.execution.venue

    class Generous(Capricious):
        def _parts(self, fill: Fill) -> list[Fill]:
            return [fill, replace(fill, size_lots=1)] if fill.exit_reason is None else [fill]

    master.execution.venue = Generous(paper, np.random.default_rng(2), refuses_frac=0.0)
    with pytest.raises(BooksDisagree, match="more of an entry than we sent"):
        stage.run(master, TAPE)
