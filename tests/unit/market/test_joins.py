import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import HOUR_MS, MINUTE_MS
from market.joins import Series, join_as_of, settle, side_series
from market.quality import QualityLimits
from market.recording import RecordingKind

START_MS = 1_746_403_200_000
LIMITS = QualityLimits()


def closes(n_minutes: int) -> np.ndarray:
    return START_MS + MINUTE_MS * np.arange(1, n_minutes + 1, dtype=np.int64)


def drift(screened, hours, rate=0.001, oracle=100.0, mark=100.5, late_ms=7_000):
    return screened(
        RecordingKind.DRIFT,
        {
            "ts": [START_MS + hour * HOUR_MS + late_ms for hour in hours],
            "funding_rate_quote_per_base": [rate] * len(hours),
            "oracle_price_twap": [oracle] * len(hours),
            "mark_price_twap": [mark] * len(hours),
        },
    )


def funding(screened, hours, rate=0.0008):
    stamps = [START_MS + hour * HOUR_MS for hour in hours]
    return screened(RecordingKind.FUNDING, {"ts": stamps, "funding_rate": [rate] * len(hours)})


def settled(sides, n_minutes, close=100.0):
    as_of_ms = closes(n_minutes)
    beside = side_series(sides, LIMITS)
    return settle(as_of_ms, np.full(n_minutes, close), join_as_of(as_of_ms, beside.mark), beside)


@given(
    first=st.lists(st.integers(0, 200), min_size=1, max_size=8, unique=True),
    second=st.lists(st.integers(0, 200), min_size=1, max_size=8, unique=True),
    ages=st.tuples(st.integers(0, 50), st.integers(0, 50)),
)
def test_a_minute_shows_the_latest_figure_known_by_then_from_the_preferred_source(first, second, ages):
    stamps = [sorted(first), sorted(second)]
    series = [
        Series(name, np.array(known, dtype=np.int64), np.array(known, dtype=np.float64), age)
        for name, known, age in zip("ab", stamps, ages, strict=True)
    ]
    column = join_as_of(np.arange(0, 240, dtype=np.int64), series)
    for minute in range(240):
        expected = None
        for name, known, age in zip("ab", stamps, ages, strict=True):
            latest = max((stamp for stamp in known if stamp <= minute), default=None)
            if expected is None and latest is not None and minute - latest <= age:
                expected = (float(latest), name, latest)
        place = -1 if column is None else int(column.places[minute])
        assert (None if column is None or place < 0 else column.at(place)) == expected


def test_each_kind_is_dated_when_it_became_known(screened):
    stamps = {"ts": [START_MS, START_MS + 8 * HOUR_MS]}
    mark = screened(RecordingKind.MARK, {**stamps, **{key: [5.0, 6.0] for key in ("open", "high", "low", "close")}})
    minutes = {"ts": [START_MS, START_MS + MINUTE_MS]}
    premium = screened(RecordingKind.PREMIUM, {**minutes, "perp_close": [101.0, 99.0], "spot_close": [100.0, 100.0]})
    beside = side_series([mark, premium, drift(screened, [0])], LIMITS)
    assert beside.mark[1].known_ms.tolist() == [START_MS + 8 * HOUR_MS, START_MS + 16 * HOUR_MS]
    assert beside.premium[0].known_ms.tolist() == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]
    assert beside.premium[0].values.tolist() == pytest.approx([100.0, -100.0])
    assert beside.premium[1].values.tolist() == pytest.approx([50.0])
    assert beside.funding[0].values.tolist() == pytest.approx([0.00001])
    assert beside.funding[0].known_ms.tolist() == [START_MS + 7_000]


def test_an_eight_hour_rate_is_shown_per_hour(screened):
    beside = side_series([funding(screened, [0, 8])], LIMITS)
    assert beside.funding[0].values.tolist() == pytest.approx([0.0001, 0.0001])


def test_a_settlement_lands_on_the_minute_that_contains_it(screened):
    late, on_time = settled([drift(screened, [1])], 90), settled([drift(screened, [1], late_ms=0)], 90)
    assert {place: one.settled_ms for place, one in late.items()} == {60: START_MS + HOUR_MS + 7_000}
    assert list(on_time) == [59]
    assert late[60].rate_quote_per_base_1e9 == 1_000_000


def test_settlements_before_the_first_minute_or_after_the_last_are_not_delivered(screened):
    assert settled([drift(screened, [0], late_ms=0)], 60) == {}
    assert settled([drift(screened, [1])], 60) == {}


def test_settlements_inside_a_gap_are_summed_on_the_next_minute(screened):
    as_of_ms = np.delete(closes(300), np.s_[30:250])
    beside = side_series([drift(screened, [1, 2, 3, 4])], LIMITS)
    laid = settle(as_of_ms, np.full(len(as_of_ms), 100.0), None, beside)
    assert laid[30].rate_quote_per_base_1e9 == 4_000_000
    assert laid[30].settled_ms == START_MS + 4 * HOUR_MS + 7_000
    assert list(laid) == [30]


def test_an_exchange_rate_becomes_quote_per_base_at_the_fresh_mark_else_at_the_close(screened):
    assert settled([funding(screened, [8])], 500)[479].rate_quote_per_base_1e9 == round(0.0008 * 100.0 * 1e9)
    bars = {key: [110.0] for key in ("open", "high", "low", "close")}
    mark = screened(RecordingKind.MARK, {"ts": [START_MS], **bars})
    assert settled([funding(screened, [8]), mark], 500)[479].rate_quote_per_base_1e9 == round(0.0008 * 110.0 * 1e9)


def test_drift_settles_the_hours_it_covers_and_the_exchange_the_others(screened):
    """Drift covers hours 1 to 8; the exchange's 08:00 is dropped, its 16:00 charged."""
    laid = settled([drift(screened, range(1, 9)), funding(screened, [8, 16])], 1000)
    assert [(place, one.source) for place, one in sorted(laid.items())] == [
        *((hour * 60, "drift_funding") for hour in range(1, 9)),
        (959, "exchange_funding"),
    ]
