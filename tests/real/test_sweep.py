"""The sweep command on recorded data: what it tells, what it leaves, how it resumes, and a Ray cluster of two."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.real.program import Program, complaint, with_files_up_to

GRID = {"E3_VOLUME_Z": [1.5, 2.5], "E3_BODY_OVER_ATR": [0.5, 1.0], "EXIT_TARGET_PCT": [0.5, 1.0, 2.0]}
PROMISED = {"n_combinations", "n_bars", "seconds", "peak_mb", "best"}


@pytest.fixture
def program(shared: Path, tmp_path: Path) -> Program:
    (tmp_path / "grid.json").write_text(json.dumps(GRID))
    return Program(tmp_path)


def words(program: Program, *more: str) -> tuple[str, ...]:
    grid = str(program.folder / "grid.json")
    return ("sweep", "--grid", grid, "--symbol", "SOL-PERP", "--minutes", "6000", "--min-trades", "1", *more)


def test_a_sweep_ends_with_the_promised_figures_and_a_row_for_every_combination(program: Program) -> None:
    told = program.answer(*words(program))
    assert told.keys() >= PROMISED
    assert (told["n_combinations"], told["n_bars"]) == (12, 6000)
    rows = pq.read_table(told["results"]).to_pylist()
    assert sorted(row["combination"] for row in rows) == list(range(12))
    best = max((row for row in rows if row["n_trades"] > 0), key=lambda row: row["sharpe"])
    assert told["best"]["combination"] == best["combination"]
    assert told["best"]["figures"]["net_microusd"] == best["net_microusd"]
    assert "too little to tell luck from skill" in told["luck"]["sentence"]
    again = program.answer(*words(program))
    assert (again["n_walked_now"], again["best"]) == (0, told["best"])


def test_the_best_run_of_a_sweep_is_what_a_backtest_with_its_settings_comes_to(program: Program) -> None:
    best = program.answer(*words(program))["best"]
    turned = [word for name, value in best["settings"].items() for word in ("--set", f"{name}={value}")]
    told = program.answer("backtest", "--symbol", "SOL-PERP", "--minutes", "6000", *turned)
    assert told["n_trades"] == best["figures"]["n_trades"]
    assert round(told["net_pnl_usd"] * 1e6) == best["figures"]["net_microusd"]
    assert told["max_drawdown_frac"] == best["figures"]["max_drawdown_frac"]


def test_a_sample_walks_so_many_and_people_read_the_best(program: Program) -> None:
    said = program.call(*words(program, "--sample", "5", "--out", str(program.folder / "five"))).stdout
    assert said.startswith("5 combinations over 6,000 minutes")
    assert "Could it be luck?" in said
    assert "EXIT_TARGET_PCT=" in said


def test_a_ray_cluster_of_two_workers_gives_the_same_figures(program: Program) -> None:
    here = program.answer(*words(program, "--out", str(program.folder / "here")))
    done = program.run(
        *words(program, "--out", str(program.folder / "ray"), "--engine", "ray", "--workers", "2", "--json"),
        env={"RAY_AUTH_MODE": "disabled"},
        patience_s=600.0,
    )
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert there["best"] == here["best"]
    ours, theirs = (pq.read_table(told["results"]).sort_by("combination") for told in (here, there))
    assert theirs.equals(ours)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--from", "2031-01-01T00:00Z"), "has no bars in the period asked for"),
        (("--symbol", "BTC-PERP"), "one symbol at a time"),
        (("--objective", "luck"), "--objective luck is not known"),
        (("--engine", "abacus"), "--engine abacus is not known"),
        (("--set", "GATE_MODE=veto"), "GATE_MODE=veto asks a model at every entry"),
        (("--set", "PAPER_REJECT_PCT=5"), "PAPER_REJECT_PCT must be 0"),
    ],
)
def test_what_cannot_be_swept_is_one_sentence(program: Program, more: tuple[str, ...], said: str) -> None:
    assert said in complaint(program.call(*words(program, *more)), 2)


@pytest.mark.parametrize("grid", ['{"E3_VOLUME": [1]}', '{"EXIT_STOP_PCT": [1, -1]}'])
def test_a_grid_with_an_unknown_name_or_an_impossible_value_is_refused_by_name(program: Program, grid: str) -> None:
    (program.folder / "grid.json").write_text(grid)
    done = program.call(*words(program))
    assert (done.returncode, done.stdout) == (2, "")
    assert grid[2:10] in done.stderr


def test_a_full_disk_leaves_nothing_half_written_and_the_sweep_goes_on_when_there_is_room(program: Program) -> None:
    sweep = words(program, "--out", str(program.folder / "kept"), "--json")
    done = program.run(*sweep, before=with_files_up_to(4_096))
    assert "could not be written" in complaint(done, 1)
    assert list((program.folder / "kept" / "parts").iterdir()) == []
    told = program.answer(*sweep[:-1])
    assert (told["n_walked_now"], told["n_combinations"]) == (12, 12)
