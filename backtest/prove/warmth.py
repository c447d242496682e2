"""Warm-up sensitivity: a tape that begins later must come to the same figures and answers once it is warm.

EMA and Wilder's ATR never quite forget, so features are held against each other within a tolerance, and an answer may
differ where a figure's difference reaches over its threshold. Cash, cooldowns and positions rightly differ after a
later start: what depends on them is not compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from backtest.outcome import FloatArray
from backtest.prove.living import Build, Take, live
from backtest.prove.minutes import SnapshotMarket
from backtest.prove.proof import FigureWarmth
from domain.decisions import Signal
from domain.features import N_FEATURES, Feature
from domain.tick import TickRecord

SETTLED_FRAC: Final = 1e-9
TOLERANCE_FRAC: Final = 1e-6
SETTLING_WARMUPS: Final = 24
"""No figure looks back further than the warm-up, so an average of the slowest kind has by then decayed by e^-24."""

COMPARED_WARMUPS: Final = 4
FIGURES: Final = tuple(one for one in Feature if one is not Feature.REGIME)


@dataclass(slots=True)
class LaterStart:
    """One later start beside the whole run, tick by tick, of one symbol.

    places: the ticks at which both are warm; n_seen: bars the later start had seen at each. differences: relative, of
    shape (n_warm, N_FEATURES).
    """

    symbol: str
    start_ms: int
    expected: list[TickRecord] = field(default_factory=list)
    got: list[TickRecord] = field(default_factory=list)
    n_seen: list[int] = field(default_factory=list)
    differences: FloatArray = field(default_factory=lambda: np.empty((0, N_FEATURES)))

    @property
    def settled_place(self) -> int:
        """The first warm tick from which every figure stays within the tolerance."""
        apart = np.flatnonzero((self.differences[:, list(FIGURES)] > TOLERANCE_FRAC).any(axis=1))
        return int(apart[-1]) + 1 if apart.size else 0

    def flips(self) -> list[tuple[int, Signal, Signal]]:
        """Return (place, expected, got) of every strategy's answer that came out otherwise."""
        pairs = enumerate(zip(self.expected, self.got, strict=True))
        return [
            (place, was, now)
            for place, (before, after) in pairs
            if before.signals is not after.signals
            for was, now in zip(before.signals, after.signals, strict=True)
            if (was.failed_mask, was.side) != (now.failed_mask, now.side)
        ]


def begin_later(
    build: Build, market: SnapshotMarket, whole: Sequence[TickRecord], place: int, stop: int, seen: Take
) -> tuple[list[LaterStart], str | None]:
    """Live from minute `place` to `stop` alone, and lay it beside the whole run; return it by symbol, and any halt."""
    records: list[TickRecord] = []

    def take(record: TickRecord) -> bool:
        records.append(record)
        return seen(record)

    halted = live(build, market.since(place, stop), take)
    n_before = sum(len(minute) for minute in market.minutes[:place])
    start_ms = market.minutes[place][0].as_of_ms
    starts: dict[str, LaterStart] = {}
    n_seen: dict[str, int] = {}
    for expected, got in zip(whole[n_before:], records, strict=False):
        symbol = got.snapshot.symbol
        start = starts.setdefault(symbol, LaterStart(symbol=symbol, start_ms=start_ms))
        n_seen[symbol] = n_seen.get(symbol, 0) + (got.snapshot.bar is not None)
        if expected.features is not None and got.features is not None:
            start.expected.append(expected)
            start.got.append(got)
            start.n_seen.append(n_seen[symbol])
    for start in starts.values():
        start.differences = relative_differences(_matrix(start.expected), _matrix(start.got))
    return list(starts.values()), halted


def relative_differences(expected: FloatArray, got: FloatArray) -> FloatArray:
    """Return |expected - got| over the largest of both and the figure's usual size, all of shape (n, N_FEATURES).

    The usual size is the median of the expected figure's size: a figure that crosses zero is not held to zero there.
    Two absent figures do not differ; an absent one is infinitely far from a present one.
    """
    if len(expected) == 0:
        return np.empty((0, N_FEATURES))
    is_absent = np.isnan(expected)
    sizes = np.abs(np.where(is_absent, 0.0, expected))
    usual = np.median(sizes, axis=0)
    scale = np.maximum(np.maximum(sizes, np.abs(np.nan_to_num(got))), usual)
    apart = np.abs(expected - got)
    relative = np.divide(apart, scale, out=np.zeros_like(apart), where=scale > 0.0)
    return np.where(np.isnan(apart), np.where(is_absent & np.isnan(got), 0.0, np.inf), relative)


def figure_warmth(starts: Sequence[LaterStart]) -> tuple[FigureWarmth, ...]:
    """Return how each figure forgets its start, the worst of all starts."""
    return tuple(_one_figure(figure, starts) for figure in FIGURES)


def _one_figure(figure: Feature, starts: Sequence[LaterStart]) -> FigureWarmth:
    worst, late, settled = 0.0, 0.0, [0]
    for start in (one for one in starts if len(one.differences)):
        column = start.differences[:, figure]
        worst = max(worst, float(column.max()))
        late = max(late, float(column[-max(len(column) // 10, 1) :].max()))
        apart = np.flatnonzero(column >= SETTLED_FRAC)
        if apart.size:
            settled.append(start.n_seen[apart[-1]] if apart[-1] + 1 < len(column) else -1)
    return FigureWarmth(
        figure=figure.name.lower(),
        worst_frac=worst,
        last_frac=late,
        settled_bars=None if -1 in settled else max(settled),
    )


def _matrix(records: Sequence[TickRecord]) -> FloatArray:
    vectors = [one.features.vector for one in records if one.features is not None]
    return np.array(vectors, dtype=np.float64).reshape(-1, N_FEATURES)
