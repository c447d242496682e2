"""The desk over a tape: its states, its stops, its failures, and its second life after a crash."""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from agents.gate import GateAgent
from console.session import Session
from db.chain import RunHeader
from db.cut_off import state_of_cut_off_tick
from db.opening import open_journal
from db.reading import events, inputs, last_as_of_ms
from db.verify import verify
from desk.clock import SystemClock
from desk.resumed import ResumedFeed
from desk.runner import Desk, Halted, Pace
from desk.tally import Tally
from domain.account import AccountView, VenueReport
from domain.decisions import GateMode
from domain.errors import JournalCorrupt
from domain.gate_reason import GateReason
from domain.market import Snapshot
from domain.ports import Clock
from domain.tick import Readiness, TradingState
from gate.off import OffGate
from tests.flow import stage
from tests.flow.notebook import Notebook, Tape

TAPE = [*stage.quiet(12), stage.explosive(12), *stage.quiet(8, price=150.6, first=13)]
ENTRY_AT, FILLED_AT = 13, 14
HEADER = RunHeader(
    run_id="run",
    command="paper",
    settings_json="{}",
    code_version="1",
    data_identity="tape",
    symbols=("SOL-PERP",),
    instruments_json="[]",
    is_simulated=False,
)


class Pairs(Tape):
    """Two markets' minutes as a feed."""

    async def next_minute(self) -> Sequence[Snapshot] | None:
        minute = await super().next_minute()
        return None if minute is None else minute[0]


def desk(journal: Notebook, snapshots: list[Snapshot] | None = None, **parts: object) -> Desk:
    master = stage.desk(journal)
    return Desk(
        feed=Tape(list(TAPE if snapshots is None else snapshots)),
        master=master,
        journal=journal,
        clock=SystemClock(),
        tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
        **{"pace": Pace(), "asked_state": lambda: TradingState.ACTIVE, **parts},  # type: ignore[arg-type]  # named by Desk
    )


def walk(one: Desk) -> None:
    async def go() -> None:
        await one.open()
        await one.walk()

    asyncio.run(go())


class NeverReady(GateAgent, frozen=True, kw_only=True):
    """A gate whose model loads for ever."""

    async def open(self, bar_clock: Clock | None) -> Readiness | None:
        await asyncio.Event().wait()
        return None


def test_a_stop_is_not_kept_waiting_by_a_gate_that_is_getting_ready() -> None:
    journal = Notebook()
    one = desk(journal)
    gate = one.master.gate
    one.master.gate = NeverReady(gate=gate.gate, mode=gate.mode)

    async def go() -> None:
        asyncio.get_running_loop().call_later(0.01, one.ask_to_stop)
        await one.open()
        await one.walk()

    asyncio.run(asyncio.wait_for(go(), 30))
    assert one.tally.n_bars == 0


def test_a_desk_is_halted_until_it_is_opened() -> None:
    journal = Notebook()
    one = desk(journal)
    assert one.state is TradingState.HALTED
    asyncio.run(one.walk())
    assert {record.state for record in journal.ticks} == {TradingState.HALTED}
    assert not any(record.orders for record in journal.ticks)


