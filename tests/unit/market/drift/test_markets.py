import json

from hypothesis import given
from hypothesis import strategies as st

from market.drift.counts import Why
from market.drift.markets import DriftContract, read_contracts, read_stats

CONTRACT = {
    "contract_index": 0,
    "ticker_id": "SOL-PERP",
    "last_price": "81.644503",
    "product_type": "PERP",
    "open_interest": "943191.73",
    "index_price": "81.683295",
    "next_funding_rate_timestamp": "1771480806000",
}
STATS = {
    "symbol": "SOL-PERP",
    "marketType": "perp",
    "status": "active",
    "oraclePrice": "99.615636",
    "markPrice": "99.834000",
    "openInterest": {"long": "257.74", "short": "-38.22"},
    "fundingRate": {"long": "-0.005209", "short": "0.005209"},
    "fundingRateUpdateTs": 1_789_336_861,
}


def test_a_contract_is_read_with_its_next_settlement():
    contracts, counts = read_contracts(json.dumps({"contracts": [CONTRACT, {"ticker_id": 7}]}).encode())
    assert contracts == (
        DriftContract(
            symbol="SOL-PERP",
            market_index=0,
            last_price=81.644503,
            index_price=81.683295,
            open_interest_base=943191.73,
            next_funding_ms=1_771_480_806_000,
        ),
    )
    assert dict(counts.reasons) == {Why.OTHER_MARKET: 1}


def test_percent_an_hour_of_a_longs_gain_becomes_the_fraction_longs_pay():
    (market,), counts = read_stats(json.dumps({"markets": [STATS, STATS | {"marketType": "spot"}]}).encode())
    assert market.funding_rate_hourly_frac == 0.00005209
    assert (market.open_interest_long_base, market.open_interest_short_base) == (257.74, 38.22)
    assert (market.is_active, market.funding_updated_ms) == (True, 1_789_336_861_000)
    assert counts.n_skipped == 1


def test_whole_figures_alone_do_not_say_what_they_are():
    raw = {"symbol": "SOL-PERP", "oraclePrice": "99615636", "markPrice": "99834000"}
    _, counts = read_stats(json.dumps({"markets": [raw]}).encode())
    assert dict(counts.reasons) == {Why.NOT_TOLD_APART: 1}


@given(st.binary(max_size=100), st.sampled_from([b"", b'{"markets":[{"symbol":"A","openInterest":', b'{"contracts":[']))
def test_no_bytes_raise(noise, beginning):
    read_stats(beginning + noise)
    read_contracts(beginning + noise)
