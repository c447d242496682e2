"""The main job on real input, as issue and README promise it: one command, a report, a journal that holds up."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.real.program import Program

N_BARS = 39_387
PROMISED = {
    "run_id", "n_bars", "n_signals", "n_trades", "net_pnl_usd", "fees_usd", "funding_usd", "max_drawdown_frac",
    "chain_hash", "seconds",
}  # fmt: skip
JOB = ("paper", "--feed", "replay", "--symbol", "SOL-PERP", "--speed", "max")

Job = tuple[Program, dict[str, Any]]


@pytest.fixture(scope="module")
def job(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    program = Program(tmp_path_factory.mktemp("job"))
    return program, program.answer(*JOB, "--run-id", "first")


@pytest.fixture
def altered(job: Job, tmp_path: Path) -> tuple[Program, sqlite3.Connection]:
    """Return a copy of the journal, open to somebody for whom no guard stands in the way."""
    program = Program(tmp_path)
    shutil.copy(job[0].journal, program.journal)
    with closing(sqlite3.connect(program.journal, isolation_level=None)) as intruder:
        for (name,) in intruder.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            intruder.execute(f"DROP TRIGGER {name}")
        yield program, intruder


def test_the_job_finds_its_recordings_takes_every_bar_and_ends_with_the_promised_figures(job: Job) -> None:
    _, told = job
    assert told["n_bars"] == N_BARS
    assert told.keys() >= PROMISED
    assert told["n_trades"] == sum(part["n_trades"] for part in told["by_regime"].values()) > 0
    assert told["n_trades"] == sum(part["n_trades"] for part in told["by_exit_reason"].values())
    assert sum(told["outcomes"].values()) == N_BARS
    assert 0.0 < told["max_drawdown_frac"] < 1.0
    parts = sum(part["net_pnl_usd"] for part in told["by_symbol"].values())
    assert told["net_pnl_usd"] == pytest.approx(parts) == told["equity_usd"] - told["starting_equity_usd"]


def test_the_same_command_twice_gives_the_same_chain(job: Job) -> None:
    program, told = job
    again = program.answer(*JOB, "--run-id", "second")
    assert again["chain_hash"] == told["chain_hash"]
    assert {**again, "run_id": 0, "seconds": 0} == {**told, "run_id": 0, "seconds": 0}


def test_the_run_verifies_and_comes_out_identical_when_it_is_recomputed(job: Job) -> None:
    program, told = job
    verified = program.answer("audit", "verify", "first")
    assert (verified["is_sound"], verified["is_finished"]) == (True, True)
    replayed = program.answer("audit", "replay", "first")
    assert replayed["is_identical"]
    assert replayed["n_ticks"] == N_BARS
    assert {verified["chain_hash"], replayed["chain_hash"]} == {told["chain_hash"]}
    assert replayed["n_rows_compared"] == verified["n_rows"]


def test_one_flipped_byte_fails_the_verification_which_names_the_row(
    altered: tuple[Program, sqlite3.Connection],
) -> None:
    program, intruder = altered
    query = "SELECT id, tick_no, outcome FROM ticks WHERE tick_no = 20000"
    row_id, tick_no, outcome = intruder.execute(query).fetchone()
    flipped = bytes([outcome.encode()[0] ^ 1]) + outcome.encode()[1:]
    intruder.execute("UPDATE ticks SET outcome = ? WHERE id = ?", (flipped.decode(), row_id))
    done = program.run("audit", "verify", "first")
    assert done.returncode == 1
    assert f"ticks row {row_id} (tick {tick_no})" in done.stdout.replace("\n", " ")


def test_an_altered_figure_in_the_record_is_no_identical_replay(altered: tuple[Program, sqlite3.Connection]) -> None:
    program, intruder = altered
    intruder.execute("UPDATE fills SET price_ticks = price_ticks + 1 WHERE id = (SELECT min(id) FROM fills)")
    done = program.call("audit", "replay", "first")
    assert done.returncode == 1
    assert "the record was altered" in " ".join(done.stdout.split())
    assert "fills" in done.stdout


def test_another_input_in_the_record_makes_the_recomputation_differ_and_say_where(
    altered: tuple[Program, sqlite3.Connection],
) -> None:
    program, intruder = altered
    key, text = intruder.execute("SELECT id, snapshot FROM ticks WHERE tick_no = 300").fetchone()
    snapshot = json.loads(text)
    snapshot["bar"][6] *= 10
    intruder.execute("UPDATE ticks SET snapshot = ? WHERE id = ?", (json.dumps(snapshot), key))
    done = program.call("audit", "replay", "first")
    assert done.returncode == 1
    assert "different" in done.stdout
    assert "tick 300" in done.stdout.replace("\n", " ")


def test_a_decision_is_told_with_its_figures_and_its_ending(job: Job) -> None:
    program, _ = job
    entered = program.answer("audit", "decisions", "first", "--outcome", "entered", "--limit", "500")["decisions"]
    assert {one["outcome"] for one in entered} == {"entered"}
    first = entered[0]
    told = program.answer("audit", "show", "first", str(first["tick_no"]))
    assert told["outcome"] == "entered"
    assert told["proposal"]["strategy"] == told["later_trades"][0]["strategy"]
    story = program.call("audit", "show", "first", str(first["tick_no"])).stdout
    for part in ("SOL-PERP", "What was seen", "What it meant", "What was proposed", f"{first['close_price']:.3f}"):
        assert part in story


def test_the_list_of_decisions_names_the_run_in_its_hint(job: Job) -> None:
    program, _ = job
    listed = program.call("audit", "decisions", "fir", "--limit", "3").stdout
    assert "audit show first " in listed
    assert "SIMULATED" not in listed
    assert program.answer("audit", "runs")["runs"][0]["run_id"] == "first"


def test_every_table_is_exported_so_that_others_can_read_it(job: Job, tmp_path: Path) -> None:
    program, told = job
    done = program.call("audit", "export", "first", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    tables = {path.stem: pq.read_table(path) for path in tmp_path.rglob("*.parquet")}
    assert tables["ticks"].num_rows == N_BARS
    assert tables["trades"].num_rows == told["n_trades"]
    assert tables["orders"].num_rows == told["n_orders"]
