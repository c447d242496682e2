"""The desk with a model behind its gate: what it may do, what it may not, and a second life that asks nobody."""

import asyncio
import sqlite3
from pathlib import Path

import msgspec
import pytest

from backtest.prove.living import live
from console.replaying import replay
from db.chain import RunHeader
from db.cut_off import state_of_cut_off_tick
from db.opening import open_journal
from db.reading import decision, events, inputs, last_as_of_ms
from db.verify import verify
from desk.clock import SystemClock
from desk.resumed import ResumedFeed
from desk.runner import Desk, Pace
from desk.tally import Tally
from domain.instrument import Instrument
from domain.tick import Outcome, TickRecord, TradingState
from execution.instruments import instrument
from tests.flow import stage
from tests.flow.notebook import Tape
from tests.unit.gate.ollama_double import DIGEST, MODEL, Deed, Ollama, chat, ollama, reply

FREE = {"RISK_COOLDOWN_AFTER_TRADE_S": "0", "RISK_COOLDOWN_AFTER_LOSS_S": "0", "EXIT_MAX_HOLD_BARS": "3"}
TAPE = [
    *stage.quiet(12),
    stage.explosive(12),
    *stage.quiet(8, price=150.6, first=13),
    stage.explosive(21, price=150.6),
    *stage.quiet(8, price=151.2, first=22),
]
FIRST, SECOND = 12, 21
HEADER = RunHeader(
    run_id="run",
    command="paper",
    settings_json="{}",
    code_version="1",
    data_identity="tape",
    symbols=("SOL-PERP",),
    instruments_json=msgspec.json.encode([instrument("SOL-PERP")]).decode(),
    is_simulated=False,
)
YES, NO = Deed(chat(reply())), Deed(chat(reply("DENY", 20)))


def gated(url: str, journal: object, mode: str = "veto"):
    return stage.desk(
        journal, GATE_MODE=mode, GATE_BACKEND="ollama", GATE_URL=url, GATE_MODEL=MODEL, GATE_DEADLINE_S="5", **FREE
    )


def record(path: Path, server: Ollama, mode: str = "veto", n_ticks: int = len(TAPE)) -> tuple[list[TickRecord], str]:
    """Carry the first ticks of the tape through a desk on a real journal; return the records and the last link."""
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.begin(HEADER, 0)
        master = gated(server.url, journal, mode)
        records = []

        async def go() -> None:
            for snapshot in TAPE[:n_ticks]:
                records.append(await master.tick(snapshot, TradingState.ACTIVE))
                journal.append(records[-1])

        asyncio.run(go())
        journal.commit()
        assert verify(store, "run").is_sound
        return records, journal.chain_hash


def answering(*deeds: Deed):
    left = iter(deeds)
    return lambda _: next(left)


def test_what_the_model_approves_is_traded_and_its_words_are_on_record(tmp_path: Path) -> None:
    with ollama(YES) as server:
        records, _ = record(tmp_path / "j.db", server)
    assert [records[place].outcome for place in (FIRST, SECOND)] == [Outcome.ENTERED] * 2
    assert len(server.requests) == 2
    assert sum(len(one.trades) for one in records) == 2
    with open_journal(f"sqlite:///{tmp_path / 'j.db'}", writable=False) as store:
        told = decision(store, "run", FIRST + 1).record
        assert told == records[FIRST]
        assert told.gate is not None
        assert told.gate.raw_reply == YES.body
        assert [event.kind for event in events(store, "run")] == ["started", "gate_answered", "gate_answered"]


def test_what_the_model_denies_is_not_traded_and_the_desk_goes_on(tmp_path: Path) -> None:
    with ollama(answering(NO, YES)) as server:
        records, _ = record(tmp_path / "j.db", server)
    assert records[FIRST].outcome is Outcome.DENIED
    assert records[FIRST].why == "the gate (ollama) denied: llm_deny"
    assert records[FIRST].risk is None
    assert records[SECOND].outcome is Outcome.ENTERED
    assert not any(one.fills for one in records[:SECOND])


def test_in_shadow_mode_the_model_is_asked_and_nothing_depends_on_it(tmp_path: Path) -> None:
    with ollama(NO) as server:
        records, _ = record(tmp_path / "j.db", server, "shadow")
    assert records[FIRST].outcome is Outcome.ENTERED
    assert records[FIRST].gate is not None
    assert records[FIRST].gate.verdict.reason_code == "llm_deny"
    assert len(server.requests) == 2


