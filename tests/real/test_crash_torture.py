"""The desk is killed with SIGKILL at random instants and started again, until it is through its tape.

Whatever the instants, the ledger must come out as if nothing had happened: same chain, no row lost, no order
doubled. `TIDEGATE_KILLS=200` in the environment asks for more kills than the suite's 25.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from db.opening import open_journal
from db.reading import find_run, of_run
from db.tables import ORDERS
from db.verify import verify

ROOT = Path(__file__).parents[2]
N_KILLS = int(os.environ.get("TIDEGATE_KILLS", "25"))
N_MINUTES = 12_000
KNOBS = ("E3_VOLUME_Z=1.2", "SIZING_KELLY_FRACTION=0", "JOURNAL_BATCH_TICKS=64", "RISK_COOLDOWN_AFTER_TRADE_S=0")


def command(shared: Path, folder: Path, run_id: str) -> list[str]:
    given = ["--feed", "replay", "--symbol", "SOL-PERP", "--speed", "max", "--minutes", str(N_MINUTES), "--json"]
    given += ["--db", f"sqlite:///{folder}/journal.db", "--run-id", run_id, "--env-file", str(folder / "none")]
    knobs = [*KNOBS, f"DATA_DIRS={shared}", f"STATE_DIR={folder}/state", f"LOG_FILE={folder}/desk.log"]
    overrides = [part for knob in knobs for part in ("--set", knob)]
    return [sys.executable, str(ROOT / "main.py"), "paper", *given, *overrides]


def finish(call: Sequence[str]) -> dict[str, object]:
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def progress(folder: Path) -> int:
    """Return how many ticks are durable; 0 while there is no journal yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/journal.db?mode=ro", uri=True, timeout=1.0)) as connection:
            return int(connection.execute("SELECT count(*) FROM ticks").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def kill_at(call: Sequence[str], delay_s: float) -> bool:
    """Start the desk, SIGKILL it after `delay_s`; say whether it was still alive then."""
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=delay_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait(timeout=60) == -signal.SIGKILL


def test_a_desk_killed_at_random_instants_ends_with_the_ledger_of_an_uninterrupted_run(
    shared: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    finish(command(shared, whole, "warm-up"))
    began = time.monotonic()
    uninterrupted = finish(command(shared, whole, "torture"))
    lifetime_s = time.monotonic() - began
    assert uninterrupted["n_trades"]

    dice = random.Random(20250504)  # noqa: S311 - the instants need no secrecy, they need to be many
    n_killed, n_finished, places = 0, 0, set()
    while n_killed < N_KILLS:
        call = command(shared, killed, f"run-{n_finished}")
        if kill_at(call, dice.uniform(0.4, 1.0) * lifetime_s):
            n_killed += 1
            places.add(progress(killed))
        else:
            n_finished += 1
        assert n_finished <= N_KILLS, "the desk is through its tape before it can be killed"
    finish(command(shared, killed, f"run-{n_finished}"))

    assert len(places) > 3, f"the kills fell at too few places: {sorted(places)}"
    for number in range(n_finished + 1):
        check_survivor(killed, f"run-{number}", str(uninterrupted["chain_hash"]))


def check_survivor(folder: Path, run_id: str, chain_hash: str) -> None:
    """The survivor's rows verify, end in the same link, replay alike, and name every order once."""
    with open_journal(f"sqlite:///{folder}/journal.db", writable=False) as store:
        report = verify(store, run_id)
        assert report.is_sound, report.findings
        assert report.is_finished
        assert report.chain_hash == chain_hash
        run_no = find_run(store, run_id).run_no
        with store.read() as connection:
            ids = list(connection.scalars(of_run(select(ORDERS.c.client_order_id), ORDERS, run_no)))
    assert len(ids) == len(set(ids)) > 0
