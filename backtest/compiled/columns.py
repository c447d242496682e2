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
from indicators.realised_vol import returns_batch

# What a minute is in whole numbers. Ticks are nearest; the inner ones lie a hair further in, so that a level beyond
# them is surely not touched. The worst ones are where the liquidator looks.
(
    AS_OF_MS, FLAGS, INNER_HIGH, INNER_LOW, HIGH, LOW, CLOSE, LONG_WORST, SHORT_WORST, DAY, OPEN_MS, RATE_1E9, N_INTS,
) = range(13)  # fmt: skip
# And in floats: the bar, what stood beside it (NaN = absent), the log return from the bar before, and half the spread a
# book showed (NaN = no book).
(
    OPEN_PRICE, HIGH_PRICE, LOW_PRICE, CLOSE_PRICE, VOLUME, IMBALANCE, PREMIUM, FUNDING_RATE, INTEREST, SPREAD_BPS,
    RETURN_BPS, MARK_PRICE, ORACLE_PRICE, HALF_SPREAD_BPS, LIQUIDATION_SCALE, N_FLOATS,
) = range(16)  # fmt: skip
HAS_BAR, IS_FIT, SETTLES = 1, 2, 4

_GROWTH: Final = 16_384
_HAIR: Final = 2e-6
_Number = TypeVar("_Number", np.float64, np.int64)


class Columns(NamedTuple):
    """One symbol's minutes in time order. ints: shape (n_minutes, N_INTS). floats: shape (n_minutes, N_FLOATS).

    ints: close of the minute, flags, ticks, its UTC day counted from the tape's first, opening of its bar, and the
    funding rate settled in it; a minute in one piece, as a walk reads it. floats: prices, readings in the units of
    `Snapshot`, returns; a column in one piece (Fortran order), as the features read it. See the names above.
    """

    ints: IntArray
    floats: FloatArray

    @property
    def close_ms(self) -> IntArray:
        """The minutes' closes, UTC milliseconds, shape (n_minutes,)."""
        return np.ascontiguousarray(self.ints[:, AS_OF_MS])

    @property
    def n_days(self) -> int:
        """How many UTC days it spans, those without a minute included."""
        return int(self.ints[-1, DAY]) + 1

    @property
    def has_bar(self) -> NDArray[np.bool_]:
        """Whether the source had a usable bar, shape (n_minutes,)."""
        flags: NDArray[np.int64] = self.ints[:, FLAGS] & HAS_BAR
        return flags.astype(np.bool_)

    @property
    def beside(self) -> FloatArray:
        """What stood beside each bar, and its return, shape (n_minutes, 6): see `indicators.feature_columns.BESIDE`."""
        return self.floats[:, IMBALANCE : RETURN_BPS + 1]


class ColumnBuilder:
    """Takes one symbol's snapshots in time order and lays them out as columns. n_minutes: taken so far."""

    __slots__ = ("_floats", "_instrument", "_ints", "n_minutes")

    def __init__(self, instrument: Instrument, n_expected: int | None = None) -> None:
        """Begin empty. n_expected: how many minutes will come, where that is known."""
        self._instrument = instrument
        room = n_expected or _GROWTH
        self._floats: FloatArray = np.empty((room, N_FLOATS), order="F")
        self._ints: IntArray = np.zeros((room, N_INTS), dtype=np.int64)
        self.n_minutes = 0

    def add(self, snapshot: Snapshot) -> None:
        """Take one minute. Raises BadInput for a snapshot of another symbol."""
        if snapshot.symbol != self._instrument.symbol:
            name = self._instrument.symbol
            raise BadInput(f"the compiled engine runs one symbol at a time, {name}; the tape has {snapshot.symbol}")
        if self.n_minutes == len(self._floats):
            self._floats, self._ints = _grown(self._floats), _grown(self._ints)
        self._floats[self.n_minutes], self._ints[self.n_minutes] = _floats_of(snapshot), _ints_of(snapshot)
        self.n_minutes += 1

    def columns(self) -> Columns:
        """Return what was taken. Raises ValueError when that is nothing."""
        if self.n_minutes == 0:
            raise ValueError("a tape needs at least one minute")
        floats, ints = np.asfortranarray(self._floats[: self.n_minutes]), self._ints[: self.n_minutes]
        days = (ints[:, AS_OF_MS] - 1) // DAY_MS
        ints[:, DAY] = days - days[0]
        _fill_ticks(ints, floats, self._instrument.tick)
        has_bar = ~np.isnan(floats[:, CLOSE_PRICE])
        floats[has_bar, RETURN_BPS] = returns_batch(floats[has_bar, CLOSE_PRICE])
        return Columns(ints=ints, floats=floats)


def columns_of(snapshots: Iterable[Snapshot], instrument: Instrument) -> Columns:
    """Return one symbol's snapshots as columns. Raises as `ColumnBuilder` does."""
    builder = ColumnBuilder(instrument)
    for snapshot in snapshots:
        builder.add(snapshot)
    return builder.columns()


def _grown(block: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate((block, np.zeros_like(block)))


def _floats_of(snapshot: Snapshot) -> tuple[float, ...]:
    bar, nan = snapshot.bar, np.nan
    spread = snapshot.spread_bps
    is_measured = spread is not None and spread.source in MEASURED_SPREADS and spread.value >= 0.0
    prices = (
        (nan,) * 5 if bar is None else (bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base)
    )
    readings = (snapshot.premium_bps, snapshot.funding_rate_hourly_frac, snapshot.open_interest_usd, spread)
    return (
        *prices,
        nan if snapshot.imbalance_frac is None else snapshot.imbalance_frac,
        *(nan if reading is None else reading.value for reading in readings),
        nan,
        *(nan if reading is None else reading.value for reading in (snapshot.mark, snapshot.oracle)),
        spread.value / 2.0 if spread is not None and is_measured else nan,
        1.0 if bar is None else liquidation_scale(bar, snapshot.oracle),
    )


def _ints_of(snapshot: Snapshot) -> tuple[int, ...]:
    bar, settled = snapshot.bar, snapshot.funding_settlement
    flags = HAS_BAR * (bar is not None) + IS_FIT * (not snapshot.defects) + SETTLES * (settled is not None)
    open_ms = snapshot.as_of_ms if bar is None else bar.open_ms
    rate_1e9 = 0 if settled is None else settled.rate_quote_per_base_1e9
    return (snapshot.as_of_ms, flags, *(0,) * (OPEN_MS - INNER_HIGH), open_ms, rate_1e9)


@kernel
def _fill_ticks(ints: IntArray, floats: FloatArray, tick: float) -> None:
    for place in range(ints.shape[0]):
        if ints[place, FLAGS] & HAS_BAR == 0:
            continue
        high, low, scale = floats[place, HIGH_PRICE], floats[place, LOW_PRICE], floats[place, LIQUIDATION_SCALE]
        ints[place, INNER_HIGH] = np.floor(high / tick + _HAIR)
        ints[place, INNER_LOW] = np.ceil(low / tick - _HAIR)
        ints[place, HIGH] = steps_nearest(high, tick)
        ints[place, LOW] = steps_nearest(low, tick)
        ints[place, CLOSE] = steps_nearest(floats[place, CLOSE_PRICE], tick)
        ints[place, LONG_WORST] = max(1, steps_worse(low * scale, tick, -1))
        ints[place, SHORT_WORST] = max(1, steps_worse(high * scale, tick, 1))
