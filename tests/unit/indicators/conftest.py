"""Recorded minutes for the tests of this folder."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from domain.features import FloatArray

SHARED_DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SOL_2025_05 = SHARED_DATA / "ohlcv" / "solusdt_1m_binance-usdm_2025-05_2025-05.parquet"


@pytest.fixture(scope="session")
def recorded() -> FloatArray:
    """Return SOL's May 2025 as (n, 5): open, high, low, close, volume of 39,387 one-minute bars."""
    if not SOL_2025_05.exists():
        pytest.skip(f"recorded data is absent: {SOL_2025_05.name} is not beside this repository")
    table = pq.read_table(SOL_2025_05, columns=["open", "high", "low", "close", "volume"])
    return np.column_stack([column.to_numpy() for column in table.columns])
