import gzip
import json

import pytest

from domain.errors import BadInput
from market.drift.counts import Why
from market.drift.files import DriftFileKind, read_drift_file

NOON_MS = 1_736_164_800_000


def test_a_day_file_is_known_by_its_columns_packed_or_not_whatever_it_is_called(tmp_path, trade_file, funding_file):
    bodies = {
        DriftFileKind.TRADES: trade_file(1, 2, 2),
        DriftFileKind.FUNDING: funding_file(1, 2),
        DriftFileKind.CANDLES: b"ts,fillOpen,fillHigh,fillLow,fillClose,baseVolume\n1736164800,1.5,2,1,1.5,3\n",
    }
    for kind, body in bodies.items():
        for written in (body, gzip.compress(body)):
            path = tmp_path / "20250106"
            path.write_bytes(written)
            file = read_drift_file(path)
            assert file is not None
            assert file.kind is kind
            assert (file.counts.n_accepted, file.counts.n_malformed) == (1 if kind is DriftFileKind.CANDLES else 2, 0)


def test_its_counts_and_span_are_told(tmp_path, trade_file):
    path = tmp_path / "20250106.csv"
    path.write_bytes(trade_file(1, 2, 2, "nonsense"))
    file = read_drift_file(path)
    assert file is not None
    assert (file.first_ms, file.last_ms) == (NOON_MS + 1000, NOON_MS + 2000)
    counts = file.counts
    assert (counts.n_parsed, counts.n_accepted, counts.n_skipped, counts.n_malformed) == (3, 2, 1, 1)
    assert dict(counts.reasons) == {Why.DUPLICATE: 1, Why.WRONG_FIELDS: 1}


def test_a_saved_answer_of_the_data_api_is_known_too(tmp_path):
    path = tmp_path / "answer.json"
    row = {"ts": 1_736_164_800, "fundingRate": "0.001", "oraclePriceTwap": "84.5", "markPriceTwap": "84.6"}
    path.write_text(json.dumps({"success": True, "records": [row], "meta": {"nextPage": None}}))
    file = read_drift_file(path)
    assert file is not None
    assert (file.kind, file.counts.n_accepted) == (DriftFileKind.FUNDING, 1)


def test_other_files_are_none_of_drifts(tmp_path):
    for text in (b"ts,open,high,low,close,volume\n", b"", b"PAR1", b"{}", b"\x1f\x8b broken"):
        path = tmp_path / "file"
        path.write_bytes(text)
        assert read_drift_file(path) is None
    assert read_drift_file(tmp_path / "absent") is None


def test_a_file_that_may_not_be_read_is_said_in_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"ts")

    def refused(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refused)
    with pytest.raises(BadInput, match="Permission denied"):
        read_drift_file(path)
