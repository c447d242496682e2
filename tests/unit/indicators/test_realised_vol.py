import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.realised_vol import log_return_bps, realised_vol_batch, realised_vol_stream

CLOSES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=80)


def test_it_is_the_deviation_of_the_recorded_log_returns_in_bps(recorded):
    closes = recorded[:, 3].copy()
    returns_bps = 1e4 * np.diff(np.log(closes))
    windows = np.lib.stride_tricks.sliding_window_view(returns_bps, 30)
    vol_bps = realised_vol_batch(closes, 30)
    assert np.isnan(vol_bps[:30]).all()
    np.testing.assert_allclose(vol_bps[30:], windows.std(axis=1), rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(closes=CLOSES, n_bars=st.integers(1, 20))
def test_the_stream_needs_one_close_more_than_its_window_and_then_is_the_batch(closes, n_bars):
    stream = realised_vol_stream(n_bars)
    streamed = [stream.update(close) for close in closes]
    assert streamed[:n_bars] == [None] * min(n_bars, len(closes))
    assert streamed[n_bars:] == realised_vol_batch(closes, n_bars).tolist()[n_bars:]


@settings(deadline=None)
@given(closes=CLOSES, n_bars=st.integers(2, 20), exponent=st.integers(-20, 20))
def test_it_does_not_know_the_currency(closes, n_bars, exponent):
    rescaled = [math.ldexp(close, exponent) for close in closes]
    assert realised_vol_batch(rescaled, n_bars).tobytes() == realised_vol_batch(closes, n_bars).tobytes()


@settings(deadline=None)
@given(
    previous=st.floats(0.0, 1e15, exclude_min=True, allow_subnormal=True),
    close=st.floats(0.0, 1e15, exclude_min=True, allow_subnormal=True),
)
def test_a_return_is_finite_and_has_the_sign_of_the_move(previous, close):
    move_bps = log_return_bps(previous, close)
    assert math.isfinite(move_bps)
    assert move_bps == pytest.approx(-log_return_bps(close, previous), rel=1e-9, abs=1e-9)
    if close / previous != 1.0:
        assert (move_bps > 0.0) is (close > previous)


def test_a_price_of_nothing_has_no_return():
    with pytest.raises(ValueError, match="above zero"):
        realised_vol_batch([1.0, 0.0], 1)
