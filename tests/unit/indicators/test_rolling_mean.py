import math

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.rolling_mean import rolling_mean_batch, rolling_mean_stream

VALUES = st.lists(st.one_of(st.floats(0.0, 1e-3), st.floats(0.0, 1e9)), min_size=1, max_size=100)


@pytest.mark.parametrize("n_bars", [2, 20, 240])
def test_it_equals_talib_on_recorded_closes_and_volumes(recorded, n_bars):
    for column in (3, 4):
        values = recorded[:, column].copy()
        np.testing.assert_allclose(rolling_mean_batch(values, n_bars), talib.SMA(values, n_bars), rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(values=VALUES, n_bars=st.integers(2, 30))
def test_it_equals_talib_on_any_series(values, n_bars):
    series = np.array(values)
    rounding = 1e-12 * series.max()
    np.testing.assert_allclose(rolling_mean_batch(series, n_bars), talib.SMA(series, n_bars), rtol=1e-9, atol=rounding)


@settings(deadline=None)
@given(values=VALUES, n_bars=st.integers(1, 20))
def test_it_is_the_exact_mean_of_its_window_however_large_the_values_before(values, n_bars):
    exact = [math.fsum(values[end - n_bars : end]) / n_bars for end in range(n_bars, len(values) + 1)]
    np.testing.assert_allclose(rolling_mean_batch(values, n_bars)[n_bars - 1 :], exact, rtol=1e-13, atol=0)


@settings(deadline=None)
@given(values=VALUES, n_bars=st.integers(1, 20))
def test_the_stream_is_none_until_warm_and_then_the_batch_bit_for_bit(values, n_bars):
    stream = rolling_mean_stream(n_bars)
    streamed = [stream.update(value) for value in values]
    assert streamed[: n_bars - 1] == [None] * min(n_bars - 1, len(values))
    assert streamed[n_bars - 1 :] == rolling_mean_batch(values, n_bars).tolist()[n_bars - 1 :]
