"""What every indicator shares: a window that makes sense, a clean series, a stream that is None until warm."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.features import FloatArray

IntArray = NDArray[np.int64]


def checked_window(n_bars: int, at_least: int = 1) -> int:
    """Return `n_bars`. Raises ValueError when the window is shorter than `at_least`."""
    if n_bars < at_least:
        raise ValueError(f"a window of {n_bars} bars is too short, at least {at_least} is needed")
    return n_bars


def checked_series(values: Sequence[float] | FloatArray) -> FloatArray:
    """Return the values as one contiguous float64 column, shape (n,), oldest first.

    Raises ValueError for any other shape, and for NaN or infinity: one of them would stay in a smoothed value for ever.
    """
    series = np.ascontiguousarray(values, dtype=np.float64)
    if series.ndim != 1 or not np.isfinite(series).all():
        raise ValueError(f"a series is one column of finite numbers, got shape {series.shape}")
    return series


class Stream:
    """One indicator fed bar by bar, and its whole memory.

    kernel: called as kernel(state, 0, n_bars, *values), answers NaN while cold. n_state: length of its state.
    warmup_bars: how many updates the first answer takes. n_seen: updates so far.
    """

    __slots__ = ("_kernel", "_n_bars", "_state", "n_seen", "warmup_bars")

    def __init__(self, kernel: Callable[..., float], n_bars: int, *, n_state: int, warmup_bars: int) -> None:
        """Begin cold. Raises ValueError for a window below one bar."""
        self._kernel = kernel
        self._n_bars = checked_window(n_bars)
        self._state = np.zeros(n_state)
        self.warmup_bars = warmup_bars
        self.n_seen = 0

    def update(self, *values: float) -> float | None:
        """Take one bar's values and return the indicator including it, or None until `warmup_bars` were seen."""
        answer = self._kernel(self._state, 0, self._n_bars, *values)
        self.n_seen += 1
        return answer if self.n_seen >= self.warmup_bars else None
