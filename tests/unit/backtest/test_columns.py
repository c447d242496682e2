"""A tape in columns: each column in one piece, and the return from bar to bar over minutes without one."""

import math

import numpy as np
from msgspec.structs import replace

from backtest.compiled.columns import CLOSE_PRICE, RETURN_BPS, ColumnBuilder, columns_of
from indicators.realised_vol import returns_batch
from tests.flow.stage import quiet
from tests.unit.backtest.tune.stage import SOL, moving_tape


def test_a_minute_without_a_bar_has_no_return_and_the_next_bar_s_reaches_over_it():
    tape = list(moving_tape(14))
    gapped = [replace(one, bar=None, defects=("no bar",)) if place % 7 == 3 else one for place, one in enumerate(tape)]
    columns = columns_of(gapped, SOL)
    has_bar = columns.has_bar
    assert not has_bar.all()
    closes, returns = columns.floats[has_bar, CLOSE_PRICE], columns.floats[has_bar, RETURN_BPS]
    np.testing.assert_array_equal(returns, returns_batch(closes))
    assert np.isnan(columns.floats[~has_bar, RETURN_BPS]).all()
    assert math.isnan(returns[0])
    assert (returns[1:] != 0.0).any()


def test_columns_lie_in_one_piece_whether_their_number_was_known_or_not():
    tape = quiet(50)
    for n_expected in (None, 50, 80):
        builder = ColumnBuilder(SOL, n_expected)
        for snapshot in tape:
            builder.add(snapshot)
        assert builder.columns().floats.flags.f_contiguous
