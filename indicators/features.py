"""The feature vector: every figure a strategy may look at, from one kernel.

The desk calls it once a bar; `features_batch` does a whole tape figure by figure, and the bits agree.
"""

import math
from typing import Final

import numpy as np

from domain.compiled import entry_point, kernel
from domain.features import N_FEATURES, Feature, Features, FloatArray
from domain.market import Bar, Snapshot
from domain.record import Record
from indicators.atr import ATR_STATE, update_atr
from indicators.ema import EMA_STATE, update_ema
from indicators.feature_columns import (
    ATR,
    BESIDE,
    CLOSE,
    DRAWDOWN,
    EMA_FAST,
    EMA_SLOW,
    FIGURES,
    LEAST_ATR_FRAC,
    N_DECIDING,
    N_FIGURES,
    POSSIBLE,
    RETURN,
    VOL,
    VOL_LONG,
    VOLUME,
    fill_figures,
    first_impossible,
)
from indicators.realised_vol import BPS, fill_returns, log_return_bps
from indicators.regime import RegimeThresholds, classify_regime
from indicators.rolling_max import max_state, update_max
from indicators.rolling_moments import moments_state, update_std, update_zscore
from indicators.series import IntArray

BODY_OVER_ATR: Final = int(Feature.BODY_OVER_ATR)
VOLUME_Z: Final = int(Feature.VOLUME_Z)
BOOK_IMBALANCE: Final = int(Feature.BOOK_IMBALANCE)
PREMIUM_BPS: Final = int(Feature.PREMIUM_BPS)
FUNDING_RATE_HOURLY_FRAC: Final = int(Feature.FUNDING_RATE_HOURLY_FRAC)
OPEN_INTEREST_USD: Final = int(Feature.OPEN_INTEREST_USD)
REALISED_VOL_BPS: Final = int(Feature.REALISED_VOL_BPS)
SPREAD_BPS: Final = int(Feature.SPREAD_BPS)
ATR_PRICE: Final = int(Feature.ATR_PRICE)
RETURN_BPS: Final = int(Feature.RETURN_BPS)
TREND_STRENGTH: Final = int(Feature.TREND_STRENGTH)
DRAWDOWN_BPS: Final = int(Feature.DRAWDOWN_BPS)
REGIME: Final = int(Feature.REGIME)

_ABSENT: Final = math.nan
N_OHLCV: Final = 5
N_OPTIONAL: Final = 5

_N_SEEN: Final = 0
_PREVIOUS_CLOSE: Final = 1
_ATR_AT: Final = 2
_EMA_FAST_AT: Final = _ATR_AT + ATR_STATE
_EMA_SLOW_AT: Final = _EMA_FAST_AT + EMA_STATE
_VOLUME_AT: Final = _EMA_SLOW_AT + EMA_STATE


class FeatureWindows(Record, frozen=True, kw_only=True):
    """How far each figure looks back, in bars.

    atr_bars: Wilder ATR. volume_bars: window of the volume z-score. vol_bars: log returns in the realised volatility;
    vol_long_bars: the same in the long run, which the regime compares it with. ema_fast_bars, ema_slow_bars: trend.
    drawdown_bars: window of the highest close.
    """

    atr_bars: int = 14
    volume_bars: int = 20
    vol_bars: int = 30
    vol_long_bars: int = 240
    ema_fast_bars: int = 20
    ema_slow_bars: int = 60
    drawdown_bars: int = 60

    def __post_init__(self) -> None:
        """Refuse windows that are empty, absurdly long, or the wrong way round."""
        for name, bars, least in zip(self.__struct_fields__, self.vector(), (1, 2, 2, 3, 1, 2, 1), strict=True):
            if not least <= bars <= 1_000_000:
                raise ValueError(f"{name} {bars} is not a window, it must lie between {least} and 1000000")
        if self.vol_bars >= self.vol_long_bars or self.ema_fast_bars >= self.ema_slow_bars:
            raise ValueError(
                f"vol_bars {self.vol_bars} and ema_fast_bars {self.ema_fast_bars} must be shorter than "
                f"vol_long_bars {self.vol_long_bars} and ema_slow_bars {self.ema_slow_bars}"
            )

    def vector(self) -> IntArray:
        """Return the windows in the order the kernel reads them."""
        return np.array(
            [
                self.atr_bars,
                self.volume_bars,
                self.vol_bars,
                self.vol_long_bars,
                self.ema_fast_bars,
                self.ema_slow_bars,
                self.drawdown_bars,
            ],
            dtype=np.int64,
        )


@kernel
def warmup_of(windows: IntArray) -> int:
    """Return how many bars the first complete vector takes. A return needs two closes, hence the + 1."""
    with_previous = max(windows[ATR], windows[VOL], windows[VOL_LONG]) + 1
    return int(max(with_previous, windows[VOLUME], windows[EMA_FAST], windows[EMA_SLOW], windows[DRAWDOWN]))


