"""Every path's figures as a file."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from backtest.montecarlo.histogram import write_histogram
from backtest.montecarlo.study import Plan, study_run
from domain.errors import BadInput
from tests.unit.backtest.montecarlo.conftest import SOL, outcome, trade


@pytest.fixture(scope="module")
def told():
    run = outcome([trade(1_000_000), trade(-2_000_000, 10), trade(3_000_000, 20)])
    return study_run(run, {}, {"SOL-PERP": SOL}, Plan(n_paths=50))


def test_the_file_holds_every_path_of_every_scenario(told, tmp_path: Path):
    write_histogram(told, tmp_path / "paths.parquet")
    table = pq.read_table(tmp_path / "paths.parquet")
    assert table.num_rows == 3 * 50
    rows = table.filter(np.array(table["scenario"].to_pylist()) == "days")
    assert rows["path_no"].to_pylist() == list(range(50))
    assert np.array_equal(rows["return_frac"].to_numpy(), told.figures["days"][:, 0])
    assert np.array_equal(rows["lowest_equity_frac"].to_numpy(), told.figures["days"][:, 5])


def test_a_file_that_cannot_be_written_is_one_sentence(told, tmp_path: Path):
    with pytest.raises(BadInput, match="--histogram .* cannot be written"):
        write_histogram(told, tmp_path / "nowhere" / "paths.parquet")
