"""A live market drives the desk: what is late, missing, cut off, and what the feed tells of itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from agents.execution import ExecutionAgent
from desk.at_hand import MinuteAtHand
from desk.live_minutes import LiveMinutes
from desk.runner import Desk, Halted, Pace
from desk.tally import Tally
from domain.errors import BooksDisagree, JournalUnavailable
from domain.market import MINUTE_MS, Snapshot
from domain.tick import TickRecord, TradingState
from tests.flow import stage
from tests.flow.notebook import Notebook

LATE_AFTER_MS = 90_000


@dataclass
class HandClock:
    now: int = 0

    def now_ms(self) -> int:
        return self.now

    def elapsed_s(self) -> float:
        return self.now / 1000


@dataclass
class Market:
    """A feed in the test's hands: each minute sets the clock to the moment it was given."""

    clock: HandClock
    minutes: list[tuple[float, Snapshot]]
    notes: list[tuple[str, str]] = field(default_factory=list)
    waits: bool = False

    async def next_minute(self) -> Sequence[Snapshot] | None:
        if not self.minutes:
            if self.waits:
                await asyncio.Event().wait()
            return None
        at_minutes, snapshot = self.minutes.pop(0)
        self.clock.now = int(at_minutes * MINUTE_MS)
        return (snapshot,)

    def take_notes(self) -> list[tuple[str, str]]:
        notes, self.notes = self.notes, []
        return notes


@dataclass
class Scene:
    minutes: list[tuple[float, Snapshot]]
    cut_off: tuple[Snapshot, ...] = ()
    waits: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)
    clock: HandClock = field(default_factory=HandClock)
    journal: Notebook = field(default_factory=Notebook)

    async def opened(self) -> LiveMinutes:
        master = stage.desk(self.journal)
        feed = Market(self.clock, self.minutes, self.notes, self.waits)
        self.desk = Desk(
            feed=feed,
            master=master,
            journal=self.journal,
            clock=self.clock,
            tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
            pace=Pace(),
            asked_state=lambda: TradingState.ACTIVE,
        )
        await self.desk.open()
        at_hand = MinuteAtHand(self.journal, self.clock)
        return LiveMinutes(
            desk=self.desk, feed=feed, at_hand=at_hand, late_after_ms=LATE_AFTER_MS, cut_off=self.cut_off
        )

    def live(self) -> list[Snapshot]:
        async def go() -> None:
            await (await self.opened()).run()

        asyncio.run(go())
        return [record.snapshot for record in self.journal.ticks]


@dataclass
class Held:
    """A venue that holds its orders until they are on record; what happened, in order."""

    scene: Scene
    story: list[str] = field(default_factory=list)

    async def watch(self, minutes: LiveMinutes) -> LiveMinutes:
        """Stand between a desk and its orders."""
        minutes.at_hand.share_commits(self.let_go)
        minutes.desk.master.execution.journal = minutes.at_hand
        minutes.desk.view = self
        minutes.answered = self.answered
        return minutes

    def let_go(self, why_not: str | None) -> None:
        self.story.append(f"let go: {why_not}, {len(self.scene.journal.waiting)} not on record")

    async def answered(self, longest_s: float) -> None:
        self.story.append("answered")

    def on_tick(self, record: TickRecord) -> None:
        self.story.append(f"shown: {record.outcome.value}")


def held_story(scene: Scene) -> list[str]:
    """Return what happened in a scene's last minute, in order."""
    held = Held(scene)

    async def go() -> None:
        await (await held.watch(await scene.opened())).run()

    asyncio.run(go())
    return held.story[-3:]


def entering() -> list[tuple[float, Snapshot]]:
    """Return minutes of which the last one makes the desk enter."""
    minutes = [*stage.quiet(12), stage.explosive(12)]
    return [(number + 1.02, snapshot) for number, snapshot in enumerate(minutes)]


def test_an_order_leaves_once_it_is_on_record_and_the_log_waits_for_it() -> None:
    assert held_story(Scene(entering())) == ["let go: None, 0 not on record", "answered", "shown: entered"]


