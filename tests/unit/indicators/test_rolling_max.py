import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.rolling_max import rolling_max_batch, rolling_max_stream

VALUES = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=100)


@pytest.mark.parametrize("n_bars", [2, 60, 240])
def test_it_equals_talib_on_recorded_closes(recorded, n_bars):
    closes = recorded[:, 3].copy()
    np.testing.assert_array_equal(rolling_max_batch(closes, n_bars), talib.MAX(closes, n_bars))


@settings(deadline=None)
@given(values=VALUES, n_bars=st.integers(1, 30))
def test_it_is_the_highest_of_the_window_and_the_stream_agrees(values, n_bars):
    expected = [max(values[end - n_bars : end]) for end in range(n_bars, len(values) + 1)]
    stream = rolling_max_stream(n_bars)
    streamed = [stream.update(value) for value in values]
    assert streamed[: n_bars - 1] == [None] * min(n_bars - 1, len(values))
    assert streamed[n_bars - 1 :] == expected
    assert rolling_max_batch(values, n_bars).tolist()[n_bars - 1 :] == expected
