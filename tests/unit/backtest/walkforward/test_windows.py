from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.compiled.columns import AS_OF_MS, N_FLOATS, N_INTS, Columns
from backtest.walkforward.windows import Layout, windows_of
from domain.errors import BadInput
from domain.market import DAY_MS, MINUTE_MS


def tape(minutes: np.ndarray, has_bar: np.ndarray | None = None) -> Columns:
    """Return a tape of which only the times and the bars' presence matter."""
    ints = np.zeros((len(minutes), N_INTS), dtype=np.int64)
    ints[:, AS_OF_MS] = (minutes + 1) * MINUTE_MS
    ints[:, 1] = 1 if has_bar is None else has_bar
    return Columns(ints=ints, floats=np.zeros((len(minutes), N_FLOATS)))


GAP = np.concatenate([np.arange(5 * 1440), np.arange(9 * 1440, 20 * 1440)])
LAYOUTS = st.builds(
    Layout,
    train_days=st.integers(1, 6),
    step_days=st.integers(1, 4),
    embargo_bars=st.integers(0, 2000),
    is_anchored=st.booleans(),
)


@given(st.sampled_from([np.arange(14 * 1440), GAP]), LAYOUTS, st.integers(1, 7))
def test_train_ends_an_embargo_before_its_step_and_steps_follow_each_other(
    minutes: np.ndarray, layout: Layout, every: int
) -> None:
    columns = tape(minutes, np.arange(len(minutes)) % every == 0)
    try:
        windows = windows_of(columns, layout)
    except BadInput:
        assert (
            layout.train_days * DAY_MS + layout.embargo_bars * every * MINUTE_MS
            > 10 * DAY_MS - layout.step_days * DAY_MS
        )
        return
    assert [window.number for window in windows] == list(range(len(windows)))
    for before, after in pairwise(windows):
        assert before.step.until == after.step.first
    close_ms = columns.close_ms
    for window in windows:
        spans = close_ms[window.step.until - 1] - close_ms[window.step.first]
        assert spans < layout.step_days * DAY_MS
        if window.train is None:
            continue
        assert columns.has_bar[window.train.until : window.step.first].sum() >= layout.embargo_bars
        assert layout.is_anchored <= (window.train.first == 0)
        if not layout.is_anchored:
            assert close_ms[window.train.until - 1] - close_ms[window.train.first] < layout.train_days * DAY_MS


def test_windows_of_a_plain_tape_by_hand() -> None:
    """Ten days, two to train, three a step, an hour's embargo: steps begin on days 2, 5 and 8 at 01:00.

    From the last of them 2 days less an hour are left, which is more than half of three.
    """
    windows = windows_of(tape(np.arange(10 * 1440)), Layout(train_days=2, step_days=3, embargo_bars=60))
    assert [(w.step.first, w.step.until) for w in windows] == [
        (2 * 1440 + 60, 5 * 1440 + 60),
        (5 * 1440 + 60, 8 * 1440 + 60),
        (8 * 1440 + 60, 10 * 1440),
    ]
    assert [(w.train.first, w.train.until) for w in windows if w.train] == [
        (0, 2 * 1440),
        (3 * 1440, 5 * 1440),
        (6 * 1440, 8 * 1440),
    ]


def test_an_anchored_train_segment_grows_from_the_tape_s_beginning() -> None:
    layout = Layout(train_days=2, step_days=3, embargo_bars=60, is_anchored=True)
    windows = windows_of(tape(np.arange(10 * 1440)), layout)
    assert [(w.train.first, w.train.until) for w in windows if w.train] == [(0, 2880), (0, 7200), (0, 11520)]


def test_a_tape_too_short_for_one_window_is_refused_with_what_it_takes() -> None:
    with pytest.raises(BadInput, match=r"a tape of 3\.0 days is too short for one window: it takes 3 --train-days"):
        windows_of(tape(np.arange(3 * 1440)), Layout(train_days=3, step_days=1, embargo_bars=10))
