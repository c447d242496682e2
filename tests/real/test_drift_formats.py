"""Real answers of Drift's and Velocity's servers, and real funding records in every form they are published in."""

import gzip
import json
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest

from market.drift.books import DriftBook, read_dlob_book
from market.drift.funding import FundingReader
from market.drift.markets import read_stats
from market.drift.minutes import funding_columns

RECORDINGS = [
    ("sol-perp_funding_1h_drift_2025-04_2025-05", 1152),
    ("sol-perp_funding_1h_drift_2025-07_2025-08", 984),
    ("btc-perp_funding_1h_drift_2025-04_2025-05", 1152),
    ("btc-perp_funding_1h_drift_2025-07_2025-08", 984),
]


@pytest.fixture(scope="module")
def answers(shared):
    """Return the recorded answers as they came over the wire."""
    with gzip.open(shared / "data/messages/drift-api_samples.jsonl.gz", "rt") as file:
        return [json.dumps(json.loads(line, parse_float=str)["json"]).encode() for line in file]


def test_the_recorded_book_reads_with_its_levels_in_order(answers):
    book = read_dlob_book(answers[0])
    assert isinstance(book, DriftBook)
    assert [(level.price, level.size_base) for level in book.bids] == [(81.11421, 1.0), (80.2604, 406.2021)]
    assert [(level.price, level.size_base) for level in book.asks] == [(81.13045, 1.0), (86.60358, 61.6353)]
    assert (book.symbol, book.as_of_ms, book.slot) == ("SOL-PERP", 1_783_268_433_645, 474_184_487)
    assert (book.mark, book.oracle) == (81.12233, 81.12233)


def test_the_recorded_funding_reads_to_the_last_digit(answers):
    page = FundingReader("velocity_api", "BTC-PERP").read("fundingRates", answers[1])
    counts = page.counts
    assert (counts.n_parsed, counts.n_accepted, counts.n_skipped, counts.n_malformed) == (3, 3, 0, 0)
    assert [record.rate_1e9 for record in page.rows] == [6_399_237_833, 6_320_036_916, 6_206_000_708]
    assert [record.settled_ms for record in page.rows] == [1_789_336_860_000, 1_789_333_259_000, 1_789_329_660_000]


def test_the_recorded_statistics_agree_with_the_funding_record_beside_them(answers):
    markets, counts = read_stats(answers[2])
    assert (counts.n_accepted, counts.n_skipped, counts.n_malformed) == (3, 0, 0)
    by_symbol = {market.symbol: market for market in markets}
    bitcoin = by_symbol["BTC-PERP"]
    assert (bitcoin.open_interest_long_base, bitcoin.open_interest_short_base) == (0.335, 0.0206)
    record = FundingReader("api").read("fundingRates", answers[1]).rows[0]
    assert record.oracle_price_twap is not None
    paid_frac = record.rate_1e9 / 1e9 / record.oracle_price_twap
    # The live estimate and the last settlement: same sign, same size.
    assert bitcoin.funding_rate_hourly_frac == pytest.approx(paid_frac, rel=0.02)


@pytest.mark.parametrize(("name", "n_records"), RECORDINGS)
def test_recorded_funding_survives_every_published_form_bit_for_bit(shared, name, n_records):
    table = pq.read_table(shared / f"data/drift/{name}.parquet")
    stamps, rates = table["ts"].to_numpy(), table["funding_rate_quote_per_base"].to_numpy()
    oracle, mark = table["oracle_price_twap"].to_numpy(), table["mark_price_twap"].to_numpy()
    decimals = [
        {
            "ts": str(int(stamp) // 1000),
            "txSig": f"sig{place}",
            "recordId": str(place),
            "fundingRate": f"{rate:.9f}",
            "oraclePriceTwap": f"{upper:.6f}",
            "markPriceTwap": f"{lower:.6f}",
        }
        for place, (stamp, rate, upper, lower) in enumerate(zip(stamps, rates, oracle, mark, strict=True))
    ]
    whole = {"fundingRate": 9, "oraclePriceTwap": 6, "markPriceTwap": 6}
    raws = [
        {field: str(int(Decimal(told).scaleb(whole[field]))) if field in whole else told for field, told in row.items()}
        for row in decimals
    ]
    as_csv = "\n".join([",".join(decimals[0]), *(",".join(row.values()) for row in decimals), ""]).encode()
    bodies = [
        as_csv,
        gzip.compress(as_csv),
        json.dumps({"success": True, "records": decimals[::-1], "meta": {"nextPage": None}}).encode(),
        json.dumps({"fundingRates": raws}).encode(),
    ]
    for body in bodies:
        page = FundingReader("test").read(name, body)
        assert (page.counts.n_accepted, page.counts.n_skipped, page.counts.n_malformed) == (n_records, 0, 0)
        read_stamps, columns = funding_columns(page.rows)
        assert np.array_equal(read_stamps, stamps // 1000 * 1000)
        assert np.array_equal(columns["funding_rate_quote_per_base"], rates)
        assert np.array_equal(columns["oracle_price_twap"], oracle)
        assert np.array_equal(columns["mark_price_twap"], mark)
