"""The desk with a cassette behind its gate: one recording, and lives after it that end alike however they are cut."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.master import MasterAgent
from db.cut_off import state_of_cut_off_tick
from db.opening import open_journal
from db.reading import inputs, last_as_of_ms, run_ids
from db.verify import verify
from desk.clock import SystemClock
from desk.resumed import ResumedFeed
from desk.runner import Desk, Halted, Pace
from desk.tally import RunSummary, Tally
from domain.cassette import CassetteMode
from domain.tick import GateAnswer, GateQuestion, TradingState
from gate.chat_reader import ChatReader
from tests.flow import stage
from tests.flow.notebook import Tape
from tests.flow.test_gate import FREE, HEADER, NO, TAPE, YES, answering
from tests.unit.gate.ollama_double import MODEL, ollama

SERVER_GONE = "http://127.0.0.1:9"
Building = Callable[[object], MasterAgent]


def gated(journal: object, mode: str, cassette: Path, url: str = SERVER_GONE) -> MasterAgent:
    knobs = {"GATE_MODE": "veto", "GATE_BACKEND": "ollama", "GATE_URL": url, "GATE_MODEL": MODEL}
    return stage.desk(journal, GATE_CASSETTE=mode, GATE_CASSETTE_FILE=str(cassette), **knobs, **FREE)


def live(folder: Path, mode: str, building: Building) -> tuple[str, RunSummary]:
    """Begin the run, or resume it where it was cut; return its last link and its figures."""
    with open_journal(f"sqlite:///{folder}/j.db", writable=True) as store:
        is_resumed = "run" in run_ids(store)
        journal = store.resume("run", HEADER) if is_resumed else store.begin(HEADER, 0)
        master = building(journal)
        desk = Desk(
            feed=Tape(list(TAPE)),
            master=master,
            journal=journal,
            clock=SystemClock(),
            tally=Tally(master.execution.books.equity_microusd, cassette=CassetteMode(mode)),
            pace=Pace(),
            asked_state=lambda: TradingState.ACTIVE,
        )

        async def go() -> None:
            if is_resumed:
                desk.tail_state = state_of_cut_off_tick(store, "run")
                await desk.recover(inputs(store, "run"))
                desk.feed = ResumedFeed(Tape(list(TAPE)), last_as_of_ms(store, "run"))
            await desk.open()
            await desk.walk()

        asyncio.run(go())
        assert verify(store, "run").is_sound
        return journal.chain_hash, desk.tally.summary("run", journal.chain_hash, 1.0, is_simulated=False)


@dataclass
class Cut:
    """A reader whose desk is gone the moment it asks the question of this number."""

    reader: ChatReader
    number: int
    n_asked: int = 0

    def question(self, situation):
        return self.reader.question(situation)

    async def prepare(self):
        return await self.reader.prepare()

    async def ask(self, question: GateQuestion) -> GateAnswer:
        self.n_asked += 1
        if self.n_asked == self.number:
            raise KeyboardInterrupt
        return await self.reader.ask(question)


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path, folder = tmp_path / "c.jsonl", tmp_path / "recorded"
    folder.mkdir()
    built: list[MasterAgent] = []
    with ollama(answering(YES, NO)) as server:

        def building(journal: object) -> MasterAgent:
            built.append(gated(journal, "record", path, server.url))
            return built[0]

        _, told = live(folder, "record", building)
    assert told.cassette is not None
    assert told.cassette.sentence == "2 of 2 answers on the cassette"
    built[0].gate.gate.reader.line.close()
    return path


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("mode", ["replay", "replay_strict"])
def test_a_replay_killed_between_question_and_answer_ends_as_one_that_was_not(
    cassette: Path, tmp_path: Path, mode: str, number: int
) -> None:
    whole, _ = live(tmp_path, mode, lambda journal: gated(journal, mode, cassette))
    folder = tmp_path / "cut"
    folder.mkdir()

    def dying(journal: object) -> MasterAgent:
        master = gated(journal, mode, cassette)
        master.gate.gate.reader = Cut(master.gate.gate.reader, number)
        return master

    with pytest.raises(KeyboardInterrupt):
        live(folder, mode, dying)
    resumed, told = live(folder, mode, lambda journal: gated(journal, mode, cassette))
    assert resumed == whole
    assert dict(told.gate_reasons) == {"ok": 1, "llm_deny": 1}
    assert told.cassette is not None
    assert told.cassette.is_reproducible


def test_a_question_that_was_denied_once_stays_denied_when_a_replay_goes_on(cassette: Path, tmp_path: Path) -> None:
    """Cut off with a server, resumed with it and denied, and only then resumed from the cassette."""

    def dying(journal: object) -> MasterAgent:
        master = gated(journal, "off", cassette, server.url)
        master.gate.gate.reader = Cut(master.gate.gate.reader, 1)
        return master

    with ollama(answering(NO)) as server:
        with pytest.raises(KeyboardInterrupt):
            live(tmp_path, "off", dying)
        first, _ = live(tmp_path, "off", lambda journal: gated(journal, "off", cassette, server.url))
    again, told = live(tmp_path, "replay", lambda journal: gated(journal, "replay", cassette))
    assert again == first
    assert dict(told.gate_reasons) == {"interrupted": 1, "llm_deny": 1}
    assert told.cassette is not None
    assert told.cassette.sentence == "0 of 2 answers from the cassette, 2 from elsewhere: not reproducible"


def test_a_strict_replay_halts_at_a_miss_and_sends_nothing_more(cassette: Path, tmp_path: Path) -> None:
    lines = cassette.read_bytes().splitlines(keepends=True)
    cassette.write_bytes(b"".join(lines[:-1]))
    built: list[MasterAgent] = []

    def building(journal: object) -> MasterAgent:
        built.append(gated(journal, "replay_strict", cassette))
        stage.watch(built[-1])
        return built[-1]

    for _ in range(2):
        with pytest.raises(Halted, match="tick 22: the cassette holds no answer to the request SOL-PERP-1320000-gate"):
            live(tmp_path, "replay_strict", building)
        entries = [order for order in built[-1].execution.venue.submitted if not order.reduce_only]
        assert len(entries) == 1