@pytest.mark.parametrize(
    ("n_lived", "is_real_time", "waits"), [(FILLED_AT, True, False), (FILLED_AT, False, True), (0, True, True)]
)
def test_only_open_positions_in_real_time_do_not_wait_until_the_gate_is_ready(
    n_lived: int, is_real_time: bool, waits: bool
) -> None:
    is_ready = asyncio.Event()

    class LoadingGate(OffGate, frozen=True, kw_only=True):
        async def open(self, bar_clock: Clock | None) -> Readiness:  # type: ignore[override]  # the port's own answer
            assert (bar_clock is not None) is is_real_time
            await is_ready.wait()
            return Readiness(reason=GateReason.OK, told="loaded")

    async def go() -> tuple[bool, list[TradingState]]:
        journal = Notebook()
        one = desk(journal, is_real_time=is_real_time)
        one.master.gate = replace(one.master.gate, gate=LoadingGate(mode=GateMode.OFF))
        await one.recover([(snapshot, TradingState.ACTIVE) for snapshot in TAPE[:n_lived]])
        opening = asyncio.create_task(one.open())
        for _ in range(20):
            await asyncio.sleep(0)
        states = [one.state]
        has_waited = not opening.done()
        is_ready.set()
        await opening
        if one._look_at_gate is not None:
            await one._look_at_gate
        assert [entry for entry in journal.waiting if isinstance(entry, str)] == ["gate_ready"]
        return has_waited, [*states, one.state]

    before = TradingState.HALTED if waits else TradingState.ACTIVE
    assert asyncio.run(go()) == (waits, [before, TradingState.ACTIVE])


def test_a_gate_that_breaks_while_positions_are_looked_after_halts_the_desk() -> None:
    class BrokenGate(OffGate, frozen=True, kw_only=True):
        async def open(self, bar_clock: Clock | None) -> Readiness:  # type: ignore[override]  # the port's own answer
            raise ZeroDivisionError("a bug of ours")

    async def go() -> None:
        one = desk(Notebook(), is_real_time=True)
        one.master.gate = replace(one.master.gate, gate=BrokenGate(mode=GateMode.OFF))
        await one.recover([(snapshot, TradingState.ACTIVE) for snapshot in TAPE[:FILLED_AT]])
        await one.open()
        assert one._look_at_gate is not None
        await asyncio.wait({one._look_at_gate})
        await one.guard(one.take_minute(TAPE[FILLED_AT : FILLED_AT + 1]))

    with pytest.raises(Halted, match="ZeroDivisionError: a bug of ours"):
        asyncio.run(go())


def test_the_whole_tape_is_taken_and_durable_whatever_the_batch() -> None:
    for batch in (1, 5, 1_000):
        journal = Notebook()
        walk(desk(journal, pace=Pace(batch_ticks=batch)))
        assert [record.snapshot for record in journal.ticks] == TAPE
        assert journal.waiting == []


def test_anything_unforeseen_halts_on_record_after_what_was_taken_before_it() -> None:
    journal = Notebook()
    one = desk(journal, pace=Pace(batch_ticks=1_000))

    class BrokenVenue(stage.WatchedVenue):
        async def advance(self, snapshot: Snapshot) -> VenueReport | None:
            if snapshot is TAPE[15]:
                raise ZeroDivisionError("a bug of ours")
            return await self.venue.advance(snapshot)

    one.master.execution.venue = BrokenVenue(one.master.execution.venue)
    with pytest.raises(Halted, match="ZeroDivisionError: a bug of ours"):
        walk(one)
    assert len(journal.ticks) == 15
    assert one.state is TradingState.HALTED
    assert journal.events == ["halt"]
    assert journal.durable[-1] == "halt"
    assert journal.waiting == []


def test_a_halt_that_cannot_be_recorded_names_the_cause_once() -> None:
    journal = Notebook()
    one = desk(journal)
    asyncio.run(one.open())
    journal.is_away = True
    with pytest.raises(Halted) as told:
        asyncio.run(one.walk())
    assert str(told.value) == "the disk is full"


def test_books_that_disagree_with_the_venue_halt_the_desk() -> None:
    journal = Notebook()
    one = desk(journal, reconcile_every_minutes=5)

    class LyingVenue(stage.WatchedVenue):
        async def account(self) -> AccountView:
            view = await self.venue.account()
            return type(view)(**{**{name: getattr(view, name) for name in view.__struct_fields__}, "cash_microusd": 1})

    asyncio.run(one.open())
    one.master.execution.venue = LyingVenue(one.master.execution.venue)
    with pytest.raises(Halted, match="the venue"):
        asyncio.run(one.walk())
    assert len(journal.ticks) == 5
    assert journal.events == ["halt"]


