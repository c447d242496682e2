"""Two settings over recorded minutes, compared as a user does it."""

import json
from pathlib import Path

import pytest

from tests.real.program import Program, complaint

TAPE = "solusdt_1m_binance-usdm_2025-05_2025-05.parquet"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Program:
    """Return the program with runs over two recorded days: plain, a higher threshold, and one day only."""
    program = Program(tmp_path_factory.mktemp("compare"))
    base = ("backtest", "--symbol", "SOL-PERP", "--data", str(shared / "data" / "ohlcv" / TAPE))
    for run_id, n_minutes, more in (
        ("plain", "2880", ()),
        ("choosy", "2880", ("--set", "E3_VOLUME_Z=3", "--set", "PAPER_FEE_TIER=2")),
        ("half", "1440", ()),
    ):
        done = program.call(*base, "--minutes", n_minutes, "--run-id", run_id, "--json", *more)
        assert done.returncode == 0, done.stderr
    return program


def test_two_settings_over_recorded_days_differ_by_threshold_and_fee_to_the_cent(program: Program) -> None:
    told = program.answer("compare", "plain", "choosy")
    assert [one["name"] for one in told["settings"]] == ["E3_VOLUME_Z", "PAPER_FEE_TIER"]
    assert {row["cause"] for row in told["causes"]} == {"threshold", "fee"}
    assert told["unexplained_microusd"] == 0
    assert sum(row["microusd"] for row in told["causes"]) == told["difference_microusd"]
    for side in ("a", "b"):
        ((summary,),) = program.query(f"SELECT summary_json FROM runs WHERE run_id = '{told[side]['run_id']}'")
        assert told[side]["net_microusd"] == round(json.loads(summary)["net_pnl_usd"] * 1e6)
    assert told["difference_microusd"] == told["b"]["net_microusd"] - told["a"]["net_microusd"] != 0


def test_a_person_is_told_the_same_in_words(program: Program) -> None:
    done = program.call("compare", "plain", "choosy")
    assert done.returncode == 0, done.stderr
    for part in (
        "E3_VOLUME_Z",
        "parity",
        "First decided otherwise",
        "threshold",
        "unexplained",
        "audit show plain TICK",
    ):
        assert part in done.stdout


def test_the_same_run_is_identical_and_half_of_it_is_a_matter_of_span(program: Program) -> None:
    same = program.call("compare", "plain", "plain")
    assert same.returncode == 0
    assert "The runs are identical" in same.stdout
    told = program.answer("compare", "plain", "half")
    assert told["minutes"]["parity_frac"] == 1.0
    assert {row["cause"] for row in told["causes"]} <= {"span", "open at the end"}


def test_a_run_nobody_made_is_one_sentence_and_exit_code_two(program: Program) -> None:
    assert "there is no run nobody" in complaint(program.call("compare", "plain", "nobody"), 2)
    missing = f"sqlite:///{program.folder / 'nothing.db'}"
    assert "there is no journal" in complaint(program.call("compare", "plain", "plain", "--db-b", missing), 2)
