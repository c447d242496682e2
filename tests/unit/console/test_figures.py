from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from console.figures import (
    age_text,
    bps_text,
    count_text,
    gain_text,
    money_text,
    percent_text,
    r_text,
    short_when_text,
    span_text,
    usd_text,
    when_text,
)
from domain.market import HOUR_MS, MINUTE_MS


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_money_reads_back_within_half_a_cent_of_the_booked_amount(microusd: int) -> None:
    read = Decimal(money_text(microusd).replace(",", ""))
    assert abs(read * 1_000_000 - microusd) <= 5_000


def test_money_carries_its_unit_and_a_gain_its_sign() -> None:
    assert usd_text(1_234_500_000) == "1,234.50 USD"
    assert gain_text(12_345_678) == "+12.35 USD"
    assert gain_text(-12_345_678) == "-12.35 USD"


def test_nothing_is_never_written_with_a_minus_sign() -> None:
    assert money_text(-1, is_signed=True) == "0.00"
    assert percent_text(-0.000001, is_signed=True) == "0.00 %"
    assert bps_text(-0.04, is_signed=True) == "+0.0 bps"


def test_an_absent_figure_is_said_to_be_unknown() -> None:
    assert bps_text(None) == "unknown"
    assert r_text(5, 0) == "R unknown"


def test_times_are_utc_and_show_seconds_only_off_the_minute() -> None:
    assert when_text(1_746_057_660_000) == "2025-05-01 00:01 UTC"
    assert when_text(1_746_057_661_000) == "2025-05-01 00:01:01 UTC"
    assert short_when_text(1_746_057_660_000) == "05-01 00:01"


def test_spans_use_their_two_largest_units() -> None:
    assert span_text(45_000) == "45 s"
    assert span_text(8 * HOUR_MS + 12 * MINUTE_MS) == "8 h 12 min"
    assert span_text(50 * HOUR_MS) == "2 d 2 h"
    assert age_text(0, 3 * MINUTE_MS) == "3 min old"
    assert age_text(5, 5) == "just now"


def test_counts_agree_with_their_noun() -> None:
    assert count_text(1, "trade") == "1 trade"
    assert count_text(1_440, "trade") == "1,440 trades"
