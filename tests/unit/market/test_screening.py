import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.market import Bar
from market.quality import QualityLimits
from market.recording import Flaw, RecordingKind, Severity
from market.screening import unsound_masks, why_unsound

PRICE = st.sampled_from([1.0, 2.0, 3.0, 0.0, -1.0, math.nan, math.inf, 1e15, 9.9e14, -math.inf])
VOLUME = st.sampled_from([0.0, 5.0, -1.0, math.nan, math.inf, 1e18])


def flaws(screened) -> dict[Flaw, int]:
    return {finding.flaw: finding.n_rows for finding in screened.findings}


@given(open_=PRICE, high=PRICE, low=PRICE, close=PRICE, volume=VOLUME)
def test_one_bar_is_judged_as_many_are(open_, high, low, close, volume):
    import numpy as np

    figures = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    masks = unsound_masks({name: np.array([figure]) for name, figure in figures.items()})
    words = [words for mask, words in masks.values() if mask[0]]
    assert why_unsound(open_, high, low, close, volume) == (words[0] if words else None)


@given(open_=PRICE, high=PRICE, low=PRICE, close=PRICE, volume=VOLUME)
def test_a_bar_is_called_unsound_exactly_when_the_record_would_refuse_it(open_, high, low, close, volume):
    import numpy as np

    figures = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    masks = unsound_masks({name: np.array([figure]) for name, figure in figures.items()})
    n_flaws = sum(bool(mask[0]) for mask, _ in masks.values())
    try:
        Bar(
            open_ms=0,
            close_ms=60_000,
            open_price=open_,
            high_price=high,
            low_price=low,
            close_price=close,
            volume_base=volume,
        )
    except ValueError:
        assert n_flaws == 1
    else:
        assert n_flaws == 0


def test_sound_bars_have_no_finding(bar_columns, screened):
    assert screened(RecordingKind.BARS, bar_columns(30, taker=True)).findings == ()


