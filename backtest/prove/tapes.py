"""A market of recordings: the future is replaced in their rows, and screening, joins and feed are made anew of them.

What joins a figure to a minute before the figure was known is seen only here: a snapshot already carries it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from backtest.outcome import FloatArray, IntArray
from backtest.prove.futures import Future, Mask, kept_rows, other_bars, other_figures
from backtest.prove.markets import Level
from domain.market import MINUTE_MS
from domain.ports import Feed
from market.gather import Gathered
from market.joins import EXCHANGE_INTERVAL_MS
from market.quality import QualityLimits
from market.recording import RecordingKind
from market.screening import Screened, screen

FeedOf = Callable[[Sequence[Gathered]], Feed]

_BARS: Final = ("open", "high", "low", "close", "volume")
_SIGNED: Final = frozenset({"funding_rate", "funding_rate_quote_per_base"})
MOST_RATE_FRAC: Final = 0.9


class TapeMarket:
    """A `Market` at the level of recordings.

    gathered: what the tape is built of. feed_of: builds it. limits: how rows are judged.
    """

    __slots__ = ("_feed_of", "_gathered", "_limits")

    def __init__(self, gathered: Sequence[Gathered], feed_of: FeedOf, limits: QualityLimits) -> None:
        """Keep the recordings; nothing is built yet."""
        self._gathered = tuple(gathered)
        self._feed_of = feed_of
        self._limits = limits

    @property
    def level(self) -> Level:
        """The future is replaced in the recordings."""
        return Level.TAPE

    def whole(self) -> Feed:
        """Return the market as recorded."""
        return self._built(lambda side: side)

    def until(self, cut_ms: int) -> Feed:
        """Return a tape of the rows known at `cut_ms`."""
        return self._built(lambda side: _rows(side, known_at_ms(side) <= cut_ms))

    def otherwise(self, cut_ms: int, future: Future, seed: int) -> Feed:
        """Return a tape of the rows known at `cut_ms` and other rows after them."""
        draw = np.random.default_rng(seed)
        return self._built(lambda side: _otherwise(side, cut_ms, future, draw))

    def veiled(self) -> None:
        """Return None: a tape is joined once, before its first minute."""

    def _built(self, change: Callable[[Screened], Screened]) -> Feed:
        changed = []
        for one in self._gathered:
            bars, sides = change(one.bars), [change(side) for side in one.sides]
            if len(bars.stamps_ms):
                known = tuple(self._judged(side) for side in sides if len(side.stamps_ms))
                changed.append(Gathered(symbol=one.symbol, parts=(), bars=self._judged(bars), sides=known))
        return self._feed_of(changed)

    def _judged(self, side: Screened) -> Screened:
        # How far apart a file's rows lie is a property of the venue, not of its future, so the whole file says it.
        recording = replace(side.recording, stamps=side.stamps_ms, columns=side.columns)
        return replace(screen(recording, self._limits), step_ms=side.step_ms)


def known_at_ms(side: Screened) -> IntArray:
    """Return when each row became known, shape (n_rows,): a bar at its close, a premium minute at its end."""
    kind = side.recording.kind
    if kind in {RecordingKind.BARS, RecordingKind.PREMIUM}:
        return side.stamps_ms + MINUTE_MS
    if kind is RecordingKind.MARK:
        return side.stamps_ms + (EXCHANGE_INTERVAL_MS if side.step_ms is None else side.step_ms)
    return side.stamps_ms


def _rows(side: Screened, is_kept: Mask) -> Screened:
    columns = {name: column[is_kept] for name, column in side.columns.items()}
    return replace(side, stamps_ms=side.stamps_ms[is_kept], columns=columns)


def _otherwise(side: Screened, cut_ms: int, future: Future, draw: np.random.Generator) -> Screened:
    n_known = int(np.searchsorted(known_at_ms(side), cut_ms, side="right"))
    n_later = len(side.stamps_ms) - n_known
    if n_later == 0:
        return side
    others = _other_columns(side, n_known, future, draw)
    columns = {name: np.concatenate((column[:n_known], others[name])) for name, column in side.columns.items()}
    is_kept = np.concatenate((np.ones(n_known, dtype=np.bool_), kept_rows(future, n_later, draw)))
    return _rows(replace(side, columns=columns), is_kept)


def _other_columns(side: Screened, n_known: int, future: Future, draw: np.random.Generator) -> Mapping[str, FloatArray]:
    """Return other figures for the rows after the first `n_known`, by column."""
    others = {
        name: other_figures(future, column[n_known:], _last(column, n_known), draw, is_signed=name in _SIGNED)
        for name, column in side.columns.items()
    }
    if "close" in side.columns:
        bars = _as_bars(side.columns)
        close = bars[max(n_known - 1, 0), 3] if n_known else bars[0, 3]
        other = other_bars(future, bars[n_known:], close if close > 0.0 else 1.0, _last(bars[:, 4], n_known), draw)
        others |= {name: other[:, place] for place, name in enumerate(_BARS) if name in side.columns}
    if "taker_buy_volume" in side.columns:
        share = np.full(len(side.stamps_ms), 0.5)
        taker, volume = side.columns["taker_buy_volume"], side.columns["volume"]
        np.divide(taker, volume, out=share, where=(volume > 0.0) & (taker >= 0.0))
        others["taker_buy_volume"] = np.clip(1.0 - share[n_known:], 0.0, 1.0) * others["volume"]
    most = others["oracle_price_twap"] if "oracle_price_twap" in others else np.ones(len(side.stamps_ms) - n_known)
    for name in _SIGNED & others.keys():
        others[name] = np.clip(others[name], -MOST_RATE_FRAC * most, MOST_RATE_FRAC * most)
    return others


def _as_bars(columns: Mapping[str, FloatArray]) -> FloatArray:
    nobody = np.zeros(len(columns["close"]))
    return np.column_stack([columns.get(name, nobody) for name in _BARS])


def _last(column: FloatArray, n_known: int) -> float:
    return float(column[n_known - 1]) if n_known else float("nan")
