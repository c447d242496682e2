"""The replay feed over the recorded market: what is known of these files must be found in them."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import pytest

from domain.market import DAY_MS, MINUTE_MS, ImbalanceSource, Snapshot
from market.catalog import find_recordings
from market.check import Verdict, check_file
from market.quality import QualityLimits
from market.recording import Flaw
from market.replay import ReplayFeed, load_replay

LIMITS = QualityLimits()


def drain(feed: ReplayFeed) -> list[Snapshot]:
    async def run() -> list[Snapshot]:
        snapshots: list[Snapshot] = []
        while (batch := await feed.next_minute()) is not None:
            snapshots += batch
        return snapshots

    return asyncio.run(run())


@pytest.fixture(scope="module")
def chosen(shared) -> list[Path]:
    return find_recordings([shared / "data"], ["SOL-PERP"])


@pytest.fixture(scope="module")
def sol(chosen) -> list[Snapshot]:
    return drain(load_replay([str(path) for path in chosen], ["SOL-PERP"], LIMITS))


def test_the_newest_perpetual_minutes_are_found_with_what_lies_beside_them(chosen):
    assert [path.name for path in chosen] == [
        "solusdt_1m_binance-usdm_2025-05_2025-05.parquet",
        "sol-perp_funding_1h_drift_2025-04_2025-05.parquet",
        "solusdt_funding_8h_binance-usdm_2025-05_2025-05.parquet",
        "solusdt_mark_8h_binance-usdm_2025-05_2025-05.parquet",
    ]


def test_sol_of_may_2025_is_39387_fit_bars(sol):
    assert len(sol) == 39_387
    assert all(one.is_fit and one.n_missing_bars == 0 for one in sol)
    assert {later.as_of_ms - earlier.as_of_ms for earlier, later in itertools.pairwise(sol)} == {MINUTE_MS}
    assert {one.imbalance_source for one in sol} == {ImbalanceSource.NONE}


def test_drift_settles_every_full_hour_of_it_and_the_exchange_none(sol):
    """From 2025-05-04 15:33 to 2025-06-01 00:00 are 657 full hours; the record of the last comes after the tape."""
    settlements = [one.funding_settlement for one in sol if one.funding_settlement is not None]
    assert Counter(one.source for one in settlements) == {"drift_funding": 656}
    assert all(
        one.as_of_ms - MINUTE_MS < one.funding_settlement.settled_ms <= one.as_of_ms
        for one in sol
        if one.funding_settlement is not None
    )


def test_settled_rates_are_drifts_own_and_what_is_shown_is_that_rate_over_the_oracle(shared, sol):
    import pyarrow.parquet as pq

    path = shared / "data" / "drift" / "sol-perp_funding_1h_drift_2025-04_2025-05.parquet"
    recorded = {row["ts"]: row for row in pq.read_table(path).to_pylist()}
    n_compared = 0
    for one in sol:
        if one.funding_settlement is not None:
            row = recorded[one.funding_settlement.settled_ms]
            assert one.funding_settlement.rate_quote_per_base_1e9 == round(row["funding_rate_quote_per_base"] * 1e9)
            assert one.funding_rate_hourly_frac.value == pytest.approx(row["funding_rate_hourly_frac"], rel=1e-12)
            assert one.oracle.value == row["oracle_price_twap"]
            n_compared += 1
    assert n_compared == 656


def test_without_drift_the_exchange_settles_every_eight_hours(chosen):
    paths = [str(path) for path in chosen if "drift" not in path.name]
    snapshots = drain(load_replay(paths, ["SOL-PERP"], LIMITS))
    settlements = [one.funding_settlement for one in snapshots if one.funding_settlement is not None]
    assert [one.settled_ms % (DAY_MS // 3) for one in settlements] == [0] * 82
    assert {one.source for one in settlements} == {"exchange_funding"}


def test_the_recorded_minute_premium_is_shown_where_there_is_one(shared):
    folder = shared / "data"
    paths = [
        folder / "ohlcv" / "solusdt_1m_binance-usdm_2023-07_2023-08.parquet",
        folder / "premium" / "solusdt_premium_1m_binance_2023-07_2023-08.parquet",
    ]
    snapshots = drain(load_replay([str(path) for path in paths], ["SOL-PERP"], LIMITS, limit_minutes=3000))
    assert all(one.premium_bps is not None and one.premium_bps.as_of_ms == one.as_of_ms for one in snapshots)


def test_three_symbols_are_merged_minute_by_minute(shared):
    symbols = ["SOL-PERP", "BTC-PERP", "ETH-PERP"]
    paths = [str(path) for path in find_recordings([shared / "data"], symbols)]
    feed = load_replay(paths, symbols, LIMITS, limit_minutes=2000)
    snapshots = drain(feed)
    assert feed.n_minutes == 2000
    assert Counter(one.symbol for one in snapshots) == dict.fromkeys(symbols, 2000)
    assert [one.symbol for one in snapshots[:3]] == sorted(symbols)


@pytest.mark.parametrize(("pair", "n_gaps", "n_missing"), [("btcusdt", 1, 80), ("ethusdt", 1, 80), ("solusdt", 2, 81)])
def test_the_outage_of_2023_03_24_is_found(shared, pair, n_gaps, n_missing):
    """Binance's spot market stood still from 12:40 to 13:59 UTC; SOL misses one further minute."""
    path = shared / "data" / "ohlcv" / f"{pair}_1m_binance-spot_2023-01_2023-12.parquet"
    report = check_file(path, LIMITS)
    (gap,) = (finding for finding in report.findings if finding.flaw is Flaw.GAP)
    assert (report.verdict, gap.n_rows) == (Verdict.UNFIT_ROWS, n_gaps)
    assert f"{n_missing} minutes missing, the longest 80" in gap.reason


def test_the_first_minute_after_an_outage_is_unfit_and_the_next_is_fit(shared):
    path = shared / "data" / "ohlcv" / "btcusdt_1m_binance-spot_2023-01_2023-12.parquet"
    noon_ms = 1_679_659_200_000  # 2023-03-24 12:00 UTC
    feed = load_replay([str(path)], ["BTC-PERP"], LIMITS, start_ms=noon_ms, limit_minutes=60)
    snapshots = drain(feed)
    after = snapshots[40]
    assert (after.as_of_ms, after.n_missing_bars) == (noon_ms + 121 * MINUTE_MS, 80)
    assert after.defects == ("gap of 80 minutes before this bar",)
    assert [one.is_fit for one in snapshots].count(False) == 1
    assert after.imbalance_source is ImbalanceSource.TAKER_FLOW


def test_every_recording_we_were_given_is_read_or_refused_for_a_known_reason(shared):
    refused = set()
    for path in sorted((shared / "data").glob("*/*.parquet")):
        if path.parent.name != "l2":
            report = check_file(path, LIMITS)
            assert report.n_rows == report.n_rows_kept
            if report.verdict is Verdict.REFUSED:
                refused.add(path.name)
    assert refused == {"btcusdt_1h_binance-spot_2017-08_2023-12.parquet"}
