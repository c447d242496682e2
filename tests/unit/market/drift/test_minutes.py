from decimal import Decimal

import numpy as np

from market.drift.funding import FundingReader
from market.drift.minutes import funding_columns, minute_bars
from market.drift.trades import DriftTrade

NOON_MS = 1_736_164_800_000


def fill(second, number, price, base="1", is_taker_long=True):
    return DriftTrade(
        time_ms=NOON_MS + second * 1000,
        price=price,
        base=None if base is None else Decimal(base),
        is_taker_long=is_taker_long,
        oracle_price=None,
        order_no=number,
        identity=None,
    )


def test_fills_become_the_minutes_that_had_any():
    stamps, bars = minute_bars(
        [
            fill(130, 9, 7.0, None),
            fill(59, 4, 11.0, "0.1"),
            fill(59, 3, 9.0, "0.2", False),
            fill(0, 1, 10.0, "0.3"),
            fill(125, 8, 6.0, "2", None),
        ]
    )
    assert stamps.tolist() == [NOON_MS, NOON_MS + 120_000]
    assert {name: column.tolist()[0] for name, column in bars.items()} == {
        "open": 10.0,
        "high": 11.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 0.6,
        "taker_buy_volume": 0.4,
    }
    assert bars["volume"].tolist()[1] == 2.0
    assert np.isnan(bars["taker_buy_volume"][1])


def test_no_fills_are_no_bars():
    stamps, bars = minute_bars([])
    assert len(stamps) == 0
    assert all(len(column) == 0 for column in bars.values())


def test_funding_comes_in_order_of_time_with_nan_for_what_was_not_told(funding_file, funding_line):
    body = funding_file(2, funding_line(1, markPriceTwap="", fundingRateShort=""))
    stamps, columns = funding_columns(FundingReader("test").read("day", body).rows)
    assert stamps.tolist() == [NOON_MS + 3_600_000, NOON_MS + 7_200_000]
    assert columns["funding_rate_quote_per_base"].tolist() == [0.001024958, 0.001024958]
    assert np.isnan(columns["mark_price_twap"]).tolist() == [True, False]
    assert np.isnan(columns["funding_rate_short"]).tolist() == [True, False]
