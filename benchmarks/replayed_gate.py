"""A backtest whose gate hears a cassette, against the same one without a gate: 0 model calls, at most 2 x its time.

Everything is journaled in both. In shadow mode the same trades are made as without a gate, so what differs is the gate
alone: the situation kept for it, the question worded and on disk before it is asked, the answer read, judged and kept.
In veto mode other trades are made, and more is asked. The cassette is recorded here, from answers that are a function
of the question; reading it is timed.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Final

from agents.audited_gate import AuditedGate
from benchmarks.rounds import in_turn, ratio, tell
from benchmarks.stage import desk_on, feed_for, tape_settings
from db.chain import RunHeader
from db.opening import open_journal
from desk.runner import Desk
from desk.tally import RunSummary
from domain.cassette import CassetteMode
from domain.decisions import GateMode
from domain.gate_reason import GateReason
from domain.tick import Readiness
from gate.cassette.recording import RecordLine
from gate.chat_reader import ChatReader
from gate.transport import Arrived
from settings import Settings, cassette_terms

N_ROUNDS: Final = 9
BUDGET: Final = 2.0
NOBODY: Final = "http://127.0.0.1:9"
MODEL: Final = "scripted:latest"
WITHOUT: Final = "journal on, no gate"


class Scripted:
    """Implements `gate.line.Line`: about half of the questions get a yes, the same ones each time."""

    async def prepare(self) -> Readiness:
        """Be there at once."""
        return Readiness(reason=GateReason.OK, told="scripted", digest="0" * 64, server_version="0.30.0")

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        """Answer as an Ollama server words it."""
        says_yes = sha256(body).digest()[0] % 2 == 0
        said = {
            "analysis": "scripted",
            "p_win_pct": 90 if says_yes else 10,
            "verdict": "APPROVE" if says_yes else "DENY",
        }
        answer = {
            "model": MODEL,
            "message": {"role": "assistant", "content": json.dumps(said)},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": len(body) // 4,
            "eval_count": 40,
        }
        return Arrived(status=200, body=json.dumps(answer).encode(), failure=None, digest="0" * 64)


def gated(cassette: Path, gate: GateMode, mode: CassetteMode) -> Settings:
    """Return settings of a desk whose gate has this cassette; nobody listens at its server's address."""
    return tape_settings(
        GATE_MODE=gate,
        GATE_BACKEND="ollama",
        GATE_MODEL=MODEL,
        GATE_URL=NOBODY,
        GATE_CASSETTE=mode,
        GATE_CASSETTE_FILE=str(cassette),
    )


def record(cassette: Path) -> None:
    """Record the answers to all that a desk in shadow and one in veto mode ask."""
    for gate in (GateMode.SHADOW, GateMode.VETO):
        settings = gated(cassette, gate, CassetteMode.RECORD)

        def script(desk: Desk, settings: Settings = settings) -> RecordLine:
            audited = desk.master.gate.gate
            if not isinstance(audited, AuditedGate) or not isinstance(audited.reader, ChatReader):
                raise TypeError("the desk has no reader of chats behind its gate")
            line = RecordLine(cassette_terms(settings), Scripted(), perf_counter)
            audited.reader.line = audited.reader.fitness.line = line
            return line

        journaled(settings, script)


def journaled(settings: Settings, script: Callable[[Desk], RecordLine] | None = None) -> tuple[float, RunSummary]:
    """Walk the tape with every decision on disk, in a new journal; return the seconds and the figures."""
    feed = feed_for(settings)
    header = RunHeader(
        run_id="benchmark",
        command="benchmark",
        settings_json="{}",
        code_version="",
        data_identity=feed.data_identity,
        symbols=tuple(settings.symbols),
        instruments_json="[]",
    )
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        open_journal(f"sqlite:///{folder}/journal.db", writable=True) as store,
    ):
        desk = desk_on(feed, settings, store.begin(header, 0))
        desk.tally.cassette = settings.gate_cassette
        recorder = None if script is None else script(desk)
        seconds = asyncio.run(_whole_s(desk))
        if recorder is not None:
            recorder.close()
        return seconds, desk.tally.summary("benchmark", "", seconds, is_simulated=False)


def _seconds(settings: Settings) -> float:
    return journaled(settings)[0]


async def _whole_s(desk: Desk) -> float:
    began = perf_counter()
    await desk.open()
    await desk.walk()
    return perf_counter() - began


def report() -> float:
    """Time them in turn and print them; return how many times as long the gate in shadow mode takes."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        cassette = Path(folder) / "cassette.jsonl"
        record(cassette)
        arms = {WITHOUT: tape_settings()} | {
            f"journal on, {gate.value}, replayed": gated(cassette, gate, CassetteMode.REPLAY_STRICT)
            for gate in (GateMode.SHADOW, GateMode.VETO)
        }
        figures = {name: journaled(settings)[1] for name, settings in arms.items()}
        rounds = in_turn({name: partial(_seconds, settings) for name, settings in arms.items()}, N_ROUNDS)
    n_bars = figures[WITHOUT].n_bars
    print(f"a replayed gate, {n_bars:,} bars, median of {N_ROUNDS} rounds, one uncounted round before")
    tell(rounds, WITHOUT, n_bars, "bars")
    for name, told in figures.items():
        if told.cassette is not None:
            took = ratio(rounds[name], rounds[WITHOUT])
            print(
                f"  {name}: {told.cassette.sentence}; {len(told.trades)} trades; {took:.2f} x   budget {BUDGET:.0f} x"
            )
    return ratio(rounds[f"journal on, {GateMode.SHADOW.value}, replayed"], rounds[WITHOUT])


if __name__ == "__main__":
    report()