def test_an_exit_asks_nobody(tmp_path: Path) -> None:
    """The server fails after the entry: the time stop leaves all the same, and no request came for it."""
    with ollama(answering(YES, Deed(b"", 500))) as server:
        records, _ = record(tmp_path / "j.db", server)
    left = [one for one in records if one.outcome is Outcome.EXITING]
    assert [one.orders[0].exit_reason.value for one in left] == ["time"]
    assert len(server.requests) == 2
    assert records[SECOND].outcome is Outcome.DENIED


def test_a_question_that_cannot_be_recorded_is_not_asked(tmp_path: Path) -> None:
    with ollama(YES) as server:
        records = stage.run(gated(server.url, None), TAPE)
    assert server.requests == []
    assert records[FIRST].why == "the gate (ollama) denied: audit_failed"
    assert not any(one.orders for one in records)


def test_a_recorded_run_comes_out_again_with_no_server_there(tmp_path: Path) -> None:
    with ollama(answering(NO, YES)) as server:
        _, chain = record(tmp_path / "j.db", server)
    n_asked = len(server.requests)

    def rebuild(settings_json: str, instruments: dict[str, Instrument], journal: object, venue: object):
        return gated(server.url, journal)

    with open_journal(f"sqlite:///{tmp_path / 'j.db'}", writable=False) as store:
        result = asyncio.run(replay(store, "run", rebuild, "1"))
    assert (result.difference, result.n_ticks, result.chain_hash) == (None, len(TAPE), chain)
    assert len(server.requests) == n_asked


