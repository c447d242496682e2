from pathlib import Path

import pytest

from domain.errors import BadInput
from market.catalog import find_recordings

START_MS = 1_746_403_200_000
DAY_MS = 86_400_000


def names(folder, symbols=("SOL-PERP",)) -> list[str]:
    return [path.name for path in find_recordings([folder], list(symbols))]


def test_a_perpetual_is_preferred_to_a_newer_spot_market_and_the_newest_of_its_kind_wins(
    tmp_path, bar_columns, write_csv
):
    write_csv(tmp_path / "solusdt_1m_binance-spot.csv", bar_columns(5, START_MS + 9 * DAY_MS))
    write_csv(tmp_path / "solusdt_1m_usdm_old.csv", bar_columns(5, START_MS))
    assert names(tmp_path) == ["solusdt_1m_usdm_old.csv"]
    write_csv(tmp_path / "solusdt_1m_usdm_new.csv", bar_columns(5, START_MS + DAY_MS))
    assert names(tmp_path) == ["solusdt_1m_usdm_new.csv"]


def test_what_overlaps_the_minutes_in_time_is_taken_with_them(tmp_path, bar_columns, write_csv):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    write_csv(folder / "solusdt_1m.csv", bar_columns(50))
    write_csv(tmp_path / "sol-perp_oracle.csv", {"ts": [START_MS, START_MS + 60_000], "oracle_price": [1.0, 2.0]})
    write_csv(tmp_path / "solusdt_funding.csv", {"ts": [START_MS - DAY_MS], "funding_rate": [0.0]})
    assert names(tmp_path) == ["solusdt_1m.csv", "sol-perp_oracle.csv"]


def test_other_symbols_steps_and_files_that_cannot_be_read_are_passed_over(tmp_path, bar_columns, write_csv):
    hourly = bar_columns(5)
    hourly["ts"] = [START_MS + place * 3_600_000 for place in range(5)]
    write_csv(tmp_path / "solusdt_1h_usdm.csv", hourly)
    write_csv(tmp_path / "btcusdt_1m.csv", bar_columns(5))
    (tmp_path / "solusdt_broken.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "solusdt_sealed.bin").write_bytes(b"not to be opened")
    write_csv(tmp_path / "solusdt_1m.csv", bar_columns(5))
    assert names(tmp_path) == ["solusdt_1m.csv"]


def test_nothing_found_is_said_with_the_folders(tmp_path):
    with pytest.raises(BadInput, match=r"no 1-minute bars of SOL-PERP in .*absent; name a file"):
        find_recordings([tmp_path, Path("absent")], ["SOL-PERP"])


def test_a_folder_named_twice_gives_each_file_once(tmp_path, bar_columns, write_csv):
    write_csv(tmp_path / "solusdt_1m.csv", bar_columns(5))
    assert len(find_recordings([tmp_path, tmp_path / "."], ["SOL-PERP"])) == 1
