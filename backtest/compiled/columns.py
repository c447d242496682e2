"""A tape as columns: what the compiled engine reads of one symbol, and how it is made of any feed's snapshots."""

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.errors import BadInput
from domain.grid import steps_nearest, steps_worse
from domain.instrument import Instrument
from domain.market import DAY_MS, Snapshot
from execution.minute import MEASURED_SPREADS, liquidation_scale

FlagArray = NDArray[np.bool_]
_Number = TypeVar("_Number", np.float64, np.int64)

_GROWTH: Final = 16_384
_N_FLOATS: Final = 14
_N_INTS: Final = 4
(
    _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME, _IMBALANCE, _PREMIUM, _FUNDING, _INTEREST, _SPREAD, _MARK, _ORACLE, _SCALE,
    _HALF_SPREAD,
) = range(_N_FLOATS)  # fmt: skip
_AS_OF, _OPEN_MS, _RATE, _FLAGS = range(_N_INTS)
_HAS_BAR, _IS_FIT, _SETTLES = 1, 2, 4


class Columns(NamedTuple):
    """One symbol's minutes, each array of shape (n_minutes,) unless said otherwise.

    as_of_ms, open_ms: close of the minute, and opening of its bar. has_bar: the source had a usable bar.
    is_fit: new risk may be considered. settles, rate_1e9: funding settled in the minute, quote per base times 1e9.
    ohlcv: (n_minutes, 5). beside: (n_minutes, 5): imbalance, premium, funding rate, open interest, spread; NaN =
    absent. mark, oracle: prices, NaN = absent. half_spread_bps: measured on a book, NaN where none was.
    open_, high_, low_in_ticks: prices over the tick, as fills compare them. high_, low_, close_ticks: nearest ticks.
    long_, short_worst_ticks: where the liquidator looks. day_place: which of the tape's UTC days the minute belongs to.
    """

    as_of_ms: IntArray
    open_ms: IntArray
    has_bar: FlagArray
    is_fit: FlagArray
    settles: FlagArray
    rate_1e9: IntArray
    ohlcv: FloatArray
    beside: FloatArray
    mark: FloatArray
    oracle: FloatArray
    half_spread_bps: FloatArray
    high_in_ticks: FloatArray
    low_in_ticks: FloatArray
    high_ticks: IntArray
    low_ticks: IntArray
    close_ticks: IntArray
    long_worst_ticks: IntArray
    short_worst_ticks: IntArray
    day_place: IntArray


def columns_of(snapshots: Iterable[Snapshot], instrument: Instrument) -> Columns:
    """Return one symbol's snapshots, in time order, as columns.

    Raises BadInput when there are none, or when one of them is of another symbol.
    """
    floats: FloatArray = np.empty((_GROWTH, _N_FLOATS))
    ints: IntArray = np.empty((_GROWTH, _N_INTS), dtype=np.int64)
    n_minutes = 0
    for snapshot in snapshots:
        if snapshot.symbol != instrument.symbol:
            raise BadInput(f"the compiled engine runs one symbol, {instrument.symbol}; the tape has {snapshot.symbol}")
        if n_minutes == len(floats):
            floats, ints = _grown(floats), _grown(ints)
        floats[n_minutes], ints[n_minutes] = _floats_of(snapshot), _ints_of(snapshot)
        n_minutes += 1
    if n_minutes == 0:
        raise BadInput(f"the tape of {instrument.symbol} has no minutes")
    return _columns(floats[:n_minutes], ints[:n_minutes], instrument.tick)


def _grown(block: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate((block, np.empty_like(block)))


def _floats_of(snapshot: Snapshot) -> tuple[float, ...]:
    bar, nan = snapshot.bar, np.nan
    spread = snapshot.spread_bps
    is_measured = spread is not None and spread.source in MEASURED_SPREADS and spread.value >= 0.0
    readings = (snapshot.premium_bps, snapshot.funding_rate_hourly_frac, snapshot.open_interest_usd, spread)
    return (
        *(
            (nan,) * 5
            if bar is None
            else (bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base)
        ),
        nan if snapshot.imbalance_frac is None else snapshot.imbalance_frac,
        *(nan if reading is None else reading.value for reading in readings),
        nan if snapshot.mark is None else snapshot.mark.value,
        nan if snapshot.oracle is None else snapshot.oracle.value,
        1.0 if bar is None else liquidation_scale(bar, snapshot.oracle),
        spread.value / 2.0 if spread is not None and is_measured else nan,
    )


def _ints_of(snapshot: Snapshot) -> tuple[int, int, int, int]:
    bar, settled = snapshot.bar, snapshot.funding_settlement
    flags = _HAS_BAR * (bar is not None) + _IS_FIT * (not snapshot.defects) + _SETTLES * (settled is not None)
    return (
        snapshot.as_of_ms,
        snapshot.as_of_ms if bar is None else bar.open_ms,
        0 if settled is None else settled.rate_quote_per_base_1e9,
        flags,
    )


def _columns(floats: FloatArray, ints: IntArray, tick: float) -> Columns:
    flags, as_of_ms = ints[:, _FLAGS], ints[:, _AS_OF].copy()
    on_grid = _on_grid(floats, tick)
    return Columns(
        as_of_ms=as_of_ms,
        open_ms=ints[:, _OPEN_MS].copy(),
        has_bar=(flags & _HAS_BAR) != 0,
        is_fit=(flags & _IS_FIT) != 0,
        settles=(flags & _SETTLES) != 0,
        rate_1e9=ints[:, _RATE].copy(),
        ohlcv=floats[:, _OPEN : _VOLUME + 1].copy(),
        beside=floats[:, _IMBALANCE : _SPREAD + 1].copy(),
        mark=floats[:, _MARK].copy(),
        oracle=floats[:, _ORACLE].copy(),
        half_spread_bps=floats[:, _HALF_SPREAD].copy(),
        high_in_ticks=floats[:, _HIGH] / tick,
        low_in_ticks=floats[:, _LOW] / tick,
        high_ticks=on_grid[0],
        low_ticks=on_grid[1],
        close_ticks=on_grid[2],
        long_worst_ticks=on_grid[3],
        short_worst_ticks=on_grid[4],
        day_place=np.unique((as_of_ms - 1) // DAY_MS, return_inverse=True)[1].astype(np.int64),
    )


@kernel
def _on_grid(floats: FloatArray, tick: float) -> IntArray:
    """Return high, low, close, and the liquidator's price for a long and a short, in ticks; zeros without a bar."""
    out = np.zeros((5, floats.shape[0]), dtype=np.int64)
    for place in range(floats.shape[0]):
        row = floats[place]
        if np.isnan(row[_CLOSE]):
            continue
        out[0, place] = steps_nearest(row[_HIGH], tick)
        out[1, place] = steps_nearest(row[_LOW], tick)
        out[2, place] = steps_nearest(row[_CLOSE], tick)
        out[3, place] = max(1, steps_worse(row[_LOW] * row[_SCALE], tick, -1))
        out[4, place] = max(1, steps_worse(row[_HIGH] * row[_SCALE], tick, 1))
    return out
