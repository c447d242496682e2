import gzip
import json

from hypothesis import given
from hypothesis import strategies as st

from market.drift.counts import Why
from market.drift.funding import FundingReader

OLD = {
    "txSig": "sig",
    "slot": 401_001_868,
    "ts": "1771383600",
    "recordId": "28756",
    "marketIndex": 0,
    "fundingRate": "-1889875",
    "cumulativeFundingRateLong": "45306173178",
    "oraclePriceTwap": "84642173",
    "markPriceTwap": "84579888",
    "baseAssetAmountWithAmm": "-4622930000000",
}


def read(body, symbol=None):
    return FundingReader("test", symbol).read("day", body)


def test_the_archives_decimals_become_whole_billionths(funding_file):
    record = read(funding_file(1)).rows[0]
    assert (record.rate_1e9, record.long_rate_1e9, record.short_rate_1e9) == (1_024_958, 1_024_958, 924_958)
    assert (record.oracle_price_twap, record.mark_price_twap) == (84.693889, 84.652352)
    settlement = record.settlement
    assert (settlement.rate_quote_per_base_1e9, settlement.source) == (1_024_958, "test")
    assert settlement.settled_ms == 1_736_168_400_000


def test_the_old_form_of_the_data_api_is_raw():
    record = read(json.dumps({"fundingRates": [OLD]}).encode()).rows[0]
    assert (record.rate_1e9, record.oracle_price_twap, record.mark_price_twap) == (-1_889_875, 84.642173, 84.579888)
    assert record.long_rate_1e9 is None


def test_raw_figures_in_a_decimal_document_and_the_other_way_round_are_refused():
    mixed = OLD | {"oraclePriceTwap": "84.642173"}
    for document in ({"records": [OLD]}, {"fundingRates": [mixed]}):
        page = read(json.dumps(document).encode())
        assert page.rows == ()
        assert dict(page.counts.reasons) == {Why.NOT_TOLD_APART: 1}


def test_a_record_is_taken_once_and_counted(funding_file, funding_line):
    body = funding_file(1, 1, 2, funding_line(3, ts="soon"), funding_line(4, fundingRate=""), "short", 5)
    page = read(gzip.compress(body))
    assert [record.rate_1e9 for record in page.rows] == [1_024_958] * 3
    assert dict(page.counts.reasons) == {Why.DUPLICATE: 1, Why.NO_RATE: 1, Why.NO_TIME: 1, Why.WRONG_FIELDS: 1}


def test_another_markets_record_is_left_out():
    body = json.dumps({"fundingRates": [OLD | {"symbol": "BTC-PERP"}, OLD]}).encode()
    assert dict(read(body, "SOL-PERP").counts.reasons) == {Why.OTHER_MARKET: 1}


@given(noise=st.lists(st.binary(max_size=80), max_size=8))
def test_no_bytes_in_any_line_raise(funding_file, noise):
    page = read(b"\n".join([funding_file(1), *noise]))
    assert page.counts.n_accepted == len(page.rows) >= 1
