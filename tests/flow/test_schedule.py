"""Real time: what the desk takes when the clock is late, jumps, or the journal is away, and how it is driven."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from desk.runner import Desk, Halted, Pace
from desk.schedule import MinuteSchedule
from desk.tally import Tally
from domain.market import MINUTE_MS, Snapshot
from domain.tick import TradingState
from tests.flow import stage
from tests.flow.notebook import Notebook, Tape

LATE_AFTER_MS = 90_000


@dataclass
class HandClock:
    """A clock that stands where it is put."""

    now: int = 0

    def now_ms(self) -> int:
        return self.now

    def elapsed_s(self) -> float:
        return self.now / 1000


@dataclass
class Scene:
    """A desk in real time on a tape, with a clock and a journal in the test's hands."""

    snapshots: list[Snapshot]
    is_aligned: bool = True
    n_minutes: int | None = None
    asked: TradingState = TradingState.ACTIVE
    clock: HandClock = field(default_factory=HandClock)
    journal: Notebook = field(default_factory=Notebook)

    async def opened(self) -> MinuteSchedule:
        master = stage.desk(self.journal)
        self.desk = Desk(
            feed=Tape(self.snapshots),
            master=master,
            journal=self.journal,
            clock=self.clock,
            tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
            pace=Pace(),
            asked_state=lambda: self.asked,
        )
        await self.desk.open()
        return MinuteSchedule(
            desk=self.desk, is_aligned=self.is_aligned, late_after_ms=LATE_AFTER_MS, n_minutes=self.n_minutes
        )

    def fire(self, *at_minutes: float) -> None:
        """Let the scheduler fire at these minutes of the tape."""

        async def go() -> None:
            schedule = await self.opened()
            for at in at_minutes:
                self.clock.now = int(at * MINUTE_MS)
                await schedule.on_minute()
            self.schedule = schedule

        asyncio.run(go())

    @property
    def taken(self) -> list[int]:
        return [record.snapshot.as_of_ms // MINUTE_MS for record in self.journal.ticks]


def test_every_minute_is_taken_when_it_closes_and_not_before() -> None:
    scene = Scene(stage.quiet(5))
    scene.fire(0.9, 1.0, 2.001, 2.5)
    assert scene.taken == [1, 2]
    assert not any(record.snapshot.defects for record in scene.journal.ticks)


def test_a_gap_is_made_up_for_in_order_and_what_comes_late_is_unfit_and_noted() -> None:
    scene = Scene(stage.quiet(9))
    scene.fire(1.0, 6.0)
    assert scene.taken == [1, 2, 3, 4, 5, 6]
    assert [bool(record.snapshot.defects) for record in scene.journal.ticks] == [False, True, True, True, False, False]
    assert scene.journal.events.count("late_tick") == 3
    assert "after its close" in scene.journal.ticks[1].snapshot.defects[0]


def test_a_clock_that_goes_back_takes_nothing_and_is_noted_durably() -> None:
    scene = Scene(stage.quiet(9))
    scene.fire(1.0, 2.0, 3.0, 0.5, 1.5, 4.0)
    assert scene.taken == [1, 2, 3, 4]
    assert scene.journal.events == ["clock_went_back"]
    assert scene.journal.waiting == []


def test_a_tape_in_real_time_gives_one_minute_a_fire_whatever_its_own_time() -> None:
    scene = Scene(stage.quiet(9, first=500_000), is_aligned=False)
    scene.fire(1.0, 2.0, 3.0)
    assert scene.taken == [500_001, 500_002, 500_003]
    assert scene.journal.events == []


def test_while_the_journal_is_away_the_desk_only_reduces_and_everything_is_kept_for_its_return() -> None:
    scene = Scene([*stage.quiet(9), stage.explosive(9), *stage.quiet(4, first=10)])

    async def go() -> None:
        schedule = await scene.opened()
        for at in range(1, 15):
            scene.journal.is_away = 8 <= at <= 11
            scene.clock.now = at * MINUTE_MS
            await schedule.on_minute()

    asyncio.run(go())
    states = [record.state for record in scene.journal.ticks]
    assert scene.taken == list(range(1, 15))
    assert states == [TradingState.ACTIVE] * 8 + [TradingState.REDUCING] * 4 + [TradingState.ACTIVE] * 2
    assert scene.journal.events == ["journal_lost", "journal_back"]
    assert scene.journal.ticks[9].outcome.value == "reducing"
    assert not any(record.orders for record in scene.journal.ticks)


def test_the_human_s_switch_is_obeyed_at_the_next_minute_and_on_record() -> None:
    scene = Scene(stage.quiet(5))

    async def go() -> None:
        schedule = await scene.opened()
        for at, asked in ((1, "active"), (2, "halted"), (3, "halted"), (4, "active")):
            scene.asked, scene.clock.now = TradingState(asked), at * MINUTE_MS
            await schedule.on_minute()

    asyncio.run(go())
    assert [record.state.value for record in scene.journal.ticks] == ["active", "halted", "halted", "active"]
    assert scene.journal.events == ["switch", "switch"]


def test_a_stop_is_heard_in_the_middle_of_a_long_gap() -> None:
    scene = Scene(stage.quiet(500))

    async def go() -> None:
        schedule = await scene.opened()
        scene.clock.now = 500 * MINUTE_MS
        catching_up = asyncio.ensure_future(schedule.on_minute())
        for _ in range(20):
            await asyncio.sleep(0)
        scene.desk.ask_to_stop()
        await catching_up

    asyncio.run(go())
    assert 10 < len(scene.taken) < 30


def test_whatever_fails_in_a_minute_halts_the_desk_and_ends_the_schedule() -> None:
    scene = Scene(stage.quiet(9))

    async def go() -> None:
        schedule = await scene.opened()
        scene.desk.master.market_data = None  # type: ignore[assignment]  # a bug of ours, as it were
        schedule.trigger = IntervalTrigger(seconds=0.02)
        scene.clock.now = MINUTE_MS
        await schedule.run()

    with pytest.raises(Halted, match="AttributeError"):
        asyncio.run(go())
    assert scene.journal.events == ["halt"]
    assert scene.desk.state is TradingState.HALTED


def test_the_scheduler_drives_the_desk_until_enough_minutes_are_taken() -> None:
    scene = Scene(stage.quiet(9), is_aligned=False, n_minutes=4)

    async def go() -> None:
        schedule = await scene.opened()
        schedule.trigger = IntervalTrigger(seconds=0.02)
        await schedule.run()

    asyncio.run(go())
    assert scene.taken == [1, 2, 3, 4]


def test_a_stop_ends_the_schedule_between_two_minutes() -> None:
    scene = Scene(stage.quiet(9), is_aligned=False)

    async def go() -> None:
        schedule = await scene.opened()
        asyncio.get_running_loop().call_later(0.05, scene.desk.ask_to_stop)
        await asyncio.wait_for(schedule.run(), timeout=10)

    asyncio.run(go())
    assert scene.taken == []


def test_the_job_starts_on_every_full_minute_once_and_however_late(monkeypatch: pytest.MonkeyPatch) -> None:
    added: dict[str, object] = {}
    add_job = AsyncIOScheduler.add_job

    def witness(self: AsyncIOScheduler, job: object, trigger: object, **rules: object) -> object:
        added.update(rules, trigger=trigger)
        return add_job(self, job, trigger, **rules)

    monkeypatch.setattr(AsyncIOScheduler, "add_job", witness)
    scene = Scene([], is_aligned=False)

    async def go() -> None:
        schedule = await scene.opened()
        scene.desk.ask_to_stop()
        await schedule.run()

    asyncio.run(go())
    trigger = added.pop("trigger")
    assert added == {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    assert isinstance(trigger, CronTrigger)
    assert str(trigger) == "cron[second='0']"
    assert str(trigger.timezone) == "UTC"


def test_a_job_that_could_not_start_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(stage.quiet(9), is_aligned=False, n_minutes=2)
    take = Desk.take_minute

    async def take_slowly(self: Desk, minute: Sequence[Snapshot]) -> None:
        await asyncio.sleep(0.2)
        await take(self, minute)

    monkeypatch.setattr(Desk, "take_minute", take_slowly)

    async def go() -> None:
        schedule = await scene.opened()
        schedule.trigger = IntervalTrigger(seconds=0.05)
        await schedule.run()

    asyncio.run(go())
    assert scene.taken == [1, 2]
    assert "tick_overran" in scene.journal.events