def test_a_reply_that_was_altered_is_found(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with ollama(YES) as server:
        record(path, server)
    with sqlite3.connect(path) as raw:
        names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'gate_outcomes'")
        for (name,) in names.fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE gate_outcomes SET raw_reply = replace(raw_reply, 'agree', 'argue')")
    raw.close()
    with open_journal(f"sqlite:///{path}", writable=False) as store:
        assert not verify(store, "run").is_sound


def die_waiting(server: Ollama, journal: object) -> None:
    """Take the tape to the first question and be gone while it is open."""

    async def go() -> None:
        master = gated(server.url, journal)
        for snapshot in TAPE[:FIRST]:
            journal.append(await master.tick(snapshot, TradingState.ACTIVE))
        waiting = asyncio.create_task(master.tick(TAPE[FIRST], TradingState.ACTIVE))
        assert await asyncio.to_thread(server.was_asked.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(go())


def die_after_the_order(server: Ollama, journal: object) -> None:
    """Take the tape past the first entry's order and be gone before its tick is on record."""

    async def go() -> None:
        master = gated(server.url, journal)
        for snapshot in TAPE[:FIRST]:
            journal.append(await master.tick(snapshot, TradingState.ACTIVE))
        assert (await master.tick(TAPE[FIRST], TradingState.ACTIVE)).outcome is Outcome.ENTERED

    asyncio.run(go())


def go_on(url: str, path: Path) -> tuple[dict[int, str], str]:
    """Resume the run in a second process; return how each tick ended and the last link."""
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.resume("run", HEADER)
        master = gated(url, journal)
        second = Desk(
            feed=Tape(list(TAPE)),
            master=master,
            journal=journal,
            clock=SystemClock(),
            tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
            pace=Pace(),
            asked_state=lambda: TradingState.ACTIVE,
            tail_state=state_of_cut_off_tick(store, "run"),
        )

        async def go() -> None:
            await second.recover(inputs(store, "run"))
            second.feed = ResumedFeed(Tape(list(TAPE)), last_as_of_ms(store, "run"))
            await second.open()
            await second.walk()

        asyncio.run(go())
        assert verify(store, "run").is_sound
        told = {tick_no: decision(store, "run", tick_no).record for tick_no in (FIRST + 1, SECOND + 1)}
        return {tick_no: one.gate.verdict.reason_code for tick_no, one in told.items()}, journal.chain_hash


def test_a_desk_killed_while_it_waited_denies_that_trade_and_asks_on(tmp_path: Path) -> None:
    path, hanging = tmp_path / "j.db", Deed(has_head=False, ending="hang")
    with ollama(answering(hanging, YES)) as server:
        with open_journal(f"sqlite:///{path}", writable=True) as store:
            die_waiting(server, store.begin(HEADER, 0))
        reasons, _ = go_on(server.url, path)
        assert len(server.requests) == 2
    assert reasons == {FIRST + 1: "interrupted", SECOND + 1: "ok"}


def test_a_desk_killed_after_the_order_it_was_allowed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with ollama(answering(YES, NO, YES, NO)) as server:
        _, whole = record(tmp_path / "whole.db", server)
        path = tmp_path / "j.db"
        with open_journal(f"sqlite:///{path}", writable=True) as store:
            die_after_the_order(server, store.begin(HEADER, 0))
        reasons, chain = go_on(server.url, path)
        assert len(server.requests) == 4
    assert reasons == {FIRST + 1: "ok", SECOND + 1: "llm_deny"}
    assert chain == whole


@pytest.mark.parametrize("n_ticks", [5, FIRST + 1, SECOND])
def test_a_desk_that_was_stopped_goes_on_without_asking_twice(tmp_path: Path, n_ticks: int) -> None:
    with ollama(answering(NO, YES, NO, YES)) as server:
        _, whole = record(tmp_path / "whole.db", server)
        record(tmp_path / "cut.db", server, n_ticks=n_ticks)
        _, chain = go_on(server.url, tmp_path / "cut.db")
        assert len(server.requests) == 4
    assert chain == whole


def lived(path: Path, server: Ollama, **parts: object) -> list[tuple[str, str]]:
    """Let a whole desk live on the tape; return what happened to the desk itself."""
    with open_journal(f"sqlite:///{path}", writable=True) as store:
        journal = store.begin(HEADER, 0)
        master = gated(server.url, journal)
        one = Desk(
            feed=Tape(list(TAPE)),
            master=master,
            journal=journal,
            clock=SystemClock(),
            tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
            pace=Pace(),
            asked_state=lambda: TradingState.ACTIVE,
            **parts,  # type: ignore[arg-type]  # named by Desk
        )

        async def go() -> None:
            await one.open()
            await one.walk()

        asyncio.run(go())
        return [(event.kind, event.detail) for event in events(store, "run")]


def test_a_desk_that_opens_puts_on_record_that_its_gate_is_ready_and_does_not_look_again(tmp_path: Path) -> None:
    with ollama(YES) as server:
        told = lived(tmp_path / "j.db", server)
    ready = [detail for kind, detail in told if kind == "gate_ready"]
    assert len(ready) == 1
    assert ready[0].startswith(f"{MODEL} {DIGEST[:12]} on Ollama 0.30.1 keeps to the schema")
    assert sum("version" in path for path in server.paths) == 1
    assert len(server.requests) == 2


def test_a_desk_opens_with_a_gate_that_is_not_ready_and_denies_every_entry(tmp_path: Path) -> None:
    with ollama(YES) as server:
        server.canary = Deed(chat("The tide comes in"))
        told = lived(tmp_path / "j.db", server)
        assert server.requests == []
    assert [detail for kind, detail in told if kind == "gate_unfit"] == [
        f"tiny:latest at {server.url} cannot be asked: the server let the model answer outside the agreed schema"
    ]
    with open_journal(f"sqlite:///{tmp_path / 'j.db'}", writable=False) as store:
        record = decision(store, "run", FIRST + 1).record
    assert record.why == "the gate (ollama) denied: format_not_enforced"


def test_in_real_time_an_approval_counts_from_the_close_of_its_bar_and_is_stale_in_the_second_life_too(
    tmp_path: Path,
) -> None:
    """The tape's bars closed long ago by the machine's clock."""
    path = tmp_path / "j.db"
    with ollama(YES) as server:
        lived(path, server, is_real_time=True)
        assert len(server.requests) == 2
    with open_journal(f"sqlite:///{path}", writable=False) as store:
        told = [decision(store, "run", tick_no).record for tick_no in (FIRST + 1, SECOND + 1)]
        result = asyncio.run(replay(store, "run", lambda _, __, journal, ___: gated(server.url, journal), "1"))
    assert [one.why for one in told] == ["the gate (ollama) denied: stale"] * 2
    assert [one.gate.raw_reply for one in told if one.gate is not None] == [YES.body] * 2
    assert result.difference is None


def test_a_proof_looks_at_no_server() -> None:
    with ollama(YES) as server:
        assert live(lambda _: gated(server.url, None), Tape(list(TAPE)), lambda record: True) is None
    assert server.paths == []
