"""A paper desk on a live market: the program itself against the local exchange, with a fault in every minute.

`TIDEGATE_LIVE_HOURS=10` plays ten simulated hours with twenty kills; without it a short hour of it is played.
"""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from db.opening import open_journal
from db.reading import events, inputs
from db.verify import verify
from domain.market import MINUTE_MS, Snapshot
from market.live.snapshots import BACK_FILLED
from tests.doubles.exchange.binance import Binance
from tests.doubles.exchange.bybit import Bybit
from tests.doubles.exchange.deribit import Deribit
from tests.doubles.exchange.desk_process import DIES_AT, TIME_FILE
from tests.doubles.exchange.driving import play
from tests.doubles.exchange.faults import Fault, Script, one_a_minute
from tests.doubles.exchange.hyperliquid import Hyperliquid
from tests.doubles.exchange.markets import Market, recorded
from tests.doubles.exchange.mexc import Mexc
from tests.doubles.exchange.server import LocalExchange, Protocol
from tests.doubles.exchange.time import SimulatedTime
from tests.doubles.nursery import Desk, nursery

HOURS = float(os.environ.get("TIDEGATE_LIVE_HOURS", "0.5"))
N_MINUTES = round(HOURS * 60)
N_KILLS = max(2, round(HOURS * 2))
WARMUP = 260
FIRST_BAR = 3_000
BASES = ("SOL", "BTC")
SYMBOLS = tuple(f"{base}-PERP" for base in BASES)
KNOBS = (
    "E3_VOLUME_Z=0",
    "E3_BODY_OVER_ATR=0.1",
    "E3_MIN_MOVE_BPS=0",
    "EXIT_MAX_HOLD_BARS=3",
    "SIZING_KELLY_FRACTION=0",
    "RISK_COOLDOWN_AFTER_TRADE_S=0",
    "RISK_COOLDOWN_AFTER_LOSS_S=0",
    "RISK_MAX_CONSECUTIVE_LOSSES=1000",
)
PATIENCE_S = 60
UNREACHABLE = (Fault.OUTAGE, Fault.TOO_MANY_REQUESTS)
RUN = "live"


@dataclass
class Stage:
    """The program in a folder of its own, and the exchange it listens to."""

    folder: Path
    exchange: LocalExchange
    started: list[Desk] = field(default_factory=list)
    resident_kb: list[int] = field(default_factory=list)

    async def start(self, kill_at_order: int | None = None) -> None:
        """Start the program, and wait until it listens."""
        settings = [
            *KNOBS,
            f"LIVE_EXCHANGE={self.exchange.protocol.name}",
            f"LIVE_URL={self.exchange.url}",
            f"LIVE_WARMUP_BARS={WARMUP}",
            f"SYMBOLS={','.join(SYMBOLS)}",
        ]
        settings += [f"STATE_DIR={self.folder}/state", f"LOG_FILE={self.folder}/desk.log"]
        words = ["paper", "--feed", "live", "--db", f"sqlite:///{self.folder}/journal.db", "--run-id", RUN, "--json"]
        words += ["--env-file", str(self.folder / "none"), *(part for knob in settings for part in ("--set", knob))]
        environ = {**os.environ, TIME_FILE: str(self.folder / "time")}
        environ |= {} if kill_at_order is None else {DIES_AT: f"order_on_record:{kill_at_order}"}
        # The lines of one that was killed are not the new one's, which would find the clock moved in its first words.
        while self.exchange.lines:  # noqa: ASYNC110 - they end when the server has heard of it
            await asyncio.sleep(0.01)
        self.started.append(nursery().start(words, environ, self.folder / "out"))
        while not self.exchange.lines and not self.is_away():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.01)

    @property
    def desk(self) -> Desk:
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
        return (self.folder / "out").read_text(encoding="utf-8")[-3_000:]

    def taken_ms(self) -> int:
        """Return the close of the last minute that is on record for every symbol, as a bystander sees it."""
        path = f"file:{self.folder}/journal.db?mode=ro"
        try:
            with closing(sqlite3.connect(path, uri=True, timeout=1.0)) as connection:
                query = f"SELECT as_of_ms FROM ticks ORDER BY id DESC LIMIT {len(SYMBOLS)}"
                rows = connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return 0
        return min(row[0] for row in rows) if len(rows) == len(SYMBOLS) else 0

    def look_at_memory(self) -> None:
        status = Path(f"/proc/{self.desk.pid}/status").read_text(encoding="utf-8")
        self.resident_kb.append(int(status.split("VmRSS:")[1].split()[0]))

    async def play(self, n_minutes: int) -> None:
        await play(self.exchange, n_minutes, self.taken_ms, self.is_away)

    def snapshots(self) -> list[Snapshot]:
        with open_journal(f"sqlite:///{self.folder}/journal.db", writable=False) as store:
            return [snapshot for snapshot, _ in inputs(store, RUN)]


