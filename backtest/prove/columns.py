"""One symbol's snapshots as columns, and snapshots again from columns that were changed."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from backtest.outcome import FloatArray
from backtest.prove.futures import CLOSE, VOLUME, Future, other_bars, other_figures
from domain.market import MINUTE_MS, Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot
from domain.record import Record

SIGNED: Final = frozenset({"premium_bps", "funding_rate_hourly_frac", "imbalance_frac", "settled_1e9"})
READINGS: Final = ("spread_bps", "mark", "oracle", "premium_bps", "funding_rate_hourly_frac", "open_interest_usd")
MOST_RATE_FRAC: Final = 0.9
MOST_FIGURE: Final = 1e15
_BOUNDS: Final = {"funding_rate_hourly_frac": MOST_RATE_FRAC, "imbalance_frac": 1.0}


class SymbolColumns(Record, frozen=True, kw_only=True, eq=False):
    """Consecutive snapshots of one symbol.

    bars: shape (n, 5), open, high, low, close, volume, NaN where there was none. taker_frac: bought by takers, of the
    volume. figures: by name, NaN where absent. All of shape (n,).
    """

    snapshots: tuple[Snapshot, ...]
    bars: FloatArray
    taker_frac: FloatArray
    figures: dict[str, FloatArray]

    def otherwise(
        self, n_known: int, future: Future, draw: np.random.Generator, rows: slice | None = None
    ) -> "SymbolColumns":
        """Return the snapshots after the first `n_known` with another future in them, as seen from the last known.

        rows: which of them, all when None.
        """
        here = slice(n_known, None) if rows is None else rows
        close, volume = self._last_bar(n_known)
        figures = {
            name: _bounded(
                name, other_figures(future, column[here], _last(column, n_known), draw, is_signed=name in SIGNED)
            )
            for name, column in self.figures.items()
        }
        taker_frac = self.taker_frac[here]
        return SymbolColumns(
            snapshots=self.snapshots[here],
            bars=other_bars(future, self.bars[here], close, volume, draw),
            taker_frac=taker_frac if future is Future.THINNED else 1.0 - taker_frac,
            figures=figures,
        )

    def snapshot(self, place: int, n_more_missing: int = 0) -> Snapshot:
        """Build the snapshot these columns say. n_more_missing: minutes before it that never came."""
        was, close_ms = self.snapshots[place], self.snapshots[place].as_of_ms
        opened, high, low, close, volume = self.bars[place].tolist()
        taker = float(self.taker_frac[place])
        figure = {name: float(column[place]) for name, column in self.figures.items()}
        spread, rate = figure["spread_bps"], figure["settled_1e9"]
        half = 0.0 if math.isnan(spread) else min(spread, 1e4) * 0.5e-4
        has_book = was.bid_price is not None and was.ask_price is not None
        return replace(
            was,
            bar=Bar(
                open_ms=was.bar.open_ms if was.bar is not None else close_ms - MINUTE_MS,
                close_ms=was.bar.close_ms if was.bar is not None else close_ms,
                open_price=opened,
                high_price=high,
                low_price=low,
                close_price=close,
                volume_base=volume,
                taker_buy_base=None if math.isnan(taker) else taker * volume,
            ),
            defects=(),
            n_missing_bars=was.n_missing_bars + n_more_missing,
            bid_price=close * (1.0 - half) if has_book else None,
            ask_price=close * (1.0 + half) if has_book else None,
            imbalance_frac=_or_none(figure["imbalance_frac"]),
            imbalance_source=was.imbalance_source if was.imbalance_frac is not None else ImbalanceSource.NONE,
            funding_settlement=None if math.isnan(rate) else _settled(was, rate),
            **{name: _reading(getattr(was, name), name, figure[name], close_ms) for name in READINGS},
        )

    def _last_bar(self, n_known: int) -> tuple[float, float]:
        """Return close and volume of the last bar known; before any, of the first there is."""
        with_bar = np.flatnonzero(~np.isnan(self.bars[:, CLOSE]))
        if with_bar.size == 0:
            return 1.0, 0.0
        row = with_bar[max(int(np.searchsorted(with_bar, n_known)) - 1, 0)]
        return float(self.bars[row, CLOSE]), float(self.bars[row, VOLUME])


def columns_of(snapshots: Sequence[Snapshot]) -> SymbolColumns:
    """Lay one symbol's snapshots out as columns."""
    readings = {name: [_value(getattr(one, name)) for one in snapshots] for name in READINGS}
    settled = [
        math.nan if one.funding_settlement is None else one.funding_settlement.rate_quote_per_base_1e9
        for one in snapshots
    ]
    lean = [math.nan if one.imbalance_frac is None else one.imbalance_frac for one in snapshots]
    figures = {**readings, "imbalance_frac": lean, "settled_1e9": settled}
    return SymbolColumns(
        snapshots=tuple(snapshots),
        bars=np.array([_row(one.bar) for one in snapshots], dtype=np.float64).reshape(-1, 5),
        taker_frac=np.array([_taker(one.bar) for one in snapshots], dtype=np.float64),
        figures={name: np.array(column, dtype=np.float64) for name, column in figures.items()},
    )


def _row(bar: Bar | None) -> tuple[float, ...]:
    if bar is None:
        return (math.nan,) * 5
    return bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base


def _taker(bar: Bar | None) -> float:
    if bar is None or bar.taker_buy_base is None or bar.volume_base == 0.0:
        return math.nan
    return bar.taker_buy_base / bar.volume_base


def _value(reading: Reading | None) -> float:
    return math.nan if reading is None else reading.value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _reading(was: Reading | None, name: str, value: float, as_of_ms: int) -> Reading | None:
    if math.isnan(value):
        return None
    return Reading(value=value, source=name, as_of_ms=as_of_ms) if was is None else replace(was, value=value)


def _settled(was: Snapshot, rate: float) -> FundingSettlement:
    before = was.funding_settlement
    settled_ms, source = (was.as_of_ms, "other") if before is None else (before.settled_ms, before.source)
    return FundingSettlement(rate_quote_per_base_1e9=round(rate), settled_ms=settled_ms, source=source)


def _bounded(name: str, values: FloatArray) -> FloatArray:
    most = _BOUNDS.get(name, MOST_FIGURE)
    return np.clip(values, -most, most)


def _last(column: FloatArray, place: int) -> float:
    return float(column[place - 1]) if place > 0 else math.nan
