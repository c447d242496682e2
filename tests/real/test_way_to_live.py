"""The way to live as a person walks it: a start that is refused leaves no trace, and what was lived counts."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.market import MINUTE_MS
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.markets import Market, recorded
from tests.doubles.exchange.server import LocalExchange
from tests.doubles.exchange.time import SimulatedTime
from tests.real.program import Done, Program, complaint
from tests.real.test_live_desk import BASES, FIRST_BAR, KNOBS, SYMBOLS, WARMUP, Stage, opening

ASKED = ("--set", "LIVE_TRADING=I_ACCEPT_THE_RISK")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


class Doors:
    """An exchange's port and a gateway's socket at which somebody listens, and tells whether anybody came."""

    def __init__(self, folder: Path) -> None:
        (folder / "run").mkdir(mode=0o700)
        self.socket = folder / "run" / "gateway.sock"
        self.listening = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET)]
        for door, address in zip(self.listening, (str(self.socket), ("127.0.0.1", 0)), strict=True):
            door.bind(address)
            door.listen()
            door.setblocking(False)
        self.socket.chmod(0o600)

    @property
    def words(self) -> tuple[str, ...]:
        url = f"http://127.0.0.1:{self.listening[1].getsockname()[1]}"
        return ("--set", f"LIVE_URL={url}", "--set", f"GATEWAY_SOCKET={self.socket}")

    def n_callers(self) -> int:
        """Return how many have connected since last asked."""
        count = 0
        for door in self.listening:
            try:
                while door.accept():
                    count += 1
            except BlockingIOError:
                pass
        return count

    def close(self) -> None:
        for door in self.listening:
            door.close()


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    found = Doors(tmp_path)
    yield found
    found.close()


def test_a_live_start_without_proof_is_one_sentence_and_leaves_nothing_behind(
    program: Program, doors: Doors, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    told = complaint(program.run("live", *ASKED, *doors.words), 2)
    assert told.startswith("error: live does not start. Not proven: backtest (")
    assert told.endswith(", and 1 more. `python main.py doctor --set MODE=live` lists every proof")
    assert sorted(tmp_path.rglob("*")) == before
    assert doors.n_callers() == 0


def test_a_live_start_without_proof_adds_nothing_to_a_journal_that_is_there(program: Program, doors: Doors) -> None:
    assert program.call("paper", "--speed", "max", "--minutes", "300").returncode == 0
    before = program.journal.read_bytes()
    told = complaint(program.call("live", *ASKED, *doors.words), 2)
    assert "no finished backtest with these settings" in told
    assert program.query("SELECT command FROM runs") == [("paper",)]
    assert program.journal.read_bytes() == before
    assert doors.n_callers() == 0


def test_plain_main_follows_the_mode_of_the_settings_file_and_paper_does_not(program: Program) -> None:
    for words in (("paper", "--feed", "sim"), ("backtest", "--data", "none.csv")):
        asked = {"MODE": "live", "FEED": "live", "LIVE_TRADING": "I_ACCEPT_THE_RISK"}
        done = program.call(*words, "--minutes", "30", env=asked)
        assert "live does not start" not in done.stderr
    assert program.query('SELECT command, settings_json LIKE \'%"MODE":"paper"%\' FROM runs') == [("paper", 1)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("paper", "--set", "MODE=live"), "MODE=live has no say here: MODE of this command is paper"),
        (("live", "--set", "MODE=paper"), "MODE=paper has no say here: MODE of this command is live"),
        (("backtest", "--set", "MODE=dry_run"), "MODE=dry_run has no say here"),
        (("sweep", "--grid", "none.json", "--set", "MODE=live"), "MODE=live has no say here"),
        (("dry-run",), "dry_run does not start. Not proven: gateway ("),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(program: Program, words: tuple[str, ...], told: str) -> None:
    assert told in complaint(program.call(*words), 2)
    assert not program.journal.exists()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("live",), "LIVE_TRADING"),
        (("live", *ASKED, "--set", "EXECUTION=ccxt"), "CCXT_KEY_FILE"),
        (("dry-run", "--set", "EXECUTION=ccxt"), "EXECUTION"),
    ],
)
def test_settings_that_contradict_the_mode_are_named_before_any_proof(
    program: Program, words: tuple[str, ...], name: str
) -> None:
    done = program.call(*words)
    assert done.returncode == 2
    assert "1 setting is refused" in done.stderr
    assert name in done.stderr
    assert not program.journal.exists()


def checks(done: Done) -> dict[str, tuple[bool, str, str]]:
    return {one["name"]: (one["ok"], one["found"], one["advice"]) for one in json.loads(done.stdout)["checks"]}


def test_the_doctor_says_whether_the_live_market_answers(program: Program) -> None:
    bars = {1_746_057_600_000 + number * MINUTE_MS: (150.0, 150.2, 149.9, 150.1, 100.0) for number in range(50)}

    async def go() -> tuple[Done, Done]:
        time = SimulatedTime(max(bars), program.folder / "time")
        async with LocalExchange(Bybit([Market("SOL", bars, 2)]), time) as exchange:
            words = ("doctor", "--json", "--set", "FEED=live", "--set", f"LIVE_URL={exchange.url}")
            there = await asyncio.to_thread(program.call, *words)
        return there, await asyncio.to_thread(program.call, *words)

    there, away = asyncio.run(go())
    assert there.returncode == 0, there.stderr
    is_fine, found, _ = checks(there)["live market"]
    assert is_fine
    assert "it answers: LIVE market: bybit, SOL-PERP (SOL/USDT:USDT)" in found
    assert checks(there)["live"][1].startswith("not asked for")
    is_fine, found, advice = checks(away)["live market"]
    assert (away.returncode, is_fine) == (1, False)
    assert found.startswith("bybit could not be reached at http://127.0.0.1:")
    assert advice


def test_minutes_that_a_paper_desk_has_taken_live_are_counted_and_its_warm_up_is_not(
    shared: Path, program: Program
) -> None:
    markets = recorded(shared, BASES, FIRST_BAR, WARMUP + 100)

    async def go() -> str:
        time = SimulatedTime(opening(markets) + 500, program.folder / "time")
        async with LocalExchange(Bybit(markets), time) as exchange:
            stage = Stage(program.folder, exchange)
            await stage.start()
            await stage.play(8)
            assert not stage.is_away(), stage.said()
            await asyncio.to_thread(stage.stop)
            return exchange.url

    url = asyncio.run(go())
    lived = [f"LIVE_URL={url}", f"SYMBOLS={','.join(SYMBOLS)}", *KNOBS]
    asked = ["MODE=live", "EXECUTION=ccxt", "LIVE_TRADING=I_ACCEPT_THE_RISK", "FEED=sim"]
    words = [word for knob in (*lived, *asked) for word in ("--set", knob)]
    enough = checks(program.call("doctor", "--json", *words, "--set", "PROOF_PAPER_MINUTES=5"))["live: paper"]
    short = checks(program.call("doctor", "--json", *words, "--set", "PROOF_PAPER_MINUTES=60"))["live: paper"]
    other = checks(program.call("doctor", "--json", *words, "--set", "E3_MIN_MOVE_BPS=1"))["live: paper"]
    assert enough[0], enough
    n_minutes = int(enough[1].removeprefix("live: ").split()[0])
    assert 5 <= n_minutes <= 8
    assert not short[0]
    assert "60 minutes are asked for" in short[1]
    assert "--run-id live" in short[2]
    assert not other[0]
    assert "had another E3_MIN_MOVE_BPS" in other[1]