def warmup_bars(windows: FeatureWindows) -> int:
    """Return how many bars must be seen before the first features, that bar included."""
    return int(warmup_of(windows.vector()))


def feature_state(windows: FeatureWindows) -> FloatArray:
    """Return the state before the first bar: bars seen, previous close, then the indicators in the kernel's order."""
    windowed = moments_state(windows.volume_bars) + moments_state(windows.vol_bars)
    windowed += moments_state(windows.vol_long_bars) + max_state(windows.drawdown_bars)
    return np.zeros(_VOLUME_AT + windowed)


@kernel
def fill_features(
    out: FloatArray,
    state: FloatArray,
    windows: IntArray,
    thresholds: FloatArray,
    open_price: float,
    high_price: float,
    low_price: float,
    close_price: float,
    volume_base: float,
    imbalance_frac: float,
    premium_bps: float,
    funding_rate_hourly_frac: float,
    open_interest_usd: float,
    spread_bps: float,
) -> bool:
    """Do what `update_features` does, into `out` of shape (N_FEATURES,), and say whether it is warm.

    An array made by the caller costs Python a third less than one handed back by compiled code.
    """
    previous_close = state[_PREVIOUS_CLOSE]
    state[_PREVIOUS_CLOSE] = close_price
    state[_N_SEEN] += 1.0
    atr = update_atr(state, _ATR_AT, windows[ATR], high_price, low_price, close_price)
    fast = update_ema(state, _EMA_FAST_AT, windows[EMA_FAST], close_price)
    slow = update_ema(state, _EMA_SLOW_AT, windows[EMA_SLOW], close_price)
    has_range = atr > LEAST_ATR_FRAC * max(close_price, fast, slow)
    out[ATR_PRICE] = atr
    out[BODY_OVER_ATR] = (close_price - open_price) / atr if has_range else 0.0
    out[TREND_STRENGTH] = (fast - slow) / atr if has_range else 0.0
    _fill_windowed(out, state, windows, thresholds, previous_close, close_price, volume_base)
    out[BOOK_IMBALANCE] = imbalance_frac
    out[PREMIUM_BPS] = premium_bps
    out[FUNDING_RATE_HOURLY_FRAC] = funding_rate_hourly_frac
    out[OPEN_INTEREST_USD] = open_interest_usd
    out[SPREAD_BPS] = spread_bps
    if state[_N_SEEN] >= warmup_of(windows):
        return True
    out[:] = math.nan
    return False


@kernel
def _fill_windowed(
    out: FloatArray,
    state: FloatArray,
    windows: IntArray,
    thresholds: FloatArray,
    previous_close_price: float,
    close_price: float,
    volume_base: float,
) -> None:
    """Write the figures that need a window of bars, and the regime; the trend strength is already in `out`."""
    vol_at = _VOLUME_AT + moments_state(windows[VOLUME])
    vol_long_at = vol_at + moments_state(windows[VOL])
    drawdown_at = vol_long_at + moments_state(windows[VOL_LONG])
    highest = update_max(state, drawdown_at, windows[DRAWDOWN], close_price)
    out[VOLUME_Z] = update_zscore(state, _VOLUME_AT, windows[VOLUME], volume_base)
    if previous_close_price == 0.0:
        return
    return_bps = log_return_bps(previous_close_price, close_price)
    vol_bps = update_std(state, vol_at, windows[VOL], return_bps)
    long_vol_bps = update_std(state, vol_long_at, windows[VOL_LONG], return_bps)
    drawdown_bps = (highest - close_price) / highest * BPS
    out[RETURN_BPS] = return_bps
    out[REALISED_VOL_BPS] = vol_bps
    out[DRAWDOWN_BPS] = drawdown_bps
    out[REGIME] = classify_regime(thresholds, drawdown_bps, vol_bps, long_vol_bps, out[TREND_STRENGTH])


@kernel
def update_features(
    state: FloatArray,
    windows: IntArray,
    thresholds: FloatArray,
    open_price: float,
    high_price: float,
    low_price: float,
    close_price: float,
    volume_base: float,
    imbalance_frac: float,
    premium_bps: float,
    funding_rate_hourly_frac: float,
    open_interest_usd: float,
    spread_bps: float,
) -> FloatArray:
    """Take one closed bar into `state` and return a new vector in the order of `Feature`; all NaN until warm.

    state: from `feature_state`, changed in place. windows: `FeatureWindows.vector()`. thresholds:
    `RegimeThresholds.vector()`. Prices > 0 with low <= open, close <= high, volume >= 0. The last five pass
    through, NaN = absent. Once warm every other place is finite; ratios to an ATR of nothing are 0.
    """
    out = np.empty(N_FEATURES)
    fill_features(
        out,
        state,
        windows,
        thresholds,
        open_price,
        high_price,
        low_price,
        close_price,
        volume_base,
        imbalance_frac,
        premium_bps,
        funding_rate_hourly_frac,
        open_interest_usd,
        spread_bps,
    )
    return out


