"""`main.py montecarlo` over runs of the desk: the recorded SOL month, the simulated market, and what is refused."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.real.program import Program, complaint

QUICK = ("--paths", "2000")


@pytest.fixture(scope="module")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, dict[str, Any]]:
    program = Program(tmp_path_factory.mktemp("montecarlo"))
    tape = shared / "data" / "ohlcv" / "solusdt_1m_binance-usdm_2025-05_2025-05.parquet"
    told = program.answer(
        "backtest", "--data", str(tape), "--symbol", "SOL-PERP", "--minutes", "6000", "--run-id", "sol-may"
    )
    return program, told


def test_the_run_stands_in_its_own_distribution(recorded: tuple[Program, dict[str, Any]]) -> None:
    program, ran = recorded
    told = program.answer("montecarlo", "sol", *QUICK)
    assert (told["run_id"], told["n_trades"]) == ("sol-may", ran["n_trades"])
    assert told["n_trades"] > 20
    trades = {one["figure"]: one for one in told["scenarios"]["trades"]["distributions"]}
    closed = sum(part["net_pnl_usd"] for part in ran["by_symbol"].values())
    assert trades["return_frac"]["actual"] == pytest.approx(closed / ran["starting_equity_usd"], abs=1e-9)
    assert 0.1 < trades["return_frac"]["rank_frac"] < 0.9
    days = {one["figure"]: one for one in told["scenarios"]["days"]["distributions"]}
    assert days["return_frac"]["actual"] == pytest.approx(ran["return_frac"], abs=1e-9)
    for scenario in told["scenarios"].values():
        for one in scenario["distributions"]:
            values = [quantile["value"] for quantile in one["quantiles"]]
            assert values == sorted(values)


def test_dearer_slippage_and_later_entries_are_told_apart_from_luck(recorded: tuple[Program, dict[str, Any]]) -> None:
    program, _ = recorded

    def shocked_mean(*shocks: str) -> float:
        words = [word for shock in shocks for word in ("--shock", shock)]
        told = program.answer("montecarlo", "sol-may", *QUICK, *words)
        one = told["scenarios"]["trades_with_shocks"]["distributions"][0]
        return float(one["mean"])

    means = [shocked_mean("none", f"slippage_factor={factor}", "slippage_sigma=0.3") for factor in (1.0, 2.0, 4.0)]
    assert means == sorted(means, reverse=True)
    assert means[0] - means[2] > 0.001


def test_the_same_seed_gives_the_same_answer(recorded: tuple[Program, dict[str, Any]]) -> None:
    program, _ = recorded
    first, again, other = (program.answer("montecarlo", "sol-may", *QUICK, "--seed", seed) for seed in ("3", "3", "4"))
    assert first == again
    assert first["scenarios"] != other["scenarios"]


def test_all_paths_can_be_kept_in_a_file(recorded: tuple[Program, dict[str, Any]], tmp_path: Path) -> None:
    program, _ = recorded
    done = program.call("montecarlo", "sol-may", *QUICK, "--histogram", str(tmp_path / "paths.parquet"))
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "paths.parquet").num_rows == 3 * 2000
    assert "What it comes to" in done.stdout
    assert "not that an edge exists" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "there is no run nobody"),
        (("sol-may", "--shock", "lateness=1"), "is not NAME=VALUE; the names are"),
        (("sol-may", "--block", "0"), "--block 0 is neither auto nor cube-root"),
        (("sol-may", "--method", "circular"), "known are stationary, moving"),
        (("sol-may", "--stakes", "all"), "known are equity, risk, fixed"),
        (("sol-may", "--ruin", "1"), "ruin at 1.0"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    recorded: tuple[Program, dict[str, Any]], words: tuple[str, ...], said: str
) -> None:
    program, _ = recorded
    assert said in complaint(program.call("montecarlo", *words), 2)


def test_a_simulated_run_is_marked_wherever_it_is_told(tmp_path: Path) -> None:
    program = Program(tmp_path)
    knobs = ("--set", "E3_VOLUME_Z=0.5", "--set", "E3_BODY_OVER_ATR=0.1")
    program.answer("paper", "--minutes", "600", "--speed", "max", "--run-id", "made-up", *knobs)
    told = program.answer("montecarlo", "made-up", *QUICK)
    assert told["is_simulated"]
    assert "The market was simulated" in told["verdict"]
    assert any("within one UTC day" in note for note in told["notes"])
    assert "SIMULATED MARKET" in program.call("montecarlo", "made-up", *QUICK).stdout
