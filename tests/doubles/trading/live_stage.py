"""The program itself, trading on the local exchange: what it needs proven, its life, its deaths, both books after."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from domain.market import MINUTE_MS
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.desk_process import KILL_AT, TIME_FILE
from tests.doubles.exchange.driving import wait_for
from tests.doubles.exchange.faults import Script
from tests.doubles.exchange.markets import FILES, Market
from tests.doubles.exchange.server import STEPS_MS, LocalExchange
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.trading.bybit import BybitAccount
from tests.doubles.trading.door import Door
from tests.doubles.trading.engine import Engine
from tests.doubles.trading.world import API_KEY, KEYS, SECRET, contracts_of

ROOT = Path(__file__).parents[3]
WARMUP = 260
PATIENCE_S = 60
QUIET_LOOKS, LOOK_S = 5, 0.004
MOST_MINUTES = 12
DECIDING = (
    "E3_VOLUME_Z=-10",
    "E3_BODY_OVER_ATR=0",
    "E3_MIN_MOVE_BPS=0",
    "EXIT_MAX_HOLD_BARS=2",
    "SIZING_KELLY_FRACTION=0",
    "RISK_COOLDOWN_AFTER_TRADE_S=0",
    "RISK_COOLDOWN_AFTER_LOSS_S=0",
    "RISK_MAX_CONSECUTIVE_LOSSES=1000",
)


@dataclass
class LiveStage:
    """A folder with a journal, an exchange with an account, and the desk that comes and goes.

    markets: what is traded, recorded. venue: further settings of the way to the venue.
    """

    folder: Path
    markets: Sequence[Market]
    script: Script = field(default_factory=dict)
    settings: Sequence[str] = ()
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the account beside the market."""
        self.time = SimulatedTime(sorted(self.markets[0].bars)[WARMUP + 40] + 500, self.folder / "time")
        self.engine = Engine(contracts_of(self.markets), self.time.now_ms)
        self.account = BybitAccount(self.engine, API_KEY, SECRET)
        self.door = Door(self.account)
        self.exchange = LocalExchange(Bybit(self.markets), self.time, self.script, self.door)
        self.key_file = self.folder / "key.json"
        self.key_file.write_text(json.dumps(KEYS["bybit"]))
        self.key_file.chmod(0o600)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(f"{market.base}-PERP" for market in self.markets)

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, TIME_FILE: str(self.folder / "time")}

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the program, at the exchange's time, with a command line."""
        return [sys.executable, "-m", "tests.doubles.exchange.desk_process", *words]

    def words(self, *words: str, **knobs: str) -> list[str]:
        """Return the command line of one command of the program."""
        given = [*DECIDING, f"SYMBOLS={','.join(self.symbols)}", f"LIVE_WARMUP_BARS={WARMUP}"]
        given += [f"LIVE_URL={self.exchange.url}", f"STATE_DIR={self.folder}/state", f"LOG_FILE={self.folder}/desk.log"]
        given += ["PROOF_PAPER_MINUTES=3", "RECONCILE_EVERY_MINUTES=3", *self.settings]
        given += [f"{name}={value}" for name, value in knobs.items()]
        tail = ["--db", f"sqlite:///{self.journal}", "--env-file", str(self.folder / "none")]
        return [*words, *tail, *(part for knob in given for part in ("--set", knob))]

    def live_words(self) -> list[str]:
        """Return the command line of a live desk."""
        return self.words(
            "live",
            "--run-id",
            "live",
            "--json",
            LIVE_TRADING="I_ACCEPT_THE_RISK",
            EXECUTION="ccxt",
            CCXT_KEY_FILE=str(self.key_file),
            CCXT_URL=self.exchange.url,
        )

    def backtest(self, shared: Path) -> None:
        """Store a finished backtest with these settings."""
        tapes = [str(shared / "data" / "ohlcv" / FILES[market.base]) for market in self.markets]
        words = self.words("backtest", *tapes, "--minutes", "300", "--json")
        done = subprocess.run(
            self.command(words), cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    async def start(self, words: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start the program at the exchange's time, and wait until it listens or is gone."""
        environ = {**self.environ, **(environ or {})}
        with (self.folder / "out").open("ab") as out:
            self.started.append(subprocess.Popen(self.command(words), cwd=ROOT, env=environ, stdout=out, stderr=out))  # noqa: ASYNC220
        while not self.exchange.lines and not self.is_away():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.01)

    async def live(self, kill_at_order: int | None = None) -> None:
        """Start the live desk, and wait until it listens to its account or is gone."""
        before = self.door.n_connected
        await self.start(self.live_words(), {} if kill_at_order is None else {KILL_AT: str(kill_at_order)})
        while not (self.door.n_connected > before and self.door.is_heard) and not self.is_away():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(LOOK_S)

    async def prove(self, shared: Path) -> None:
        """Have what a live start asks for on record: a backtest, and minutes on paper on this market."""
        await asyncio.to_thread(self.backtest, shared)
        await self.start(self.words("paper", "--feed", "live", "--run-id", "paper", "--json"))
        await self.play(6, "paper")
        await asyncio.to_thread(self.stop)

    @property
    def desk(self) -> subprocess.Popen[bytes]:
        return self.started[-1]

    def is_away(self) -> bool:
        return self.desk.poll() is not None

    def kill(self) -> None:
        self.desk.send_signal(signal.SIGKILL)
        assert self.desk.wait(PATIENCE_S) == -signal.SIGKILL

    def stop(self) -> None:
        """Ask the desk to stop as a person would, and see that it does."""
        self.desk.send_signal(signal.SIGTERM)
        assert self.desk.wait(PATIENCE_S) == 0, self.said()

    def said(self) -> str:
        return (self.folder / "out").read_text(encoding="utf-8")[-4_000:]

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the journal as a bystander does."""
        with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=1.0)) as connection:
            return connection.execute(sql).fetchall()

    def taken_ms(self, run: str = "live") -> int:
        """Return the close of the last minute that is on record for every symbol."""
        own = f"(SELECT run_no FROM runs WHERE run_id = '{run}')"
        query = f"SELECT as_of_ms FROM ticks WHERE id >> 40 = {own} ORDER BY id DESC LIMIT {len(self.markets)}"
        try:
            rows = self.query(query)
        except sqlite3.OperationalError:
            return 0
        return min(int(str(row[0])) for row in rows) if len(rows) == len(self.markets) else 0

    async def play(self, n_minutes: int, run: str = "live") -> None:
        """Play whole minutes, each after the desk has taken the one before and its messages have come to rest."""
        for _ in range(n_minutes):
            open_ms = self.time.now_ms() // MINUTE_MS * MINUTE_MS
            for step_ms in (*STEPS_MS, MINUTE_MS):
                await self.exchange.move_to(max(open_ms + step_ms, self.time.now_ms()))
                await self.rest()
            await self.exchange.move_to(open_ms + MINUTE_MS + STEPS_MS[0])
            await wait_for(self.exchange, open_ms + MINUTE_MS, lambda: self.taken_ms(run), self.is_away)
            await self.rest()

    async def rest(self) -> None:
        """Wait until no request has come for some looks: one that is overtaken by a leap of the clock is refused."""
        n_quiet = 0
        while n_quiet < QUIET_LOOKS and not self.is_away():
            before = sum(self.door.n_asked.values())
            await asyncio.sleep(LOOK_S)
            n_quiet = n_quiet + 1 if sum(self.door.n_asked.values()) == before else 0

    async def flat(self) -> None:
        """Play until nothing is held and the desk has been told so: no entry is allowed meanwhile."""
        words = ["halt", "--reduce", "--set", f"STATE_DIR={self.folder}/state", "--env-file", str(self.folder / "none")]
        await asyncio.to_thread(subprocess.run, self.command(words), cwd=ROOT, env=self.environ, check=True)
        for _ in range(MOST_MINUTES):
            await self.play(1)
            if not self.held():
                await self.play(1)
                return
        raise AssertionError(f"still held: {self.held()}; {self.said()}")

    def held(self) -> dict[str, Decimal]:
        """Return what the account holds."""
        return {f"{base}-PERP": size for base, size in self.engine.held.items() if size}