@pytest.mark.parametrize(("factor", "word"), [(1e-3, "seconds"), (1e3, "microseconds"), (1e6, "nanoseconds")])
def test_a_whole_file_in_another_unit_is_read_and_said_so(bar_columns, screened, factor, word):
    columns = bar_columns(5)
    stamps = columns["ts"]
    columns["ts"] = [int(stamp * factor) if factor > 1 else stamp // 1000 for stamp in stamps]
    result = screened(RecordingKind.BARS, columns)
    assert result.stamps_ms.tolist() == stamps
    (finding,) = result.findings
    assert finding.severity is Severity.NOTE
    assert word in finding.reason


@pytest.mark.parametrize("factor", [1_000, 1_000_000])
def test_units_mixed_within_a_file_are_refused_with_the_row(bar_columns, screened, factor):
    columns = bar_columns(5)
    columns["ts"][3] *= factor
    with pytest.raises(BadInput, match=r"row 4 of bars.parquet has a time stamp in (micro|nano)seconds after"):
        screened(RecordingKind.BARS, columns).refuse_if_unusable()


def test_a_stamp_of_no_possible_time_is_refused_with_the_row(bar_columns, screened):
    columns = bar_columns(5)
    columns["ts"][2] = 20250505
    with pytest.raises(BadInput, match=r"row 3 of bars.parquet has time stamp 20250505, which is no time"):
        screened(RecordingKind.BARS, columns).refuse_if_unusable()


def test_disorder_is_refused_and_not_sorted_away(bar_columns, screened):
    columns = bar_columns(6)
    columns["ts"][2], columns["ts"][3] = columns["ts"][3], columns["ts"][2]
    with pytest.raises(BadInput, match=r"row 4 of bars.parquet is earlier than the row before it"):
        screened(RecordingKind.BARS, columns).refuse_if_unusable()


def test_copies_are_dropped_and_counted(bar_columns, screened):
    columns = {name: [*column[:3], column[2], column[2], *column[3:]] for name, column in bar_columns(6).items()}
    result = screened(RecordingKind.BARS, columns)
    assert result.stamps_ms.tolist() == bar_columns(6)["ts"]
    assert flaws(result) == {Flaw.DUPLICATE: 2}
    assert result.findings[0].first_row == 4


def test_a_copy_with_nan_in_the_same_places_is_still_a_copy(screened):
    copied = {"ts": [1_746_403_200_000] * 2, "oracle_price": [math.nan, math.nan]}
    assert Flaw.DUPLICATE in flaws(screened(RecordingKind.ORACLE, copied))


def test_two_truths_for_one_minute_are_refused(bar_columns, screened):
    columns = {name: [*column[:3], column[2], *column[3:]] for name, column in bar_columns(6).items()}
    columns["volume"][3] += 1.0
    with pytest.raises(BadInput, match=r"row 4 of bars.parquet repeats the time stamp before it with other figures"):
        screened(RecordingKind.BARS, columns).refuse_if_unusable()


def test_bars_off_the_minute_and_bars_of_an_hour_are_refused(bar_columns, screened):
    off = bar_columns(4)
    off["ts"] = [stamp + 59_999 for stamp in off["ts"]]
    with pytest.raises(BadInput, match=r"row 1 of bars.parquet does not open on a whole minute"):
        screened(RecordingKind.BARS, off).refuse_if_unusable()
    hourly = bar_columns(4)
    hourly["ts"] = [hourly["ts"][0] + place * 3_600_000 for place in range(4)]
    with pytest.raises(BadInput, match=r"a bar every 60 minutes; 1-minute bars are needed"):
        screened(RecordingKind.BARS, hourly).refuse_if_unusable()


def test_gaps_are_counted_and_are_only_noted_within_the_limit(bar_columns, screened):
    columns = {name: [*column[:3], *column[5:8], *column[9:]] for name, column in bar_columns(12).items()}
    (strict,) = screened(RecordingKind.BARS, columns).findings
    assert (strict.n_rows, strict.first_row, strict.severity) == (2, 4, Severity.UNFIT)
    assert "2 gaps, 3 minutes missing, the longest 2" in strict.reason
    (lenient,) = screened(RecordingKind.BARS, columns, QualityLimits(max_gap_bars=2)).findings
    assert lenient.severity is Severity.NOTE


def test_each_broken_bar_says_its_row_and_why(bar_columns, screened):
    columns = bar_columns(8, taker=True)
    columns["close"][1] = math.nan
    columns["low"][2] = -1.0
    columns["high"][3] = columns["low"][3] - 1.0
    columns["volume"][4] = -1.0
    columns["taker_buy_volume"][5] = columns["volume"][5] * 1.01
    result = screened(RecordingKind.BARS, columns)
    assert result.unsound == {
        1: "price or volume is not a number in row 2 of bars.parquet",
        2: "price is zero, negative or absurd in row 3 of bars.parquet",
        3: "high and low do not enclose open and close in row 4 of bars.parquet",
        4: "volume is negative, absurd or less than its taker part in row 5 of bars.parquet",
        5: "volume is negative, absurd or less than its taker part in row 6 of bars.parquet",
    }
    assert flaws(result) == {Flaw.NOT_A_NUMBER: 1, Flaw.BAD_PRICE: 1, Flaw.BROKEN_BAR: 1, Flaw.BAD_VOLUME: 2}


def test_a_negative_taker_part_is_no_bar_and_one_over_by_the_last_digit_is(bar_columns, screened):
    columns = bar_columns(3, taker=True)
    columns["taker_buy_volume"][0] = math.nextafter(columns["volume"][0], math.inf)
    columns["taker_buy_volume"][1] = -0.5
    assert list(screened(RecordingKind.BARS, columns).unsound) == [1]


def test_a_missing_taker_part_leaves_the_bar_sound(bar_columns, screened):
    columns = bar_columns(3, taker=True)
    columns["taker_buy_volume"][1] = math.nan
    assert screened(RecordingKind.BARS, columns).findings == ()


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (RecordingKind.FUNDING, {"funding_rate": [1e-4, math.nan, -1.0, 1e-4]}),
        (RecordingKind.MARK, {key: [5.0, 0.0, math.inf, 5.0] for key in ("open", "high", "low", "close")}),
        (RecordingKind.PREMIUM, {"perp_close": [5.0, -5.0, 5.0, 5.0], "spot_close": [5.0, 5.0, 0.0, 5.0]}),
        (RecordingKind.ORACLE, {"oracle_price": [5.0, math.nan, -1.0, 5.0]}),
        (RecordingKind.OPEN_INTEREST, {"open_interest_usd": [0.0, -1.0, math.inf, 5.0]}),
        (
            RecordingKind.DRIFT,
            {
                "funding_rate_quote_per_base": [1e-4, 200.0, math.nan, 1e-4],
                "oracle_price_twap": [100.0] * 4,
                "mark_price_twap": [100.0] * 4,
            },
        ),
    ],
)
def test_impossible_figures_beside_the_bars_are_left_out_and_counted(screened, kind, columns):
    result = screened(kind, {"ts": [1_746_403_200_000 + place * 3_600_000 for place in range(4)], **columns})
    assert result.stamps_ms.tolist() == [1_746_403_200_000, 1_746_414_000_000]
    assert flaws(result) == {Flaw.BAD_FIGURE: 2}
    assert result.findings[0].first_row == 2
