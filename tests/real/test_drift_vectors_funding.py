"""The program's own funding, as it answered and as it was recorded, against our integers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.funding import funding_payment_microusd, hourly_funding_rate_1e9

DRIFT = Path(__file__).parents[3] / "shared" / "data" / "drift"
VECTORS = sorted(DRIFT.glob("program_vectors_*.json"))
RECORDS = sorted(DRIFT.glob("*_funding_1h_drift_*.parquet"))

pytestmark = pytest.mark.skipif(not VECTORS or not RECORDS, reason="the recorded Drift data is not beside the project")


def test_every_recorded_case_of_the_program_is_reproduced() -> None:
    cases = [case for path in VECTORS for case in json.loads(path.read_text())["funding"]]
    ours = [hourly_funding_rate_1e9(c["mark_twap"], c["oracle_twap"], c["offset_den"], 33) for c in cases]
    assert len(cases) == 12
    assert ours == [case["rate"] for case in cases]


def test_every_payment_of_the_program_is_reproduced_to_the_microdollar() -> None:
    payments = [json.loads(path.read_text())["payment"] for path in VECTORS]
    ours = [funding_payment_microusd(p["cum_delta"], p["base"], 1) for p in payments]
    assert len(payments) == 3
    assert ours == [payment["program"] for payment in payments]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_recorded_hour_follows_from_its_recorded_averages(path: Path) -> None:
    """All 4,272 recorded hours match to the last of the nine digits (share 1.0 in each of the four files)."""
    records = pd.read_parquet(path)
    marks, oracles, rates = (
        np.rint(records[column].to_numpy() * scale).astype(np.int64).tolist()
        for column, scale in (
            ("mark_price_twap", 1e6),
            ("oracle_price_twap", 1e6),
            ("funding_rate_quote_per_base", 1e9),
        )
    )
    ours = [hourly_funding_rate_1e9(mark, oracle, 5_000, 33) for mark, oracle in zip(marks, oracles, strict=True)]
    assert len(ours) >= 900
    assert ours == rates