def opening(markets: Sequence[Market]) -> int:
    """Return the minute at which a desk is started: its warm-up lies before."""
    return sorted(markets[0].bars)[WARMUP + 40]


async def live(
    folder: Path,
    markets: Sequence[Market],
    script: Script,
    kill_after: Sequence[tuple[int, int]],
    protocol_of: Callable[[Sequence[Market]], Protocol] = Bybit,
    n_minutes: int = N_MINUTES,
) -> Stage:
    """Play the market and kill the desk on the way. kill_after: (minutes until the kill, minutes away)."""
    time = SimulatedTime(opening(markets) + 500, folder / "time")
    async with LocalExchange(protocol_of(markets), time, script) as exchange:
        stage = Stage(folder, exchange)
        await stage.start()
        for n_present, n_away in kill_after:
            await stage.play(n_present)
            assert not stage.is_away(), stage.said()
            stage.look_at_memory()
            stage.kill()
            await stage.play(n_away)
            while exchange.fault in UNREACHABLE:
                await stage.play(1)
            await stage.start()
        assert not stage.is_away(), stage.said()
        await stage.play(max(5, n_minutes - sum(sum(one) for one in kill_after)))
        stage.look_at_memory()
        await asyncio.to_thread(stage.stop)
    return stage


def check_minutes(snapshots: Sequence[Snapshot], markets: Sequence[Market]) -> None:
    """Every minute of every symbol is on record once, in order, with the exchange's bar or the reason for none."""
    for symbol, market in zip(SYMBOLS, markets, strict=True):
        mine = [snapshot for snapshot in snapshots if snapshot.symbol == symbol]
        times = [snapshot.as_of_ms for snapshot in mine]
        assert times == list(range(times[0], times[-1] + MINUTE_MS, MINUTE_MS))
        assert times[0] == opening(markets) - (WARMUP - 1) * MINUTE_MS
        for snapshot in mine:
            assert not snapshot.is_simulated
            if snapshot.bar is None:
                assert any(reason.startswith("no bar: ") for reason in snapshot.defects), snapshot
            else:
                bar = snapshot.bar
                told = (bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base)
                assert told == pytest.approx(market.bars[bar.open_ms], rel=1e-6)


def check_books(stage: Stage) -> None:
    """The evidence holds together, and no order is there twice."""
    with open_journal(f"sqlite:///{stage.folder}/journal.db", writable=False) as store:
        report = verify(store, RUN)
        assert report.is_sound, report.findings
        kinds = [event.kind for event in events(store, RUN)]
    assert "halt" not in kinds
    assert kinds.count("recovered") == len(stage.started) - 1
    with closing(sqlite3.connect(stage.folder / "journal.db")) as connection:
        ids = [row[0] for row in connection.execute("SELECT client_order_id FROM orders")]
    assert len(ids) == len(set(ids))


