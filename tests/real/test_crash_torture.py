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
from tests.doubles.nursery import AT_ITS_OWN, nursery

ROOT = Path(__file__).parents[2]
N_KILLS = int(os.environ.get("TIDEGATE_KILLS", "25"))
N_MINUTES = 12_000
KNOBS = ("E3_VOLUME_Z=1.2", "SIZING_KELLY_FRACTION=0", "JOURNAL_BATCH_TICKS=64", "RISK_COOLDOWN_AFTER_TRADE_S=0")


def command(shared: Path, folder: Path, run_id: str) -> list[str]:
    given = ["--feed", "replay", "--symbol", "SOL-PERP", "--speed", "max", "--minutes", str(N_MINUTES), "--json"]
    given += ["--db", f"sqlite:///{folder}/journal.db", "--run-id", run_id, "--env-file", str(folder / "none")]
    knobs = [*KNOBS, f"DATA_DIRS={shared}", f"STATE_DIR={folder}/state", f"LOG_FILE={folder}/desk.log"]
    overrides = [part for knob in knobs for part in ("--set", knob)]
    return ["paper", *given, *overrides]


def finish(words: Sequence[str]) -> dict[str, object]:
    call = [sys.executable, str(ROOT / "main.py"), *words]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def ask(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the journal as a bystander; nothing while it is not there yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/journal.db?mode=ro", uri=True, timeout=1.0)) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []


def n_ticks(folder: Path) -> int:
    """Return how many ticks of all runs are durable."""
    answer = ask(folder, "SELECT count(*) FROM ticks")
    return int(str(answer[0][0])) if answer else 0


def is_finished(folder: Path, run_id: str) -> bool:
    return bool(ask(folder, f"SELECT 1 FROM runs WHERE run_id = '{run_id}' AND finished_ms IS NOT NULL"))


def kill_somewhere(words: Sequence[str], folder: Path, dice: random.Random) -> bool:
    """Start the desk and SIGKILL it: at an instant of its start-up or recovery, or so many durable ticks later.

    Return whether it was still alive then.
    """
    process = nursery().start(words, os.environ, folder / "out", door=AT_ITS_OWN)
    in_start = dice.random() < 0.3
    deadline_s = time.monotonic() + (dice.uniform(0.0, 1.5) if in_start else 120.0)
    goal = n_ticks(folder) + dice.randint(1, N_MINUTES // 6)
    while process.poll() is None and time.monotonic() < deadline_s and (in_start or n_ticks(folder) < goal):
        time.sleep(0.001)
    time.sleep(dice.uniform(0.0, 0.01))
    process.send_signal(signal.SIGKILL)
    return process.wait(60) == -signal.SIGKILL


def test_a_desk_killed_at_random_instants_ends_with_the_ledger_of_an_uninterrupted_run(
    shared: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    uninterrupted = finish(command(shared, whole, "torture"))
    assert uninterrupted["n_trades"]

    dice = random.Random(20250504)  # noqa: S311 - the instants need no secrecy, they need to be many
    n_killed, number, places = 0, 0, set()
    while n_killed < N_KILLS:
        assert number <= N_KILLS, "the desk is through its tape before it can be killed"
        n_killed += kill_somewhere(command(shared, killed, f"run-{number}"), killed, dice)
        places.add(n_ticks(killed))
        number += is_finished(killed, f"run-{number}")
    if not is_finished(killed, f"run-{number}"):
        finish(command(shared, killed, f"run-{number}"))

    assert len(places) > N_KILLS // 3, f"the kills fell at too few places: {sorted(places)}"
    for done in range(number + 1):
        check_survivor(killed, f"run-{done}", str(uninterrupted["chain_hash"]))


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
