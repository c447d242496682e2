"""A backtest with the gate over recorded days of 2025-05: from a cassette it comes out again to the byte.

What two replays of one cassette may differ in is named here and nowhere else: the wall clock (when a run and its events
began and ended, how many seconds it took) and the hashes taken over it. The event `finished` repeats both.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.real.evaluated import evaluated
from tests.real.program import ROOT, Done, Program, complaint
from tests.unit.gate.ollama_double import MODEL, Deed, chat, ollama, reply

DAYS = ("backtest", "--symbol", "SOL-PERP", "--from", "2025-05-05T00:00Z", "--until", "2025-05-09T00:00Z")
WALL_CLOCK = {
    "runs": {"started_ms", "finished_ms", "header_hash", "summary_json"},
    "events": {"at_ms", "hash"},
}
"""The columns of an exported run that hold the wall clock, or a hash over it."""
SERVER_GONE = "http://127.0.0.1:9"
SAID = re.compile(r"(\d+) of (\d+) answers from the cassette")


def judged(asked: dict[str, Any]) -> Deed:
    """Answer as a function of the question alone: about half of them get a yes."""
    says_yes = sha256(json.dumps(asked["messages"]).encode()).digest()[0] % 2
    return Deed(chat(reply("APPROVE", 90) if says_yes else reply("DENY", 10)))


def words(url: str, mode: str, cassette: Path, *more: str) -> list[str]:
    knobs = {
        "GATE_MODE": "veto",
        "GATE_BACKEND": "ollama",
        "GATE_MODEL": MODEL,
        "GATE_URL": url,
        "GATE_CASSETTE": mode,
        "GATE_CASSETTE_FILE": str(cassette),
    }
    given = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    return [*given, "--run-id", "run", *more]


@dataclass(frozen=True)
class Lived:
    """One finished run in a folder of its own. told: its JSON. page: its report. files: its export, by name."""

    program: Program
    told: dict[str, Any]
    page: str
    files: dict[str, bytes]

    @property
    def figures(self) -> dict[str, Any]:
        return {name: value for name, value in self.told.items() if name not in ("seconds", "chain_hash", "cassette")}

    def rows(self, table: str, *left_out: str) -> list[dict[str, Any]]:
        lines = self.files[f"{table}.jsonl"].splitlines()
        return [{name: one[name] for name in one if name not in left_out} for one in map(json.loads, lines)]


def lived(folder: Path, url: str, mode: str, cassette: Path) -> Lived:
    program = Program(folder)
    page = folder / "report.html"
    told = program.answer(*DAYS, *words(url, mode, cassette, "--report", str(page)))
    exported = program.fork("audit", "export", "run", "--to", str(folder / "export"))
    assert exported.returncode == 0, exported.stderr
    files = {path.name: path.read_bytes() for path in (folder / "export").iterdir()}
    return Lived(program, told, page.read_text(), files)


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cassette") / "may.jsonl"


@pytest.fixture(scope="module")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory, cassette: Path) -> Lived:
    with ollama(judged) as server:
        run = lived(tmp_path_factory.mktemp("recorded"), server.url, "record", cassette)
        assert len(server.requests) == run.told["cassette"]["n_asked"]
    return run


@pytest.fixture(scope="module")
def replays(recorded: Lived, tmp_path_factory: pytest.TempPathFactory, cassette: Path) -> list[Lived]:
    folders = [tmp_path_factory.mktemp("replay") for _ in range(2)]
    return [lived(folder, SERVER_GONE, "replay_strict", cassette) for folder in folders]


def test_both_verdicts_occur_and_every_answer_is_on_the_cassette(recorded: Lived) -> None:
    reasons = recorded.told["gate_reasons"]
    assert reasons.keys() == {"ok", "llm_deny"}
    assert min(reasons.values()) > 3
    assert recorded.told["n_trades"] > 3
    n = sum(reasons.values())
    assert recorded.told["cassette"]["told"] == f"gate: {n} of {n} answers on the cassette"


def test_two_replays_with_the_server_gone_are_one_run(replays: list[Lived]) -> None:
    first, second = replays
    assert first.told["chain_hash"] == second.told["chain_hash"]
    assert {**first.told, "seconds": 0} == {**second.told, "seconds": 0}
    pages = [re.sub(r"(<dt>Begun</dt><dd>).*?(</dd>)", r"\1\2", one.page) for one in replays]
    assert pages[0] == pages[1]
    assert "Begun" in pages[0]


def test_the_journals_of_two_replays_are_equal_to_the_byte_but_for_the_wall_clock(replays: list[Lived]) -> None:
    first, second = replays
    assert first.files.keys() == second.files.keys()
    differing = {name for name, raw in first.files.items() if raw != second.files[name]}
    assert {name.partition(".")[0] for name in differing} <= WALL_CLOCK.keys()
    assert first.rows("runs", *WALL_CLOCK["runs"]) == second.rows("runs", *WALL_CLOCK["runs"])
    events, again = (
        [event for event in one.rows("events", *WALL_CLOCK["events"]) if event["kind"] != "finished"] for one in replays
    )
    assert events == again
    assert sum(event["kind"] == "gate_answered" for event in events) == first.told["cassette"]["n_asked"]


def test_a_replay_has_the_figures_and_the_answers_of_the_run_that_was_recorded(
    recorded: Lived, replays: list[Lived]
) -> None:
    for replay in replays:
        assert replay.figures == recorded.figures
        # Chained hashes and the source of an answer tell a replay from a recording; what was answered does not.
        assert replay.rows("gate_outcomes", "hash") == recorded.rows("gate_outcomes", "hash")
        for table in ("gate_requests", "fills", "trades", "orders"):
            assert replay.rows(table, "hash") == recorded.rows(table, "hash")
        assert {row["source"] for row in replay.rows("gate_replies")} == {"cassette"}
    assert {row["source"] for row in recorded.rows("gate_replies")} == {"live"}


def test_the_hit_rate_is_said_in_json_in_the_report_and_on_record(replays: list[Lived]) -> None:
    [replay, _] = replays
    n = sum(replay.told["gate_reasons"].values())
    said = f"gate: {n} of {n} answers from the cassette, reproducible"
    assert replay.told["cassette"]["told"] == said
    assert said in replay.page
    [(summary,)] = replay.program.query("SELECT summary_json FROM runs")
    assert json.loads(summary)["cassette"] == replay.told["cassette"]
    [ready] = [detail for kind, detail in replay.program.events() if kind == "gate_ready"]
    assert f"the cassette may.jsonl with {n} answers of {MODEL}" in ready


def test_a_replayed_run_is_verified_and_recomputed_without_the_cassette(
    replays: list[Lived], tmp_path: Path, cassette: Path
) -> None:
    program = replays[0].program
    hidden = cassette.rename(tmp_path / "elsewhere")
    try:
        assert program.answer("audit", "verify", "run")["is_sound"]
        again = program.fork("audit", "replay", "run")
        assert (again.returncode, again.stdout.split()[0]) == (0, "identical"), again.stdout
    finally:
        hidden.rename(cassette)


def replay(folder: Path, mode: str, cassette: Path, *more: str) -> tuple[Program, Done]:
    program = Program(folder)
    return program, program.fork(*DAYS, *words(SERVER_GONE, mode, cassette, "--no-report", *more))


@pytest.mark.parametrize("mode", ["replay", "replay_strict"])
def test_without_the_cassette_the_run_is_refused_before_it_begins(tmp_path: Path, shared: Path, mode: str) -> None:
    program, done = replay(tmp_path, mode, tmp_path / "none.jsonl")
    assert "the cassette" in complaint(done, 2)
    assert "none.jsonl cannot be opened: No such file or directory" in done.stderr
    assert program.query("SELECT count(*) FROM runs") in ([], [(0,)])


@pytest.mark.parametrize("mode", ["record", "replay", "replay_strict"])
def test_a_cassette_with_one_byte_changed_is_refused_and_the_line_is_named(
    recorded: Lived, cassette: Path, tmp_path: Path, mode: str
) -> None:
    raw = bytearray(cassette.read_bytes())
    lines = raw.splitlines(keepends=True)
    raw[len(b"".join(lines[:4])) + len(lines[4]) // 2] ^= 1
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(raw)
    _, done = replay(tmp_path, mode, bad)
    assert "bad.jsonl is damaged in line 5: its checksum does not hold" in complaint(done, 2)
    assert bad.read_bytes() == raw


@pytest.fixture(scope="module")
def gapped(recorded: Lived, cassette: Path) -> tuple[Path, str]:
    """Return a copy of the cassette without the answer of the third denial, and the request that it answered."""
    denied = [row["request_id"] for row in recorded.rows("gate_outcomes") if row["reason_code"] == "llm_deny"][2]
    [body] = [row["prompt"] for row in recorded.rows("gate_requests") if row["request_id"] == denied]
    lines = cassette.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("request") != body]
    assert len(kept) == len(lines) - 1
    path = cassette.with_name("gapped.jsonl")
    path.write_bytes(b"".join(kept))
    return path, denied


def test_a_strict_replay_stops_at_the_first_answer_that_is_missing(gapped: tuple[Path, str], tmp_path: Path) -> None:
    path, request_id = gapped
    program, done = replay(tmp_path, "replay_strict", path, "--json")
    [(tick_no,)] = program.query(f"SELECT tick_no FROM gate_requests WHERE request_id = '{request_id}'")
    sentence = complaint(done, 1)
    assert f"tick {tick_no}: the cassette holds no answer to the request {request_id}" in sentence
    assert program.n_ticks() == tick_no - 1
    assert program.query(f"SELECT count(*) FROM orders WHERE tick_no >= {tick_no}") == [(0,)]
    assert program.events()[-1][0] == "halt"
    assert program.query("SELECT finished_ms FROM runs") == [(None,)]
    assert program.fork("audit", "verify", "run").returncode == 0
    # Resumed, it comes as far as that and no further.
    again = program.fork(*DAYS, *words(SERVER_GONE, "replay_strict", path, "--json"))
    assert f"tick {tick_no}: the cassette holds no answer" in complaint(again, 1)
    assert program.n_ticks() == tick_no - 1


def test_a_plain_replay_denies_what_is_missing_and_does_not_call_itself_reproducible(
    gapped: tuple[Path, str], recorded: Lived, tmp_path: Path
) -> None:
    path, request_id = gapped
    program, done = replay(tmp_path, "replay", path)
    assert done.returncode == 0, done.stderr
    query = "SELECT request_id, verdict FROM gate_outcomes WHERE reason_code = 'cassette_miss'"
    assert program.query(query) == [(request_id, "denied")]
    n = recorded.told["cassette"]["n_asked"]
    said = " ".join(done.stdout.split())
    assert f"{n - 1} of {n} answers from the cassette, 1 miss: not reproducible" in said
    assert program.query("SELECT count(*) FROM trades") == [(recorded.told["n_trades"],)]


def test_a_recorder_that_was_killed_keeps_others_out_while_it_lives_and_its_cassette_can_be_completed(
    shared: Path, tmp_path: Path
) -> None:
    """SIGKILL while the fourth answer is waited for: three are on the cassette, and only the rest is asked later."""
    cassette, n_asked = tmp_path / "killed.jsonl", iter(range(10**6))
    with ollama(lambda asked: judged(asked) if next(n_asked) < 3 else Deed(has_head=False, ending="hang")) as server:
        first = Program(tmp_path / "first")
        command = first.command(*DAYS, *words(server.url, "record", cassette, "--no-report"))
        desk = subprocess.Popen(command, cwd=ROOT, env=first.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.requests) < 4:
            server.was_asked.clear()
            assert server.was_asked.wait(60)
        second = Program(tmp_path / "second").fork(*DAYS, *words(server.url, "record", cassette))
        assert "another desk is using the cassette" in complaint(second, 2)
        desk.kill()
        desk.wait(30)
    with cassette.open("ab") as file:
        file.write(b'{"line":"answer","key":"half of wh')
    with ollama(judged) as server:
        third = Program(tmp_path / "third").answer(*DAYS, *words(server.url, "record", cassette))
        assert len(server.requests) == third["cassette"]["n_asked"] - 3
    fourth = Program(tmp_path / "fourth").answer(*DAYS, *words(SERVER_GONE, "replay_strict", cassette))
    assert fourth["cassette"]["is_reproducible"]
    assert fourth["equity_usd"] == third["equity_usd"]


def test_a_paper_run_hears_a_cassette_too(tmp_path: Path) -> None:
    cassette = tmp_path / "sim.jsonl"
    command = ("paper", "--feed", "sim", "--minutes", "900", "--speed", "max", "--set", "GATE_EVALUATION=1")
    first, relived = Program(tmp_path / "lived"), Program(tmp_path / "relived")
    evaluated(first)
    evaluated(relived)
    with ollama(judged) as server:
        lived = first.answer(*command, *words(server.url, "record", cassette))
    done = relived.fork(*command, *words(SERVER_GONE, "replay_strict", cassette))
    assert done.returncode == 0, done.stderr
    n = lived["cassette"]["n_asked"]
    assert n > 0
    assert SAID.search(" ".join(done.stdout.split())).groups() == (str(n), str(n))
