import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.ema import ema_batch, ema_stream

PRICES = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=120)
WINDOWS = st.integers(2, 30)


@pytest.mark.parametrize("n_bars", [2, 20, 60, 500])
def test_it_equals_talib_on_recorded_closes(recorded, n_bars):
    closes = recorded[:, 3].copy()
    np.testing.assert_allclose(ema_batch(closes, n_bars), talib.EMA(closes, n_bars), rtol=1e-9, atol=0)


@settings(deadline=None)
@given(prices=PRICES, n_bars=WINDOWS)
def test_it_equals_talib_on_any_series(prices, n_bars):
    values = np.array(prices)
    np.testing.assert_allclose(ema_batch(values, n_bars), talib.EMA(values, n_bars), rtol=1e-9, atol=0)


@settings(deadline=None)
@given(prices=PRICES, n_bars=st.integers(1, 30))
def test_it_stays_between_the_lowest_and_the_highest_value_seen(prices, n_bars):
    values = np.array(prices)
    ema = ema_batch(values, n_bars)
    warm = ~np.isnan(ema)
    slack = 1e-12 * values.max()
    assert (ema[warm] >= np.minimum.accumulate(values)[warm] - slack).all()
    assert (ema[warm] <= np.maximum.accumulate(values)[warm] + slack).all()


@settings(deadline=None)
@given(prices=PRICES, n_bars=st.integers(1, 30))
def test_the_stream_is_none_until_warm_and_then_the_batch_bit_for_bit(prices, n_bars):
    stream = ema_stream(n_bars)
    streamed = [stream.update(price) for price in prices]
    batch = ema_batch(prices, n_bars).tolist()
    assert streamed[: n_bars - 1] == [None] * min(n_bars - 1, len(prices))
    assert np.isnan(batch[: n_bars - 1]).all()
    assert streamed[n_bars - 1 :] == batch[n_bars - 1 :]
    assert (stream.warmup_bars, stream.n_seen) == (n_bars, len(prices))