def test_an_order_that_cannot_be_put_on_record_is_let_go_with_the_reason() -> None:
    scene = Scene(entering())
    scene.journal.is_away = True
    with pytest.raises(JournalUnavailable, match="the disk is full"):
        scene.journal.commit()
    assert held_story(scene)[0].startswith("let go: the disk is full, ")


def test_a_desk_that_halts_in_a_tick_lets_go_what_was_decided_before_and_reduces() -> None:
    scene = Scene([(1.0, stage.quiet(1)[0])])
    held = Held(scene)

    async def go() -> None:
        minutes = await held.watch(await scene.opened())

        async def tick(snapshot: Snapshot, state: TradingState) -> TickRecord:
            raise BooksDisagree("who has bought this?")

        scene.desk.master = Broken(tick, scene.desk.master.execution)
        await minutes.run()

    with pytest.raises(Halted, match="who has bought this"):
        asyncio.run(go())
    assert held.story == ["let go: the desk halts, 0 not on record"]


@dataclass
class Broken:
    """A master agent whose tick fails."""

    tick: Callable[[Snapshot, TradingState], Awaitable[TickRecord]]
    execution: ExecutionAgent


def test_minutes_are_taken_as_they_come_and_are_durable_one_by_one() -> None:
    scene = Scene([(number + 1.02, snapshot) for number, snapshot in enumerate(stage.quiet(5))])
    taken = scene.live()
    assert [one.as_of_ms // MINUTE_MS for one in taken] == [1, 2, 3, 4, 5]
    assert all(one.is_fit for one in taken)
    assert scene.journal.waiting == []


def test_a_minute_given_too_late_is_unfit_and_noted() -> None:
    quiet = stage.quiet(3)
    scene = Scene([(1.0, quiet[0]), (4.0, quiet[1]), (4.1, quiet[2])])
    taken = scene.live()
    assert [one.is_fit for one in taken] == [True, False, True]
    assert "taken 120 s after its close" in taken[1].defects
    assert scene.journal.events == ["late_tick"]


def test_what_is_back_filled_says_so_itself_and_is_not_called_late_again() -> None:
    warmup = [snapshot.unfit("back-filled") for snapshot in stage.quiet(200)]
    scene = Scene([(500.0, snapshot) for snapshot in warmup])
    taken = scene.live()
    assert len(taken) == 200
    assert {one.defects for one in taken} == {("back-filled",)}
    assert scene.journal.events == []


def test_what_the_feed_tells_of_itself_is_on_record_with_the_minute() -> None:
    scene = Scene([(1.0, stage.quiet(1)[0])], notes=[("stream_lost", "bars: closed"), ("stream_back", "bars")])
    scene.live()
    assert scene.journal.events == ["stream_lost", "stream_back"]


def test_a_minute_that_was_cut_off_is_taken_first_and_as_it_was_seen() -> None:
    quiet = stage.quiet(3)
    scene = Scene([(9.0, quiet[1]), (9.1, quiet[2])], cut_off=(quiet[0],))
    scene.clock.now = 9 * MINUTE_MS
    assert scene.live()[0] == quiet[0]


def test_a_stop_does_not_wait_for_a_minute_that_never_comes() -> None:
    scene = Scene([], waits=True)

    async def go() -> None:
        minutes = await scene.opened()
        running = asyncio.ensure_future(minutes.run())
        await asyncio.sleep(0)
        scene.desk.ask_to_stop()
        await asyncio.wait_for(running, timeout=10)

    asyncio.run(go())
    assert scene.journal.ticks == []


def test_a_feed_that_gives_nothing_is_noted_as_a_missed_tick_once_a_minute() -> None:
    scene = Scene([], waits=True)

    async def go() -> None:
        minutes = await scene.opened()
        running = asyncio.ensure_future(minutes.run())
        for at_minutes in (1, 2, 3, 3.5, 6):
            await asyncio.sleep(0.25)
            scene.clock.now = int(at_minutes * MINUTE_MS)
        await asyncio.sleep(0.25)
        scene.desk.ask_to_stop()
        await running

    asyncio.run(go())
    assert scene.journal.events == ["tick_missed", "tick_missed"]
