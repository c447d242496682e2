from pathlib import Path

import pytest

from market.naming import is_perpetual_file, is_symbol, split_argument, symbol_of_file


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("solusdt_1m_binance-usdm_2025-05_2025-05.parquet", "SOL-PERP"),
        ("SOLUSDT-1m-2025-05.csv", "SOL-PERP"),
        ("sol-perp_funding_1h_drift_2025-04_2025-05.parquet", "SOL-PERP"),
        ("btcperp_1m_other-venue_2021-12_2022-02.parquet", "BTC-PERP"),
        ("1000pepeusdt-1m.csv", "1000PEPE-PERP"),
        ("ethusdc.csv", "ETH-PERP"),
        ("candles.csv", None),
        ("usdt_1m.csv", None),
        ("superperpetual.csv", None),
    ],
)
def test_the_symbol_is_told_from_how_the_file_name_begins(name, symbol):
    assert symbol_of_file(Path("somewhere") / name) == symbol


def test_a_symbol_said_outright_wins_over_the_file_name():
    assert split_argument("ETH-PERP=data/solusdt.csv") == ("ETH-PERP", Path("data/solusdt.csv"))


def test_an_equals_sign_inside_a_path_is_part_of_the_path():
    assert split_argument("day=1/solusdt.csv") == (None, Path("day=1/solusdt.csv"))


def test_only_names_of_perpetuals_are_symbols():
    assert is_symbol("SOL-PERP")
    assert not any(is_symbol(text) for text in ("SOLUSDT", "sol-perp", "", "SOL-PERP ", "SOL_PERP"))


def test_a_perpetual_recording_is_told_from_a_spot_one_by_its_name():
    assert is_perpetual_file(Path("solusdt_1m_binance-usdm_2025-05.parquet"))
    assert not is_perpetual_file(Path("solusdt_1m_binance-spot_2024-10.parquet"))