def test_a_stop_keeps_the_position_where_that_is_the_rule() -> None:
    journal = Notebook()
    one = desk(journal)
    stop_after(one, FILLED_AT)
    walk(one)
    assert len(journal.ticks) == FILLED_AT
    assert journal.ticks[-1].position_lots != 0


def test_a_stop_that_flattens_goes_on_until_the_position_is_closed() -> None:
    journal = Notebook()
    one = desk(journal, flattens_on_stop=True)
    stop_after(one, FILLED_AT)
    walk(one)
    assert [record.state.value for record in journal.ticks[FILLED_AT:]] == ["flattening"] * 2
    assert journal.ticks[-1].position_lots == 0
    assert journal.ticks[-1].trades[0].exit_reason.value == "halt"


def test_a_stop_that_flattens_waits_for_an_entry_on_its_way_and_closes_it_too() -> None:
    journal = Notebook()
    one = desk(journal, flattens_on_stop=True)
    stop_after(one, ENTRY_AT)
    walk(one)
    assert [record.position_lots != 0 for record in journal.ticks[ENTRY_AT:]] == [True, False]
    assert journal.ticks[-1].trades[0].exit_reason.value == "halt"


def test_a_run_whose_feed_ends_while_a_venue_in_the_world_has_something_of_it_can_be_gone_on_with() -> None:
    for n_minutes, is_at_a_venue, is_left_open in (
        (FILLED_AT, True, True),
        (ENTRY_AT, True, True),
        (FILLED_AT, False, False),
        (3, True, False),
    ):
        journal = Ending()
        session = Session(
            desk=desk(journal, TAPE[:n_minutes]),
            journal=journal,
            past=None,
            schedule=None,
            is_simulated=False,
            to_json=lambda _: "{}",
            go_on=nothing_to_take_over if is_at_a_venue else None,
        )
        asyncio.run(session.run())
        assert ("stopped" in journal.events, journal.is_finished) == (is_left_open, not is_left_open)


def test_while_a_session_runs_a_signal_wakes_it_and_afterwards_nothing_of_that_is_left() -> None:
    before, woken_by = signal.set_wakeup_fd(-1), list[int]()

    async def look() -> None:
        woken_by.append(signal.set_wakeup_fd(-1))
        signal.set_wakeup_fd(woken_by[0], warn_on_full_buffer=False)

    journal = Ending()
    session = Session(
        desk=desk(journal, TAPE[:3]),
        journal=journal,
        past=None,
        schedule=None,
        is_simulated=False,
        to_json=lambda _: "{}",
        go_on=look,
    )
    asyncio.run(session.run())
    assert woken_by[0] >= 0
    assert signal.set_wakeup_fd(before) == -1


class Ending(Notebook):
    """A notebook that can be closed."""

    run_id, chain_hash, is_finished = "run", "", False

    def finish(self, summary_json: str, wall_ms: int) -> None:
        self.is_finished = True


async def nothing_to_take_over() -> None:
    """Go on with nothing."""


def stop_after(one: Desk, n_ticks: int) -> None:
    """Ask for a stop when so many ticks were taken, as a signal would."""

    class Watcher:
        def on_tick(self, record: object) -> None:
            if one.tally.n_bars == n_ticks:
                one.ask_to_stop()

    one.view = Watcher()


def test_the_switch_is_looked_at_once_a_batch_and_its_turns_are_on_record() -> None:
    journal = Notebook()
    says = iter([TradingState.ACTIVE, TradingState.HALTED, TradingState.HALTED, *[TradingState.ACTIVE] * 9])
    walk(desk(journal, asked_state=lambda: next(says), pace=Pace(batch_ticks=5)))
    assert [record.state.value for record in journal.ticks] == ["active"] * 5 + ["halted"] * 10 + ["active"] * 6
    assert journal.events == ["switch", "switch"]


