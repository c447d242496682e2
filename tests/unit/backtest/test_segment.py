"""Segments never overlap, keep their embargo, and a run over one is the desk's own run from there."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import main
from backtest.compiled.columns import columns_of
from backtest.compiled.run import outcome_of
from backtest.compiled.signals import features_of, signals_of
from backtest.compiled.terms import terms_of
from backtest.segment import Segment, columns_in, cut, features_in
from backtest.tune.search import block_of
from db.off import JournalOff
from domain.errors import BadInput
from domain.tick import TradingState
from tests.flow.engines import settings_of
from tests.flow.stage import quiet
from tests.unit.backtest.tune.stage import FREE, SHORT, SOL, bench_on, moving_columns, moving_tape, turned

TAPE = columns_of(quiet(400), SOL)
GAPPED = columns_of([*quiet(150), *quiet(150, first=900), *quiet(100, first=5000)], SOL)


@given(
    st.sampled_from([TAPE, GAPPED]),
    st.lists(st.floats(0.05, 1.0), min_size=2, max_size=4),
    st.integers(0, 200),
)
def test_segments_never_overlap_and_leave_at_least_the_embargo_between_them(columns, weights, embargo_bars):
    fracs = tuple(weight / sum(weights) for weight in weights)
    try:
        pieces = cut(columns, fracs, embargo_bars)
    except BadInput:
        assert min(fracs) * 400 <= embargo_bars + 1
        return
    assert pieces[0].first == 0
    assert pieces[-1].until == len(columns.ints)
    for before, after in pairwise(pieces):
        assert int(columns.has_bar[before.until : after.first].sum()) >= embargo_bars
        assert after.first >= before.until


def test_an_embargo_that_swallows_a_segment_is_refused_in_one_sentence():
    with pytest.raises(BadInput, match="too short: the embargo of 90 bars leaves nothing of the segment from minute"):
        cut(TAPE, (0.6, 0.2, 0.2), 90)


def by_the_desk(first: int, until: int):
    """Let the desk see the tape from its beginning, but trade from `first` on only."""
    settings = settings_of({**SHORT, **FREE})
    master = main.build(settings, {"SOL-PERP": SOL}, JournalOff())

    async def go():
        records = []
        for place, snapshot in enumerate(moving_tape(14)[:until]):
            state = TradingState.ACTIVE if place >= first else TradingState.REDUCING
            records.append(await master.tick(snapshot, state))
        return records

    records = asyncio.run(go())[first:]
    return [trade for record in records for trade in record.trades], [record.equity_microusd for record in records]


@pytest.mark.parametrize(("first", "until"), [(0, 560), (150, 433), (233, 560)])
def test_a_run_over_a_segment_is_the_desk_s_own_with_a_fresh_account_and_warm_features(first, until):
    columns, segment = moving_columns(14), Segment(first=first, until=until)
    parts = turned(FREE)
    piece = columns_in(columns, segment)
    features = features_in(features_of(columns, parts.windows, parts.regimes), segment)
    strategies = parts.built()
    signals = signals_of(piece, features, strategies)
    outcome = outcome_of(piece, features, signals, SOL, strategies, terms_of(parts.rules, SOL), is_simulated=False)
    trades, equity = by_the_desk(first, until)
    assert len(trades) > 3
    assert list(outcome.trades) == trades
    assert outcome.curve.equity_microusd.tolist() == equity
    measured = bench_on(columns).walker.measure(block_of(parts, SOL, segment))
    assert measured.days_microusd[0, -1] == equity[-1]
    assert measured.days_microusd.shape[1] == 1 + len(np.unique((piece.close_ms - 1) // 86_400_000))


def test_nothing_outside_a_segment_is_traded():
    columns, segment = moving_columns(14), Segment(first=240, until=300)
    measured = bench_on(columns).walker.measure(block_of(turned(FREE), SOL, segment))
    whole = bench_on(columns).walker.measure(block_of(turned(FREE), SOL, Segment(first=0, until=560)))
    assert 0 < measured.figures[0, 9] < whole.figures[0, 9]
