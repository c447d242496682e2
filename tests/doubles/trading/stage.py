"""The program itself at the local exchange: what a live start needs proven, its life, its deaths, its journal."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from db.opening import open_journal
from db.reading import events
from db.verify import verify
from domain.market import MINUTE_MS
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.desk_process import DIES_AT, TIME_FILE
from tests.doubles.exchange.driving import wait_for
from tests.doubles.exchange.faults import Script
from tests.doubles.exchange.markets import FILES, Market
from tests.doubles.exchange.server import STEPS_MS, LocalExchange
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.nursery import Desk, nursery

WARMUP = 260
PATIENCE_S = 60
COMPILING_S = 300
"""The first command of a stage may have to compile what decides."""
LOOK_S = 0.004
LOOKS_BEFORE_TIME_MOVES = 30
MOST_MINUTES = 12
OWN = "id >> 40 = (SELECT run_no FROM runs WHERE run_id = 'live')"
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
class DeskStage:
    """A folder with a journal, an exchange that tells the market, and the desk that comes and goes.

    markets: what is traded, recorded. settings: further knobs, of every command. started: every process there was.
    """

    folder: Path
    markets: Sequence[Market]
    script: Script = field(default_factory=dict)
    settings: Sequence[str] = ()
    started: list[Desk] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the market there, and the account where the exchange has one."""
        self.time = SimulatedTime(sorted(self.markets[0].bars)[WARMUP + 40] + 500, self.folder / "time")
        self.exchange = self.opened()

    def opened(self) -> LocalExchange:
        """Return the exchange, with the account that trades there, if one does."""
        return LocalExchange(Bybit(self.markets), self.time, self.script)

    async def __aenter__(self) -> Self:
        """Open the exchange."""
        await self.exchange.__aenter__()
        return self

    async def __aexit__(self, *failure: object) -> None:
        """End whatever is left of the program, and the exchange."""
        if self.started and not self.is_away():
            self.kill()
        await self.exchange.__aexit__(*failure)

    def way(self) -> dict[str, str]:
        """Return the knobs of the way to the venue, of a live desk."""
        raise NotImplementedError

    def held(self) -> Mapping[str, int]:
        """Return what the account holds, in lots, signed; nothing for a symbol that is flat."""
        raise NotImplementedError

    async def joined(self) -> None:
        """Wait until a live desk that was just started hears of its account, or is gone."""
        raise NotImplementedError

    async def rest(self) -> None:
        """Wait until what the desk asks of the venue has come to rest: a leap of the clock would overtake it."""
        raise NotImplementedError

    async def move_to(self, now_ms: int) -> None:
        """Move the market, and the venue with it."""
        await self.exchange.move_to(now_ms)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(f"{market.base}-PERP" for market in self.markets)

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    @property
    def environ(self) -> dict[str, str]:
        # What steers the tests is no knob of the program, which would refuse it.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        return {**kept, TIME_FILE: str(self.folder / "time")}

    def spawn(self, words: Sequence[str], out: Path, environ: Mapping[str, str] | None = None) -> Desk:
        """Start the program, at the exchange's time, with a command line."""
        return nursery().start(words, {**self.environ, **(environ or {})}, out)

    def result(self, words: Sequence[str]) -> str:
        """Return what a command of the program says; it has to end well."""
        out = self.folder / f"{words[0]}.out"
        code = self.spawn(words, out).wait(COMPILING_S)
        said = out.read_text(encoding="utf-8")
        assert code == 0, said[-4_000:]
        return said

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
        return self.words("live", "--run-id", "live", "--json", LIVE_TRADING="I_ACCEPT_THE_RISK", **self.way())

    def backtest(self, shared: Path) -> None:
        """Store a finished backtest with these settings."""
        tapes = [str(shared / "data" / "ohlcv" / FILES[market.base]) for market in self.markets]
        self.result(self.words("backtest", *tapes, "--minutes", "300", "--json"))

    async def start(self, words: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start the program at the exchange's time, and wait until it listens or is gone."""
        # The lines of one that was killed are not the new one's, which would find the clock moved in its first words.
        while self.exchange.lines:  # noqa: ASYNC110 - they end when the server has heard of it
            await asyncio.sleep(0.01)
        self.started.append(self.spawn(words, self.folder / "out", environ))
        n_looks = 0
        while not self.exchange.lines and not self.is_away():
            await asyncio.sleep(0.01)
            n_looks += 1
            # It may wait for the fate of an order, which only time makes certain.
            if n_looks % LOOKS_BEFORE_TIME_MOVES == 0 and self.is_at_the_venue():
                await self.move_to(self.time.now_ms() + 1_000)

    def is_at_the_venue(self) -> bool:
        """Say whether a live desk that is being started hears of its account already."""
        return False

    async def live(self, dies_at: str | None = None) -> None:
        """Start the live desk, and wait until it hears of its account or is gone. dies_at: WHERE:N of desk_process."""
        await self.start(self.live_words(), {} if dies_at is None else {DIES_AT: dies_at})
        await self.joined()

    async def prove(self, shared: Path) -> None:
        """Have what a live start asks for on record: a backtest, and minutes on paper on this market."""
        await asyncio.to_thread(self.backtest, shared)
        await self.start(self.words("paper", "--feed", "live", "--run-id", "paper", "--json"))
        await self.play(6, "paper")
        await asyncio.to_thread(self.stop)

    @property
    def desk(self) -> Desk:
        return self.started[-1]

    def is_away(self) -> bool:
        return self.desk.poll() is not None

    def kill(self) -> None:
        self.desk.send_signal(signal.SIGKILL)
        assert self.desk.wait(PATIENCE_S) == -signal.SIGKILL, self.said()

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
                await self.move_to(max(open_ms + step_ms, self.time.now_ms()))
                await self.rest()
            await self.move_to(open_ms + MINUTE_MS + STEPS_MS[0])
            await self.taken(open_ms + MINUTE_MS, run)
            await self.rest()

    async def taken(self, close_ms: int, run: str) -> None:
        """Wait until the desk has taken a minute, or is away; the clock creeps on meanwhile."""
        await wait_for(self.exchange, close_ms, lambda: self.taken_ms(run), self.is_away)

    async def flat(self) -> None:
        """Play until nothing is held and the desk has been told so: no entry is allowed meanwhile."""
        words = ["halt", "--reduce", "--set", f"STATE_DIR={self.folder}/state", "--env-file", str(self.folder / "none")]
        await asyncio.to_thread(self.result, words)
        for _ in range(MOST_MINUTES):
            await self.play(1)
            if not self.held():
                await self.play(1)
                return
        raise AssertionError(f"still held: {self.held()}; {self.said()}")

    def orders(self) -> list[str]:
        """Return the ids of the orders that the live run has on record, oldest first."""
        return [str(row[0]) for row in self.query(f"SELECT client_order_id FROM orders WHERE {OWN} ORDER BY id")]

    def hold_record(self) -> None:
        """See that the live run's record is sound, tells no halt, no order twice, and gives itself again."""
        with open_journal(f"sqlite:///{self.journal}", writable=False) as store:
            report = verify(store, "live")
            assert report.is_sound, report.findings
            halts = [event.detail for event in events(store, "live") if event.kind == "halt"]
        assert not halts, halts
        orders = self.orders()
        assert len(orders) == len(set(orders))
        last = f"SELECT symbol, position_lots FROM ticks WHERE {OWN} ORDER BY id DESC LIMIT {len(self.markets)}"
        assert {symbol: lots for symbol, lots in self.query(last) if lots} == self.held()
        words = ["audit", "replay", "live", "--db", f"sqlite:///{self.journal}", "--json"]
        assert '"is_identical": true' in self.result(words)