def features_batch(
    ohlcv: FloatArray, optional: FloatArray, windows: FeatureWindows, thresholds: RegimeThresholds
) -> FloatArray:
    """Return the feature vector after every bar, shape (n, N_FEATURES), all NaN in rows before the warm-up.

    ohlcv: shape (n, 5), oldest first, finite, as `domain.market.Bar` demands. optional: shape (n, 5), in the order
    imbalance, premium, funding rate, open interest, spread, in the units of `update_features`; NaN = absent.
    Each figure's column is in one piece. Raises ValueError for other shapes and for bars no market can print.
    """
    bars, beside = np.asarray(ohlcv, dtype=np.float64), np.asarray(optional, dtype=np.float64)
    if bars.ndim != 2 or bars.shape[1] != N_OHLCV or beside.shape != (bars.shape[0], N_OPTIONAL):
        raise ValueError(f"a tape is (n, {N_OHLCV}) and (n, {N_OPTIONAL}), got {bars.shape} and {beside.shape}")
    columns, held = np.ascontiguousarray(bars.T), np.empty((len(BESIDE), len(bars)))
    impossible = first_impossible(columns)
    if impossible != POSSIBLE:
        raise ValueError(f"row {impossible} of the tape is not a possible bar: {bars[impossible].tolist()}")
    held[:RETURN] = beside.T
    fill_returns(held[RETURN], columns[CLOSE])
    features = np.empty((N_FEATURES, len(bars)))
    features[FIGURES, :] = tape_figures(columns, held[RETURN], windows, thresholds).T
    features[BESIDE, :] = held
    features[:, : warmup_bars(windows) - 1] = math.nan
    return features.T


def tape_figures(
    bars: FloatArray,
    returns_bps: FloatArray,
    windows: FeatureWindows,
    thresholds: RegimeThresholds,
    *,
    has_regimes: bool = True,
) -> FloatArray:
    """Return the figures after every bar of a tape laid out in columns, shape (n, N_FIGURES), each in one piece.

    bars: shape (5, n), every row in one piece, bars that nobody has to check. returns_bps: shape (n,), as
    `returns_batch` gives them. has_regimes: whether regimes are wanted; else shape (n, N_DECIDING), see `Figure`.
    """
    figures = np.empty((N_FIGURES if has_regimes else N_DECIDING, bars.shape[1]))
    fill_figures(figures, bars, returns_bps, windows.vector(), thresholds.vector(), warmup_bars(windows) - 1)
    return figures.T


class FeatureEngine:
    """The features of one symbol, bar by bar.

    n_seen: bars taken so far. warmup_bars: bars the first answer takes. A minute without a bar is simply not
    observed: windows count bars, and the return over the gap counts as one bar's return.
    """

    __slots__ = ("_fill", "_state", "_thresholds", "_windows", "n_seen", "warmup_bars")

    def __init__(self, windows: FeatureWindows, regime_thresholds: RegimeThresholds) -> None:
        """Begin cold."""
        self._state = feature_state(windows)
        self._windows = windows.vector()
        self._thresholds = regime_thresholds.vector()
        self.warmup_bars = warmup_bars(windows)
        self.n_seen = 0
        figures = (0.0,) * (N_OHLCV + N_OPTIONAL)
        self._fill = entry_point(
            fill_features, np.empty(N_FEATURES), self._state, self._windows, self._thresholds, *figures
        )

    def observe(self, bar: Bar, snapshot: Snapshot) -> Features | None:
        """Take one closed bar and what stood beside it; return the features, or None until `warmup_bars` were seen."""
        self.n_seen += 1
        imbalance_frac = snapshot.imbalance_frac
        premium = snapshot.premium_bps
        funding = snapshot.funding_rate_hourly_frac
        interest = snapshot.open_interest_usd
        spread = snapshot.spread_bps
        vector = np.empty(N_FEATURES)
        is_warm = self._fill(
            vector,
            self._state,
            self._windows,
            self._thresholds,
            bar.open_price,
            bar.high_price,
            bar.low_price,
            bar.close_price,
            bar.volume_base,
            _ABSENT if imbalance_frac is None else imbalance_frac,
            _ABSENT if premium is None else premium.value,
            _ABSENT if funding is None else funding.value,
            _ABSENT if interest is None else interest.value,
            _ABSENT if spread is None else spread.value,
        )
        return Features(vector=vector) if is_warm else None
