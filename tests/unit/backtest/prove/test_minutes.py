import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backtest.prove.futures import Future
from backtest.prove.minutes import SnapshotMarket
from domain.market import MINUTE_MS
from tests.unit.backtest.prove.stage import minutes_of, simulated, snapshots_of

MARKET = simulated(150, symbols="SOL-PERP,BTC-PERP")
CLOSES = [minute[0].as_of_ms for minute in MARKET.minutes]


@hypothesis_settings(max_examples=40)
@given(cut=st.integers(0, 148), future=st.sampled_from(Future), seed=st.integers(0, 1000))
def test_the_past_stays_bit_for_bit_and_the_future_does_not(cut, future, seed):
    said = minutes_of(MARKET.otherwise(CLOSES[cut], future, seed))
    assert [list(minute) for minute in said[: cut + 1]] == [list(minute) for minute in MARKET.minutes[: cut + 1]]
    later = said[cut + 1 :]
    assert all(minute[0].as_of_ms > CLOSES[cut] for minute in later)
    if len(MARKET.minutes) - cut > 20:
        assert later != [list(minute) for minute in MARKET.minutes[cut + 1 :]]


def test_every_figure_of_the_future_is_another_not_the_bar_alone():
    said = snapshots_of(minutes_of(MARKET.otherwise(CLOSES[9], Future.EXTREME, 1)))[40:]
    was = snapshots_of(MARKET.minutes)[40:]
    for name in (
        "bar",
        "bid_price",
        "spread_bps",
        "mark",
        "oracle",
        "premium_bps",
        "open_interest_usd",
        "imbalance_frac",
    ):
        assert sum(getattr(one, name) != getattr(other, name) for one, other in zip(said, was, strict=True)) > 200, name
    for name in ("funding_rate_hourly_frac", "funding_settlement"):
        assert any(getattr(one, name) != getattr(other, name) for one, other in zip(said, was, strict=True)), name


def test_a_truncated_feed_ends_at_the_cut_and_holds_nothing_more():
    feed = MARKET.until(CLOSES[70])
    assert feed.n_minutes == len(feed.minutes) == 71
    assert len(minutes_of(feed)) == 71


def test_a_thinned_future_says_on_each_snapshot_how_many_minutes_never_came():
    said = minutes_of(MARKET.otherwise(CLOSES[20], Future.THINNED, 3))
    for symbol in ("SOL-PERP", "BTC-PERP"):
        its = [one for one in snapshots_of(said) if one.symbol == symbol]
        assert len(its) < 150
        steps = [(later.as_of_ms - before.as_of_ms) // MINUTE_MS - 1 for before, later in pairwise(its)]
        assert steps == [one.n_missing_bars for one in its[1:]]


def test_a_veil_shows_the_truth_up_to_the_minute_at_hand_and_never_the_next():
    feed = MARKET.veiled()
    first = feed.minutes[0]
    assert first != MARKET.minutes[0]
    said = []

    async def walk():
        while (minute := await feed.next_minute()) is not None:
            said.append(minute)
            place = len(said) - 1
            assert feed.minutes[place] == MARKET.minutes[place]
            if place + 1 < len(MARKET.minutes):
                seen, true, now = feed.minutes[place + 1][0].bar, MARKET.minutes[place + 1][0].bar, minute[0].bar
                assert (seen.close_price - now.close_price) * (true.close_price - now.close_price) <= 0.0

    asyncio.run(walk())
    assert said == list(MARKET.minutes)


def test_a_minute_without_a_bar_gets_one_in_another_future():
    broken = [list(minute) for minute in MARKET.minutes]
    broken[60][0] = replace(broken[60][0], bar=None, defects=("not a number",))
    market = SnapshotMarket(broken)
    said = minutes_of(market.otherwise(CLOSES[50], Future.WALK, 1))
    assert said[60][0].bar is not None
    assert said[60][0].is_fit
    assert minutes_of(market.otherwise(CLOSES[60], Future.WALK, 1))[60][0].bar is None


def test_a_lazy_future_is_a_sequence_like_any_other():
    minutes = MARKET.otherwise(CLOSES[70], Future.WALK, 1).minutes
    assert minutes[-1] == minutes[149]
    assert minutes[147:] == [minutes[147], minutes[148], minutes[149]]
    assert len(list(minutes)) == 150
    with pytest.raises(IndexError):
        minutes[150]
