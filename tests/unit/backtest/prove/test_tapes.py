import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backtest.prove.futures import Future
from backtest.prove.tapes import TapeMarket, known_at_ms
from domain.market import HOUR_MS, MINUTE_MS
from market.joins import EXCHANGE_INTERVAL_MS
from market.recording import RecordingKind
from tests.unit.backtest.prove.stage import LIMITS, START_MS, honest_feed, minutes_of, recorded, screened, snapshots_of

GATHERED = recorded(200)
WHOLE = snapshots_of(minutes_of(honest_feed(GATHERED)))


def market(feed_of=honest_feed):
    return TapeMarket(GATHERED, feed_of, LIMITS)


def test_the_whole_is_the_tape_as_production_builds_it():
    assert snapshots_of(minutes_of(market().whole())) == WHOLE


@hypothesis_settings(max_examples=25)
@given(cut=st.integers(0, 198), future=st.sampled_from(Future), seed=st.integers(0, 1000))
def test_an_honest_tape_shows_the_same_past_whatever_comes_after(cut, future, seed):
    cut_ms = WHOLE[cut].as_of_ms
    assert snapshots_of(minutes_of(market().until(cut_ms))) == WHOLE[: cut + 1]
    other = snapshots_of(minutes_of(market().otherwise(cut_ms, future, seed)))
    assert other[: cut + 1] == WHOLE[: cut + 1]
    assert other[cut + 1 :] != WHOLE[cut + 1 :] or cut > 190


def test_rows_not_yet_known_are_other_rows_in_every_recording():
    built = []

    def keep(gathered):
        built.append(gathered[0])
        return honest_feed(gathered)

    cut_ms = START_MS + 100 * MINUTE_MS
    market(keep).otherwise(cut_ms, Future.EXTREME, 1)
    for was, now in zip((GATHERED[0].bars, *GATHERED[0].sides), (built[0].bars, *built[0].sides), strict=True):
        n_known = int((known_at_ms(was) <= cut_ms).sum())
        assert 0 < n_known < len(was.stamps_ms)
        for name, column in was.columns.items():
            assert np.array_equal(now.columns[name][:n_known], column[:n_known]), name
            assert (now.columns[name][n_known:] != column[n_known:]).mean() > 0.5, name


def test_a_row_counts_as_known_when_the_venue_could_have_told_it():
    stamps = START_MS + HOUR_MS * np.arange(3)
    prices = {name: np.full(3, 10.0) for name in ("open", "high", "low", "close")}
    mark = screened(RecordingKind.MARK, stamps, prices)
    assert (known_at_ms(mark) - stamps).tolist() == [HOUR_MS] * 3
    lone = screened(RecordingKind.MARK, stamps[:1], {name: column[:1] for name, column in prices.items()})
    assert (known_at_ms(lone) - stamps[:1]).tolist() == [EXCHANGE_INTERVAL_MS]
    funding = screened(RecordingKind.FUNDING, stamps, {"funding_rate": np.full(3, 1e-4)})
    assert known_at_ms(funding).tolist() == stamps.tolist()
    premium = screened(RecordingKind.PREMIUM, stamps, {"perp_close": np.full(3, 2.0), "spot_close": np.full(3, 2.0)})
    assert (known_at_ms(premium) - stamps).tolist() == [MINUTE_MS] * 3
