import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.atr import atr_batch, atr_stream, true_range_batch


@st.composite
def bars(draw):
    """Draw (high, low, close) columns of a tape, flat bars and gaps included."""
    ends = st.tuples(*[st.floats(0.01, 1e5)] * 3).map(sorted)
    rows = draw(st.lists(st.one_of(ends, st.just([7.0, 7.0, 7.0])), min_size=2, max_size=100))
    low, close, high = np.array(rows).T.copy()
    return high, low, close


@pytest.mark.parametrize("n_bars", [1, 2, 14, 100])
def test_it_equals_talib_on_recorded_bars(recorded, n_bars):
    _, high, low, close, _ = (column.copy() for column in recorded.T)
    np.testing.assert_allclose(atr_batch(high, low, close, n_bars), talib.ATR(high, low, close, n_bars), rtol=1e-9)
    np.testing.assert_array_equal(true_range_batch(high, low, close), talib.TRANGE(high, low, close))


@settings(deadline=None)
@given(tape=bars(), n_bars=st.integers(1, 20))
def test_it_equals_talib_on_any_bars(tape, n_bars):
    np.testing.assert_allclose(atr_batch(*tape, n_bars), talib.ATR(*tape, n_bars), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(true_range_batch(*tape), talib.TRANGE(*tape))


@settings(deadline=None)
@given(tape=bars(), n_bars=st.integers(1, 20))
def test_it_is_never_negative_and_never_above_the_widest_range_so_far(tape, n_bars):
    atr = atr_batch(*tape, n_bars)
    warm = ~np.isnan(atr)
    widest = np.maximum.accumulate(np.nan_to_num(true_range_batch(*tape)))
    assert (atr[warm] >= 0.0).all()
    assert (atr[warm] <= widest[warm] * (1 + 1e-12)).all()


@settings(deadline=None)
@given(tape=bars(), n_bars=st.integers(1, 20))
def test_the_stream_needs_one_bar_more_than_its_window_and_then_is_the_batch(tape, n_bars):
    stream = atr_stream(n_bars)
    streamed = [stream.update(*row) for row in zip(*(column.tolist() for column in tape), strict=True)]
    batch = atr_batch(*tape, n_bars).tolist()
    assert stream.warmup_bars == n_bars + 1
    assert streamed[:n_bars] == [None] * min(n_bars, len(batch))
    assert streamed[n_bars:] == batch[n_bars:]


def test_a_gap_counts_into_the_range():
    assert true_range_batch([10.0, 13.0], [9.0, 12.0], [9.5, 12.5]).tolist()[1] == 3.5


def test_a_flat_market_has_no_range():
    assert atr_batch([5.0] * 9, [5.0] * 9, [5.0] * 9, 4).tolist()[4:] == [0.0] * 5


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        atr_batch([1.0, 2.0], [1.0], [1.0, 2.0], 1)
