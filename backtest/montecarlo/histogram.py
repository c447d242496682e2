"""Every path's figures as a parquet file, one row a path and scenario, for whoever wants to draw them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.montecarlo import paths
from backtest.montecarlo.study import FIGURES, Study
from domain.errors import BadInput


def write_histogram(study: Study, file: Path) -> None:
    """Write scenario, path_no, the figures, lowest_equity_frac (of the start) and n_taken. Raises BadInput: no room."""
    columns = {**FIGURES, "lowest_equity_frac": paths.LOWEST, "n_taken": paths.TAKEN}
    tables = [
        pa.table(
            {
                "scenario": pa.array([name] * len(figures)).dictionary_encode(),
                "path_no": pa.array(np.arange(len(figures))),
                **{column: pa.array(figures[:, place]) for column, place in columns.items()},
            }
        )
        for name, figures in study.figures.items()
    ]
    try:
        pq.write_table(pa.concat_tables(tables, promote_options="default").unify_dictionaries(), file)
    except OSError as error:
        raise BadInput(f"--histogram {file} cannot be written: {error.strerror or error}") from error
