import math
import statistics

import numpy as np
import pytest
import talib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indicators.rolling_moments import (
    rolling_std_batch,
    rolling_std_stream,
    rolling_zscore_batch,
    rolling_zscore_stream,
)

# Values of very different size side by side, and runs of equal ones.
WILD = st.lists(
    st.one_of(st.floats(-1e-6, 1e-6), st.floats(-1e3, 1e3), st.floats(-1e15, 1e15), st.sampled_from([0.0, 1e-9, 1e12])),
    min_size=1,
    max_size=60,
)
MILD = st.lists(st.integers(0, 1_000_000).map(lambda cents: cents / 100), min_size=2, max_size=120)
WINDOWS = st.integers(1, 12)


@pytest.mark.parametrize("n_bars", [2, 20, 240])
def test_the_deviation_equals_talib_on_recorded_closes(recorded, n_bars):
    closes = recorded[:, 3].copy()
    np.testing.assert_allclose(rolling_std_batch(closes, n_bars), talib.STDDEV(closes, n_bars), rtol=1e-9, atol=1e-9)


def test_the_deviation_equals_talib_on_recorded_volumes(recorded):
    volumes = recorded[:, 4].copy()
    np.testing.assert_allclose(rolling_std_batch(volumes, 20), talib.STDDEV(volumes, 20), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_bars", [2, 20, 240])
def test_the_deviation_of_recorded_volumes_is_that_of_each_window_alone(recorded, n_bars):
    """TA-Lib's running sum of squares is off by 2e-8 here at two bars, so the reference is each window by itself."""
    volumes = recorded[:, 4].copy()
    windows = np.lib.stride_tricks.sliding_window_view(volumes, n_bars)
    np.testing.assert_allclose(rolling_std_batch(volumes, n_bars)[n_bars - 1 :], windows.std(axis=1), rtol=1e-11)


@settings(deadline=None)
@given(values=MILD, n_bars=st.integers(2, 30))
def test_the_variance_equals_talib_within_the_rounding_of_its_squares(values, n_bars):
    series = np.array(values)
    rounding = 1e-12 * max(1.0, series.max()) ** 2
    np.testing.assert_allclose(
        rolling_std_batch(series, n_bars) ** 2, talib.VAR(series, n_bars), rtol=1e-9, atol=rounding
    )


@settings(deadline=None)
@given(values=WILD, n_bars=WINDOWS)
@example(values=[1e15, 1e15, 1e-6, 2e-6, 3e-6, 1e-6], n_bars=3)
def test_the_deviation_is_the_exact_one_to_twelve_digits_whatever_came_before(values, n_bars):
    exact = [statistics.pstdev(values[end - n_bars : end]) for end in range(n_bars, len(values) + 1)]
    np.testing.assert_allclose(rolling_std_batch(values, n_bars)[n_bars - 1 :], exact, rtol=1e-12, atol=1e-150)


@pytest.mark.parametrize("n_bars", [20, 240])
def test_a_million_bars_of_huge_values_leave_no_trace_on_the_tiny_ones_after(n_bars):
    noise = np.random.default_rng(5).standard_normal(1_000_400)
    values = np.where(np.arange(noise.size) < 1_000_000, 1e12 * noise, 1e-6 * noise)
    last = rolling_std_batch(values, n_bars)[-100:]
    exact = [statistics.pstdev(values[end - n_bars + 1 : end + 1].tolist()) for end in range(1_000_300, 1_000_400)]
    np.testing.assert_allclose(last, exact, rtol=1e-9, atol=0)


@settings(deadline=None)
@given(values=MILD, n_bars=st.integers(2, 20), shift=st.integers(-1000, 1000), scale=st.floats(1e-3, 1e3))
def test_a_zscore_does_not_know_the_origin_nor_the_unit(values, n_bars, shift, scale):
    plain = rolling_zscore_batch(values, n_bars)
    moved = rolling_zscore_batch([value + shift for value in values], n_bars)
    scaled = rolling_zscore_batch([value * scale for value in values], n_bars)
    np.testing.assert_allclose(moved, plain, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(scaled, plain, rtol=1e-8, atol=1e-8)


@settings(deadline=None)
@given(values=WILD, n_bars=st.integers(2, 12))
def test_a_zscore_is_finite_and_no_larger_than_its_window_allows(values, n_bars):
    warm = rolling_zscore_batch(values, n_bars)[n_bars - 1 :]
    assert np.isfinite(warm).all()
    assert (np.abs(warm) <= math.sqrt(n_bars - 1) * (1 + 1e-9)).all()


@settings(deadline=None)
@given(value=st.floats(-1e15, 1e15), n_bars=WINDOWS, before=WILD)
def test_equal_values_have_no_deviation_and_no_zscore_exactly(value, n_bars, before):
    series = [*before, *[value] * n_bars]
    assert rolling_std_batch(series, n_bars)[-1] == 0.0
    assert rolling_zscore_batch(series, n_bars)[-1] == 0.0


def test_the_zscore_of_a_spike_is_what_pencil_and_paper_say():
    assert rolling_zscore_batch([1.0, 1.0, 1.0, 5.0], 4)[-1] == pytest.approx(3.0 / math.sqrt(3.0))


@settings(deadline=None)
@given(values=WILD, n_bars=WINDOWS)
@pytest.mark.parametrize(
    ("batch", "make_stream"),
    [(rolling_std_batch, rolling_std_stream), (rolling_zscore_batch, rolling_zscore_stream)],
)
def test_the_stream_is_none_until_warm_and_then_the_batch_bit_for_bit(batch, make_stream, values, n_bars):
    stream = make_stream(n_bars)
    streamed = [stream.update(value) for value in values]
    assert streamed[: n_bars - 1] == [None] * min(n_bars - 1, len(values))
    assert streamed[n_bars - 1 :] == batch(values, n_bars).tolist()[n_bars - 1 :]