@pytest.mark.parametrize("cut_at", [3, ENTRY_AT, FILLED_AT, 20])
@pytest.mark.parametrize("loses_the_last_tick", [False, True])
def test_a_second_process_lives_through_the_record_and_ends_as_one_that_was_never_cut_off(
    tmp_path: Path, cut_at: int, loses_the_last_tick: bool
) -> None:
    whole = recorded(tmp_path / "whole.db", len(TAPE))
    cut = tmp_path / "cut.db"
    recorded(cut, cut_at, loses_the_last_tick=loses_the_last_tick)
    with open_journal(f"sqlite:///{cut}", writable=True) as store:
        journal = store.resume("run", HEADER)
        second = desk(journal)  # type: ignore[arg-type]  # the real journal
        second.tail_state = state_of_cut_off_tick(store, "run")

        async def go() -> None:
            count = await second.recover(inputs(store, "run"))
            assert count == cut_at - loses_the_last_tick
            second.feed = ResumedFeed(Tape(list(TAPE)), last_as_of_ms(store, "run"))
            await second.open()
            await second.walk()

        asyncio.run(go())
        assert journal.chain_hash == whole
        assert verify(store, "run").is_sound


def recorded(path: Path, n_ticks: int, *, loses_the_last_tick: bool = False) -> str:
    """Record the first ticks of the tape and drop dead; return the chain's last link."""
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.begin(HEADER, 0)
        first = desk(journal, TAPE[:n_ticks])  # type: ignore[arg-type]  # the real journal
        asyncio.run(first.open())

        async def go(minutes: Sequence[Snapshot]) -> None:
            for snapshot in minutes:
                await first.take_minute((snapshot,))
                journal.commit()

        asyncio.run(go(TAPE[: n_ticks - 1]))
        if loses_the_last_tick:
            asyncio.run(first.master.tick(TAPE[n_ticks - 1], TradingState.ACTIVE))
        else:
            asyncio.run(go(TAPE[n_ticks - 1 : n_ticks]))
        return journal.chain_hash


def test_a_record_that_comes_out_differently_stops_the_recovery(tmp_path: Path) -> None:
    recorded(tmp_path / "j.db", 15)
    with open_journal(f"sqlite:///{tmp_path}/j.db", writable=True) as store:
        journal = store.resume("run", HEADER)
        second = desk(journal)  # type: ignore[arg-type]  # the real journal
        second.master = stage.desk(journal, EXIT_STOP_PCT="3")  # type: ignore[arg-type]  # as above
        with pytest.raises(JournalCorrupt, match=f"tick {ENTRY_AT}"):
            asyncio.run(second.recover(inputs(store, "run")))
        assert [event.kind for event in events(store, "run")] == ["started"]


def test_a_market_with_a_position_comes_first_in_its_minute() -> None:
    """So that its exit waits for no question about another market's entry."""
    symbols = ("BTC-PERP", "SOL-PERP")
    sol = [*stage.quiet(12), stage.explosive(12), *stage.quiet(8, price=150.6, first=13)]
    pairs = [(replace(one, symbol="BTC-PERP", bar=None, defects=("not quoted",)), one) for one in sol]
    journal = Notebook()
    master = stage.desk(journal, symbols=symbols, EXIT_MAX_HOLD_BARS="3")
    walk(
        Desk(
            feed=Pairs(list(pairs)),
            master=master,
            journal=journal,
            clock=SystemClock(),
            tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
            pace=Pace(),
            asked_state=lambda: TradingState.ACTIVE,
        )
    )
    firsts = ["".join(one.snapshot.symbol[:3] for one in journal.ticks[place : place + 2]) for place in range(0, 42, 2)]
    held = [any(one.position_lots for one in journal.ticks[max(place - 2, 0) : place]) for place in range(0, 42, 2)]
    assert True in held
    assert firsts == ["SOLBTC" if is_held else "BTCSOL" for is_held in held]
