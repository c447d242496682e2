"""Funding on the minute it falls in."""

from domain.market import HOUR_MS, MINUTE_MS
from market.live.bars import BarBook
from market.live.settlements import settled_at_close, settled_in_gap
from market.live.state import FundingShown, SymbolState

DUE = 8 * HOUR_MS


def state(rate=0.0001, mark=150.0, next_ms=DUE):
    found = SymbolState(symbol="SOL-PERP", market="SOL/USDT:USDT", bars=BarBook(0))
    shown = FundingShown(rate_frac=rate, interval_hours=8.0, next_ms=next_ms)
    found.funding.add(DUE - 30_000, shown)
    found.mark.add(DUE - 1_000, mark)
    return found


def test_it_is_settled_in_the_minute_that_closes_at_its_time_at_the_mark():
    settled = settled_at_close(state(), DUE, 149.0, "bybit")
    assert settled is not None
    assert settled.rate_quote_per_base_1e9 == round(0.0001 * 150.0 * 1e9)
    assert settled.settled_ms == DUE


def test_it_is_settled_in_no_other_minute():
    for close_ms in (DUE - MINUTE_MS, DUE + MINUTE_MS):
        assert settled_at_close(state(), close_ms, 149.0, "bybit") is None


def test_without_a_fresh_rate_nothing_is_made_up():
    found = state()
    found.funding.forget()
    assert settled_at_close(found, DUE, 149.0, "bybit") is None


def test_a_gap_is_settled_by_the_record_of_the_exchange_each_minute_its_own():
    record = [(DUE, 0.0001), (2 * DUE, -0.0002)]
    assert settled_in_gap(record, DUE + MINUTE_MS, 150.0, "bybit") is None
    settled = settled_in_gap(record, 2 * DUE, 150.0, "bybit")
    assert settled is not None
    assert settled.rate_quote_per_base_1e9 == round(-0.0002 * 150.0 * 1e9)
