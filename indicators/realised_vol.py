"""Log returns and their standard deviation, in bps."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.compiled import kernel
from domain.features import FloatArray
from indicators.rolling_moments import moments_state, update_std
from indicators.series import Stream, checked_series, checked_window

BPS: Final = 10_000.0
# Below it a ratio of prices has lost digits.
SMALLEST_NORMAL: Final = float(np.finfo(np.float64).smallest_normal)
_PREVIOUS_CLOSE: Final = 0
_WINDOW: Final = 1


@kernel
def log_return_bps(previous_close_price: float, close_price: float) -> float:
    """Return the log return from one close to the next in bps. Finite for any two finite prices above zero."""
    ratio = close_price / previous_close_price
    if SMALLEST_NORMAL <= ratio < math.inf:
        return BPS * math.log(ratio)
    return BPS * (math.log(close_price) - math.log(previous_close_price))


@kernel
def fill_returns(out: FloatArray, closes: FloatArray) -> None:
    """Write `log_return_bps` from each close to the next into `out`, shape (n,); NaN in the first."""
    out[:1] = math.nan
    for bar in range(1, closes.shape[0]):
        out[bar] = log_return_bps(closes[bar - 1], closes[bar])


def returns_batch(closes: Sequence[float] | FloatArray) -> FloatArray:
    """Return the log returns in bps, shape (n,), NaN for the first close. Raises as `realised_vol_batch`."""
    prices = _checked_prices(closes)
    out = np.empty_like(prices)
    fill_returns(out, prices)
    return out


def _checked_prices(closes: Sequence[float] | FloatArray) -> FloatArray:
    prices = checked_series(closes)
    if (prices <= 0.0).any():
        raise ValueError("a log return needs prices above zero")
    return prices


@kernel
def realised_vol_state(n_bars: int) -> int:
    """Return the length of the state: the previous close, then a window of moments of the returns."""
    return moments_state(n_bars) + _WINDOW


@kernel
def update_realised_vol(state: FloatArray, at: int, n_bars: int, close_price: float) -> float:
    """Take one close > 0 into the window kept in state[at : at + realised_vol_state(n_bars)].

    Returns the standard deviation (ddof 0) of the last `n_bars` log returns in bps; NaN until `n_bars` + 1 closes.
    """
    previous = state[at + _PREVIOUS_CLOSE]
    state[at + _PREVIOUS_CLOSE] = close_price
    if previous == 0.0:
        return math.nan
    return update_std(state, at + _WINDOW, n_bars, log_return_bps(previous, close_price))


@kernel
def _realised_vol_loop(closes: FloatArray, n_bars: int) -> FloatArray:
    state = np.zeros(realised_vol_state(n_bars))
    out = np.empty(closes.shape[0])
    for bar in range(closes.shape[0]):
        out[bar] = update_realised_vol(state, 0, n_bars, closes[bar])
    return out


def realised_vol_batch(closes: Sequence[float] | FloatArray, n_bars: int) -> FloatArray:
    """Return the realised volatility after every close in bps, shape (n,), NaN before `n_bars` + 1 closes.

    Raises ValueError for a close that is not above zero, and as `checked_series`.
    """
    return _realised_vol_loop(_checked_prices(closes), checked_window(n_bars))


def realised_vol_stream(n_bars: int) -> Stream:
    """Return a cold realised volatility to be updated with one close a bar, every close above zero."""
    return Stream(update_realised_vol, n_bars, n_state=realised_vol_state(n_bars), warmup_bars=n_bars + 1)
