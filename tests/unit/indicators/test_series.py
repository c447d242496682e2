import numpy as np
import pytest

from indicators.ema import ema_batch, ema_stream
from indicators.rolling_max import rolling_max_batch
from indicators.series import checked_series, checked_window


@pytest.mark.parametrize("n_bars", [0, -1])
def test_a_window_without_bars_is_refused_by_stream_and_batch(n_bars):
    with pytest.raises(ValueError, match="too short"):
        checked_window(n_bars)
    with pytest.raises(ValueError, match="too short"):
        ema_stream(n_bars)
    with pytest.raises(ValueError, match="too short"):
        rolling_max_batch([1.0, 2.0], n_bars)


@pytest.mark.parametrize("values", [[1.0, np.nan], [np.inf], [[1.0], [2.0]]])
def test_a_series_with_a_hole_or_a_second_column_is_refused(values):
    with pytest.raises(ValueError, match="one column of finite numbers"):
        checked_series(values)


def test_a_list_a_strided_view_and_a_contiguous_array_give_the_same_answer():
    table = np.arange(20.0).reshape(10, 2)
    expected = ema_batch(table[:, 1].copy(), 3)
    assert ema_batch(table[:, 1], 3).tobytes() == expected.tobytes()
    assert ema_batch(table[:, 1].tolist(), 3).tobytes() == expected.tobytes()


def test_a_batch_leaves_its_input_alone_and_an_empty_series_gives_an_empty_answer():
    values = np.array([3.0, 1.0, 2.0])
    rolling_max_batch(values, 2)
    assert values.tolist() == [3.0, 1.0, 2.0]
    assert ema_batch([], 3).size == 0