def test_through_faults_and_kills_every_minute_is_on_record_once_and_the_books_agree(
    shared: Path, tmp_path: Path
) -> None:
    markets = recorded(shared, BASES, FIRST_BAR, WARMUP + N_MINUTES + 200)
    dice = np.random.default_rng(5)
    each = max(4, N_MINUTES // (N_KILLS + 1))
    kills = [(int(dice.integers(2, each)), int(dice.integers(0, 4))) for _ in range(N_KILLS)]
    script = one_a_minute(opening(markets) + 2 * MINUTE_MS, N_MINUTES + 60, 11)
    stage = asyncio.run(live(tmp_path, markets, script, kills))
    snapshots = stage.snapshots()
    check_minutes(snapshots, markets)
    check_books(stage)
    live_ones = [snapshot for snapshot in snapshots if snapshot.as_of_ms > opening(markets)]
    assert len(live_ones) >= len(SYMBOLS) * N_MINUTES
    assert sum(snapshot.is_fit for snapshot in live_ones) > len(live_ones) // 5
    assert any(BACK_FILLED in snapshot.defects for snapshot in live_ones)
    if N_MINUTES >= 120:
        assert max(stage.resident_kb) < 1.3 * min(stage.resident_kb)


def test_without_faults_every_live_minute_is_fit_and_the_desk_trades(shared: Path, tmp_path: Path) -> None:
    markets = recorded(shared, BASES, FIRST_BAR, WARMUP + N_MINUTES + 200)
    stage = asyncio.run(live(tmp_path, markets, {}, []))
    snapshots = stage.snapshots()
    check_minutes(snapshots, markets)
    check_books(stage)
    fit = [snapshot.as_of_ms for snapshot in snapshots if snapshot.is_fit]
    assert min(fit) <= opening(markets) + 3 * MINUTE_MS
    assert {snapshot.is_fit for snapshot in snapshots if snapshot.as_of_ms > opening(markets) + 3 * MINUTE_MS} == {True}
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        outcomes = dict(connection.execute("SELECT outcome, count(*) FROM ticks GROUP BY outcome").fetchall())
        n_orders = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
    assert "warming_up" not in outcomes
    assert n_orders > 0
    assert json.loads(stage.said().splitlines()[-1])["n_orders"] == n_orders


@pytest.mark.parametrize("protocol", [Hyperliquid, Binance, Deribit, Mexc])
def test_on_other_exchanges_too_a_killed_desk_goes_on_with_every_minute_once_and_pays_its_funding(
    protocol: type[Hyperliquid | Binance | Deribit | Mexc], shared: Path, tmp_path: Path
) -> None:
    markets = recorded(shared, BASES, FIRST_BAR, WARMUP + 100)
    stage = asyncio.run(live(tmp_path, markets, {}, [(3, 2)], protocol, 10))
    snapshots = stage.snapshots()
    check_minutes(snapshots, markets)
    check_books(stage)
    live_ones = [one for one in snapshots if one.as_of_ms > opening(markets)]
    assert len(live_ones) >= len(SYMBOLS) * 10
    assert sum(one.is_fit for one in live_ones) >= len(SYMBOLS) * 5
    first_ms = snapshots[0].as_of_ms - MINUTE_MS
    due = [
        at_ms
        for at_ms in range(first_ms + MINUTE_MS, live_ones[-1].as_of_ms + 1, MINUTE_MS)
        if at_ms % protocol.settles_ms == 0
    ]
    for symbol in SYMBOLS:
        settled = [one.funding_settlement for one in snapshots if one.symbol == symbol]
        assert [one.settled_ms for one in settled if one is not None] == due


@pytest.mark.parametrize("number", [1, 2])
def test_a_desk_killed_between_an_order_and_its_tick_goes_on_from_the_minute_it_had_seen(
    number: int, shared: Path, tmp_path: Path
) -> None:
    async def go() -> Stage:
        markets = recorded(shared, BASES, FIRST_BAR, WARMUP + N_MINUTES + 200)
        time = SimulatedTime(opening(markets) + 500, tmp_path / "time")
        async with LocalExchange(Bybit(markets), time) as exchange:
            stage = Stage(tmp_path, exchange)
            await stage.start(kill_at_order=number)
            while not stage.is_away():
                await stage.play(1)
            await stage.play(3)
            await stage.start()
            await stage.play(4)
            assert not stage.is_away(), stage.said()
            await asyncio.to_thread(stage.stop)
        check_minutes(stage.snapshots(), markets)
        return stage

    stage = asyncio.run(go())
    assert stage.started[0].returncode == -signal.SIGKILL
    check_books(stage)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        query = "SELECT outcome, as_of_ms, ticks.symbol FROM orders JOIN ticks USING (tick_no) ORDER BY orders.id"
        outcome, *moment = connection.execute(query).fetchall()[number - 1]
    assert outcome in ("entered", "exiting")
    (seen,) = [one for one in stage.snapshots() if [one.as_of_ms, one.symbol] == moment]
    assert seen.is_fit
    assert seen.bid_price is not None


@pytest.mark.parametrize("fault", UNREACHABLE)
def test_an_exchange_that_cannot_be_reached_is_one_sentence_and_no_run(
    fault: Fault, shared: Path, tmp_path: Path
) -> None:
    async def go() -> Stage:
        markets = recorded(shared, BASES, FIRST_BAR, WARMUP + 60)
        time = SimulatedTime(opening(markets) + 500, tmp_path / "time")
        async with LocalExchange(Bybit(markets), time, {opening(markets): fault}) as exchange:
            stage = Stage(tmp_path, exchange)
            await stage.start()
        return stage

    stage = asyncio.run(go())
    said = stage.said().splitlines()
    assert stage.desk.returncode == 1
    assert len(said) == 1, said
    assert said[0].startswith("error: bybit could not be reached at http://127.0.0.1:")
    assert "python main.py paper --feed sim" in said[0]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 0
