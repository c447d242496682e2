"""What later starts of a tape prove: which decisions hang on where it begins, and how warm the warm-up is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from agents.master import MasterAgent
from backtest.prove.culprits import culprit
from backtest.prove.differences import first_difference
from backtest.prove.living import Build, Take
from backtest.prove.markets import Level
from backtest.prove.minutes import SnapshotMarket
from backtest.prove.proof import Check, Difference, Finding, Warmth
from backtest.prove.warmth import (
    COMPARED_WARMUPS,
    FIGURES,
    SETTLING_WARMUPS,
    TOLERANCE_FRAC,
    LaterStart,
    begin_later,
    figure_warmth,
)
from domain.decisions import Signal
from domain.features import Feature
from domain.tick import TickRecord
from strategy.rules import evaluate

MOST_REGIMES_FRAC: Final = 0.001
FEW_REGIMES: Final = 2
LEAST_WARM_MINUTES: Final = 2


class LaterStarts(NamedTuple):
    """What was found. warmth: None where the tape never warms up twice; why_not then says so."""

    findings: tuple[Finding, ...]
    warmth: Warmth | None
    why_not: str
    n_bars: int


def prove_later_starts(
    build: Build,
    market: SnapshotMarket,
    whole: Sequence[TickRecord],
    n_starts: int,
    draw: np.random.Generator,
    seen: Take,
) -> LaterStarts:
    """Begin the tape anew at random later minutes; hold features and answers against the whole run's."""
    warmup_bars, n_minutes = _warmup_bars(whole), len(market.minutes)
    if warmup_bars is None or n_minutes < 2 * (warmup_bars + LEAST_WARM_MINUTES):
        why_not = f"{n_minutes:,} minutes are too few to warm up a second time: the warm-up was not put to the test"
        return LaterStarts((), None, why_not, 0)
    full_span = warmup_bars * (1 + SETTLING_WARMUPS + COMPARED_WARMUPS)
    span = min(full_span, n_minutes // 2)
    # The whole run is the measure, so it should have settled itself: a later start comes late.
    earliest, latest = (n_minutes - span + 1) // 2, n_minutes - span
    places = draw.choice(np.arange(earliest, latest + 1), min(n_starts, latest - earliest + 1), replace=False)
    starts: list[LaterStart] = []
    findings: list[Finding] = []
    for place in sorted(places.tolist()):
        begun, halted = begin_later(build, market, whole, place, place + span, seen)
        starts += begun
        if halted is not None:
            findings.append(_halted(market, place, halted))
    judge = _Judge(build(market.whole()), warmup_bars, is_whole=span == full_span)
    findings += [finding for start in starts for finding in judge.findings(start)]
    return LaterStarts(tuple(findings), judge.warmth(starts, span), "", sum(len(one.got) for one in starts))


class _Judge:
    """Tells what must not differ from what may, with a fresh copy of the desk to ask."""

    def __init__(self, fresh: MasterAgent, warmup_bars: int, *, is_whole: bool) -> None:
        self._fresh = fresh
        self._warmup_bars = warmup_bars
        self._is_whole = is_whole
        self.n_answers = self.n_changed = self.n_near = self.n_regimes = 0

    def findings(self, start: LaterStart) -> list[Finding]:
        """Return the first unsettled figure, the first stray regime and the first answer no figure explains."""
        found = [self._figure(start), self._regime(start), self._answer(start)]
        return [finding for finding in found if finding is not None]

    def warmth(self, starts: Sequence[LaterStart], span_bars: int) -> Warmth:
        return Warmth(
            warmup_bars=self._warmup_bars,
            span_bars=span_bars,
            starts_ms=tuple(sorted({start.start_ms for start in starts})),
            n_bars=sum(len(start.got) for start in starts),
            n_answers=self.n_answers,
            n_changed=self.n_changed,
            n_near=self.n_near,
            n_regimes_changed=self.n_regimes,
            is_whole=self._is_whole,
            figures=figure_warmth(starts),
        )

    def _figure(self, start: LaterStart) -> Finding | None:
        """Only a tape long enough for everything to settle can show that something does not."""
        if not self._is_whole:
            return None
        due = np.array(start.n_seen) > self._warmup_bars * (1 + SETTLING_WARMUPS)
        apart = np.argwhere((start.differences[:, list(FIGURES)] > TOLERANCE_FRAC) & due[:, None])
        if len(apart) == 0:
            return None
        place, figure = int(apart[0][0]), FIGURES[int(apart[0][1])]
        return self._finding(start, place, _figures_differ(start, place, figure))

    def _regime(self, start: LaterStart) -> Finding | None:
        """Let a regime, which is read off figures, change with them at a border, but not often."""
        is_other = start.differences[:, Feature.REGIME] > 0.0
        self.n_regimes += int(is_other.sum())
        stray = np.flatnonzero(is_other & _is_close(start))
        if len(stray) <= FEW_REGIMES + MOST_REGIMES_FRAC * len(start.got):
            return None
        place = int(stray[0])
        return self._finding(start, place, _figures_differ(start, place, Feature.REGIME))

    def _answer(self, start: LaterStart) -> Finding | None:
        """Let an answer change only because a figure did: a fresh copy, shown both vectors, must change it too."""
        is_close = _is_close(start)
        self.n_answers += sum(len(one.signals) for one in start.expected)
        found: Finding | None = None
        for place, was, now in start.flips():
            if not is_close[place]:
                self.n_changed += 1
            elif self._is_explained(start, place, was, now):
                self.n_near += 1
            elif found is None:
                found = self._stray_answer(start, place)
        return found

    def _is_explained(self, start: LaterStart, place: int, was: Signal, now: Signal) -> bool:
        strategy = self._fresh.strategies.by_name.get(was.strategy)
        before, after = start.expected[place].features, start.got[place].features
        if strategy is None or before is None or after is None:
            return False
        alone = [evaluate(strategy, before), evaluate(strategy, after)]
        return [(one.failed_mask, one.side) for one in alone] == [(one.failed_mask, one.side) for one in (was, now)]

    def _stray_answer(self, start: LaterStart, place: int) -> Finding | None:
        difference = first_difference(start.expected[place], start.got[place], ("signals",))
        return None if difference is None else self._finding(start, place, difference)

    def _finding(self, start: LaterStart, place: int, difference: Difference) -> Finding:
        expected, got = start.expected[place], start.got[place]
        blamed = culprit(difference, expected, got, self._fresh)
        return Finding(
            check=Check.WARM_UP,
            level=Level.SNAPSHOTS,
            symbol=start.symbol,
            as_of_ms=expected.snapshot.as_of_ms,
            tick_no=expected.tick_no,
            difference=difference,
            culprit=f"{blamed}; it hangs on where the tape begins",
            cut_ms=start.start_ms,
        )


def _is_close(start: LaterStart) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say of each warm tick whether every figure is within the tolerance there."""
    return np.asarray((start.differences[:, list(FIGURES)] <= TOLERANCE_FRAC).all(axis=1))


def _figures_differ(start: LaterStart, place: int, figure: Feature) -> Difference:
    before, after = start.expected[place].features, start.got[place].features
    told = [repr(None if one is None else float(one.vector[figure])) for one in (before, after)]
    return Difference(part="features", figure=figure.name.lower(), expected=told[0], got=told[1])


def _halted(market: SnapshotMarket, place: int, halted: str) -> Finding:
    first = market.minutes[place][0]
    return Finding(
        check=Check.WARM_UP,
        level=Level.SNAPSHOTS,
        symbol=first.symbol,
        as_of_ms=first.as_of_ms,
        tick_no=0,
        difference=Difference(part="run", figure="run", expected="runs through", got=f"halted: {halted}"),
        culprit="whoever raised that",
        cut_ms=first.as_of_ms,
    )


def _warmup_bars(whole: Sequence[TickRecord]) -> int | None:
    """Return how many bars of a symbol it took until its first features, the most of all symbols; None where never."""
    n_seen: dict[str, int] = {}
    warm: dict[str, int] = {}
    for record in whole:
        symbol = record.snapshot.symbol
        if symbol not in warm:
            n_seen[symbol] = n_seen.get(symbol, 0) + (record.snapshot.bar is not None)
            if record.features is not None:
                warm[symbol] = n_seen[symbol]
    return max(warm.values()) if warm else None
