import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.report.decimation import bars_of, kept_places, run_lengths, step_for
from backtest.story import SymbolTape
from domain.market import MINUTE_MS

SERIES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=400)


@given(SERIES, st.integers(8, 60))
def test_a_series_made_small_keeps_its_ends_extremes_and_deepest_point(values, n_most):
    series = np.array(values, dtype=np.int64)
    depth = (np.maximum.accumulate(series) - series).astype(np.float64)
    kept = kept_places(series, depth, n_most)
    assert len(kept) <= max(n_most, min(len(series), 8)) + 1
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(series) - 1)
    picked = series[kept]
    assert (picked.min(), picked.max(), depth[kept].max()) == (series.min(), series.max(), depth.max())


@given(SERIES)
def test_a_series_that_fits_is_kept_whole(values):
    kept = kept_places(np.array(values), np.zeros(len(values)), len(values))
    assert kept.tolist() == list(range(len(values)))


@given(st.lists(st.integers(-2, 2), max_size=60))
def test_run_lengths_can_be_unrolled_again(values):
    lengths = run_lengths(np.array(values, dtype=np.int64))
    unrolled = [value for value, count in zip(lengths[::2], lengths[1::2], strict=True) for _ in range(count)]
    assert unrolled == values


@given(st.data())
def test_joined_bars_are_the_open_high_low_and_close_of_their_minutes(data):
    n_minutes, step = data.draw(st.integers(1, 200)), data.draw(st.sampled_from([1, 2, 5, 60]))
    numbers = st.integers(1, 1000)
    closes = np.array(data.draw(st.lists(numbers, min_size=n_minutes, max_size=n_minutes)), dtype=np.float64)
    prices = np.column_stack([closes + 1, closes + 3, closes - 0.5, closes])
    prices[np.array(data.draw(st.lists(st.booleans(), min_size=n_minutes, max_size=n_minutes)))] = np.nan
    close_ms = 1_746_057_600_000 + (np.arange(n_minutes) + 1) * MINUTE_MS
    tape = SymbolTape(
        symbol="X",
        close_ms=close_ms,
        prices=prices,
        regime=(np.arange(n_minutes) % 5).astype(np.int8),
        position_lots=np.zeros(n_minutes, dtype=np.int64),
    )
    bars = bars_of(tape, step)
    expected: dict[int, list[int]] = {}
    for place in range(n_minutes):
        if prices[place, 3] == prices[place, 3]:
            slot = (int(close_ms[place]) - MINUTE_MS) // (step * MINUTE_MS) * step * MINUTE_MS
            expected.setdefault(slot, []).append(place)
    assert bars.open_ms.tolist() == list(expected)
    for place, members in enumerate(expected.values()):
        inside = prices[members]
        assert bars.prices[place].tolist() == [inside[0, 0], inside[:, 1].max(), inside[:, 2].min(), inside[-1, 3]]
        assert bars.regime[place] == members[-1] % 5


@pytest.mark.parametrize(
    ("n_minutes", "n_most", "step"), [(1, 10, 1), (10, 10, 1), (11, 10, 2), (31, 10, 5), (10**9, 10, 1440)]
)
def test_the_shortest_bar_that_keeps_the_file_small_is_chosen(n_minutes, n_most, step):
    assert step_for(n_minutes, n_most) == step
