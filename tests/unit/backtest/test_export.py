import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from backtest.export import export_trades, result_r, trade_table
from backtest.outcome import RunOutcome
from domain.decisions import Side
from domain.errors import BadInput
from tests.unit.backtest.stories import CASH, INSTRUMENTS, curve, story, trade


def outcome_of(*trades):
    return RunOutcome(run_id="a/../b", symbols=("SOL-PERP",), is_simulated=False, curve=curve([CASH]), trades=trades)


def test_a_trade_is_told_in_human_units_beside_the_booked_integers():
    (row,) = trade_table(outcome_of(trade(side=Side.SELL)), INSTRUMENTS).to_pylist()
    assert (row["side"], row["size_base"], row["entry_price"], row["exit_price"]) == (-1, 2.5, 150.0, 151.0)
    # 2.50 gross - 0.30 fees - 0.10 funding = 2.10 USD, on 4.00 USD at risk.
    assert (row["net_usd"], row["net_microusd"], row["result_r"]) == (2.1, 2_100_000, 0.525)
    assert (row["size_lots"], row["entry_ticks"], row["fees_microusd"]) == (250, 150_000, 300_000)
    assert f"{row['opened_at']:%Y-%m-%d %H:%M %Z}" == "2025-05-01 00:30 UTC"


def test_parquet_and_csv_hold_the_same_trades_under_a_name_that_stays_in_the_folder(tmp_path):
    files = export_trades(outcome_of(trade(), trade(risk_microusd=0)), INSTRUMENTS, tmp_path / "new")
    assert [file.name for file in files] == ["a_.._b-trades.parquet", "a_.._b-trades.csv"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(file.name for file in files)
    columns, lines = pq.read_table(files[0]).to_pandas(), csv.read_csv(files[1]).to_pandas()
    assert list(columns.columns) == list(lines.columns)
    for name in ("symbol", "net_usd", "net_microusd", "entry_price", "result_r", "opened_ms"):
        assert columns[name].to_numpy().tolist()[0] == lines[name].to_numpy().tolist()[0]
    assert np.isnan(columns["result_r"][1])


def test_a_run_without_trades_gives_files_with_every_column(tmp_path):
    full = trade_table(story().outcome, INSTRUMENTS)
    parquet, _ = export_trades(outcome_of(), INSTRUMENTS, tmp_path)
    assert pq.read_table(parquet).schema.equals(full.schema)


def test_a_trade_without_known_risk_has_no_result_in_r():
    assert result_r(trade(risk_microusd=0)) is None


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        BadInput, match="the trades cannot be written to .*file/deep/a_.._b-trades.parquet: Not a direc"
    ):
        export_trades(outcome_of(trade()), INSTRUMENTS, tmp_path / "file" / "deep")


def test_a_market_whose_grid_is_unknown_is_named(tmp_path):
    with pytest.raises(BadInput, match="the trades of SOL-PERP cannot be exported"):
        export_trades(outcome_of(trade()), {}, tmp_path)
