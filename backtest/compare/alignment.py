"""Two runs walked side by side, minute by minute: what differed where, counted and indexed, never held."""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Final

import msgspec

from backtest.compare.figures import FigureReader
from db.pairing import Line, PairedRun
from domain.errors import BadInput
from domain.record import Record

_FROM_STATE: Final = Line._fields.index("state")


class Kind(StrEnum):
    """In what the two ticks of one minute can differ. Several may hold at once.

    MISSING: only one run has a row. UNFIT: only one run could trust the minute. BAR: the bar itself, or its absence.
    DATA: anything else that was seen. FEATURE, ANSWER: the figures; what the strategies said to them. STATE: of the
    desk. OUTCOME: how the tick ended. ORDER: what was sent.
    """

    MISSING = "missing"
    UNFIT = "unfit"
    BAR = "bar"
    DATA = "data"
    FEATURE = "feature"
    ANSWER = "answer"
    STATE = "state"
    OUTCOME = "outcome"
    ORDER = "order"


class Meeting(Record, frozen=True, kw_only=True):
    """One minute of one symbol as both runs have it. a, b: None where a run has no row."""

    symbol: str
    as_of_ms: int
    a: Line | None
    b: Line | None
    kinds: frozenset[Kind]

    @property
    def is_alike(self) -> bool:
        """Say whether both runs decided the same."""
        return not self.kinds & _DECIDED


_DECIDED: Final = frozenset({Kind.MISSING, Kind.OUTCOME, Kind.ORDER})
_INDEXED: Final = (Kind.MISSING, Kind.UNFIT, Kind.BAR, Kind.DATA, Kind.STATE)


class _Seen(msgspec.Struct):
    """The parts of a recorded snapshot that are told apart, as they were written."""

    bar: msgspec.Raw
    defects: msgspec.Raw = msgspec.Raw(b"")
    n_missing_bars: msgspec.Raw = msgspec.Raw(b"")


_seen = msgspec.json.Decoder(_Seen).decode
Orders = Mapping[tuple[str, int], frozenset[tuple[int, int]]]


class Alignment:
    """What two runs have in common: counts by kind, the first different decision, and the minutes asked for.

    overlap_ms: the first and last minute that lies within both runs.
    """

    def __init__(self, a: PairedRun, b: PairedRun) -> None:
        """Find the span both runs cover. Raises BadInput when there is none."""
        self.overlap_ms: Final = (max(a.first.as_of_ms, b.first.as_of_ms), min(a.last.as_of_ms, b.last.as_of_ms))
        if self.overlap_ms[0] > self.overlap_ms[1]:
            raise BadInput(
                f"runs {a.found.run_id} and {b.found.run_id} have no minute in common: "
                "one was over before the other began"
            )
        self.counts: Final[Counter[Kind]] = Counter()
        self.n_common = self.n_only_a = self.n_only_b = self.n_alike = self.n_equal = self.n_outside = 0
        self.first_difference: Meeting | None = None
        self.meetings: Final[dict[tuple[str, int], Meeting]] = {}
        self._index: Final[dict[tuple[str, Kind], array[int]]] = {
            (symbol, kind): array("q") for symbol in a.found.header.symbols for kind in _INDEXED
        }

    def has(self, kind: Kind, symbol: str, at_ms: int) -> bool:
        """Say whether the minute differs in this (missing, unfit, bar, data, state)."""
        return self.first(kind, symbol, at_ms, at_ms) is not None

    def first(self, kind: Kind, symbol: str, from_ms: int, to_ms: int) -> int | None:
        """Return the first minute of [from_ms, to_ms] that differs in this, or None."""
        minutes = self._index[symbol, kind]
        place = bisect_left(minutes, from_ms)
        return minutes[place] if place < len(minutes) and minutes[place] <= to_ms else None

    def last(self, kind: Kind, symbol: str, to_ms: int) -> int | None:
        """Return the last minute up to to_ms that differs in this, or None."""
        minutes = self._index[symbol, kind]
        place = bisect_right(minutes, to_ms)
        return minutes[place - 1] if place else None

    def take(self, meeting: Meeting) -> None:
        """Count one minute in which something differs."""
        for kind in meeting.kinds:
            self.counts[kind] += 1
            if kind in _INDEXED:
                self._index[meeting.symbol, kind].append(meeting.as_of_ms)
        if meeting.is_alike:
            self.n_alike += 1
        elif self.first_difference is None:
            self.first_difference = meeting

    @property
    def n_minutes(self) -> int:
        """Minutes of a symbol within the overlap that at least one run has."""
        return self.n_common + self.n_only_a + self.n_only_b


def align(a: PairedRun, b: PairedRun, asked: Collection[tuple[str, int]], orders: tuple[Orders, Orders]) -> Alignment:
    """Walk two runs side by side. asked: the (symbol, minute) to keep. orders: (side, reduce_only) sent at a minute.

    Features are compared from the first minute on at which they can differ: they are a function of code, settings and
    what was seen. Raises BadInput when the runs share no minute.
    """
    alignment = Alignment(a, b)
    answers = a.answers(), b.answers()
    figures = FigureReader(a), FigureReader(b)
    watches_figures = _can_differ(a, b)
    for symbol, as_of_ms, x, y in _merged(a, b):
        if x is None or y is None:
            kinds = _alone(alignment, as_of_ms, is_a=x is not None)
            watches_figures = True
        else:
            alignment.n_common += 1
            kinds = _kinds(x, y, answers, orders)
            watches_figures = watches_figures or Kind.DATA in kinds or Kind.BAR in kinds
            if watches_figures and figures[0].of(x.id) != figures[1].of(y.id):
                kinds.add(Kind.FEATURE)
        if kinds:
            meeting = Meeting(symbol=symbol, as_of_ms=as_of_ms, a=x, b=y, kinds=frozenset(kinds))
            alignment.take(meeting)
        elif x is not None and y is not None:
            alignment.n_alike += 1
            alignment.n_equal += 1
        if (symbol, as_of_ms) in asked:
            alignment.meetings[symbol, as_of_ms] = Meeting(
                symbol=symbol, as_of_ms=as_of_ms, a=x, b=y, kinds=frozenset(kinds)
            )
    if alignment.n_common == 0:
        raise BadInput(f"runs {a.found.run_id} and {b.found.run_id} have no minute in common")
    return alignment


def _can_differ(a: PairedRun, b: PairedRun) -> bool:
    """Say whether features can differ from the first minute on: by code, windows, or another beginning."""
    from backtest.compare.headers import differing_settings

    shaping = ("FEATURE_", "REGIME_")
    return (
        a.found.header.code_version != b.found.header.code_version
        or a.first.as_of_ms != b.first.as_of_ms
        or any(one.name.startswith(shaping) for one in differing_settings(a.found.header, b.found.header))
    )


def _alone(alignment: Alignment, as_of_ms: int, *, is_a: bool) -> set[Kind]:
    first_ms, last_ms = alignment.overlap_ms
    if not first_ms <= as_of_ms <= last_ms:
        alignment.n_outside += 1
        return set()
    if is_a:
        alignment.n_only_a += 1
    else:
        alignment.n_only_b += 1
    return {Kind.MISSING}


def _kinds(
    x: Line, y: Line, answers: tuple[dict[int | None, str], dict[int | None, str]], orders: tuple[Orders, Orders]
) -> set[Kind]:
    kinds: set[Kind] = set()
    if x[_FROM_STATE:] != y[_FROM_STATE:]:
        if x.snapshot != y.snapshot:
            kinds |= _seen_differently(x.snapshot, y.snapshot)
        if x.state != y.state:
            kinds.add(Kind.STATE)
        if x.outcome != y.outcome:
            kinds.add(Kind.OUTCOME)
        if x.regime != y.regime:
            kinds.add(Kind.FEATURE)
    if answers[0][x.answer_id] != answers[1][y.answer_id]:
        kinds.add(Kind.ANSWER)
    minute = x.symbol, x.as_of_ms
    if orders[0].get(minute) != orders[1].get(minute):
        kinds.add(Kind.ORDER)
    return kinds


def _seen_differently(a: str, b: str) -> set[Kind]:
    x, y = _seen(a), _seen(b)
    kinds = set()
    if bool(bytes(x.defects)) != bool(bytes(y.defects)):
        kinds.add(Kind.UNFIT)
    kinds.add(Kind.BAR if bytes(x.bar) != bytes(y.bar) else Kind.DATA)
    return kinds


def _merged(a: PairedRun, b: PairedRun) -> Iterator[tuple[str, int, Line | None, Line | None]]:
    """Yield every minute of every symbol once, in time, with the row of each run or None."""
    ours, theirs = a.minutes(), b.minutes()
    x, y = next(ours, None), next(theirs, None)
    while x is not None and y is not None:
        if x[0] == y[0]:
            yield from _met(x[0], x[1], y[1])
            x, y = next(ours, None), next(theirs, None)
        elif x[0] < y[0]:
            yield from _met(x[0], x[1], [])
            x = next(ours, None)
        else:
            yield from _met(y[0], [], y[1])
            y = next(theirs, None)
    for at_ms, lines in chain([] if x is None else [x], ours):
        yield from _met(at_ms, lines, [])
    for at_ms, lines in chain([] if y is None else [y], theirs):
        yield from _met(at_ms, [], lines)


def _met(as_of_ms: int, ours: list[Line], theirs: list[Line]) -> Iterator[tuple[str, int, Line | None, Line | None]]:
    if len(ours) == 1 and len(theirs) == 1 and ours[0].symbol == theirs[0].symbol:
        yield ours[0].symbol, as_of_ms, ours[0], theirs[0]
        return
    by_symbol = {line.symbol: line for line in theirs}
    for line in ours:
        yield line.symbol, as_of_ms, line, by_symbol.pop(line.symbol, None)
    for line in by_symbol.values():
        yield line.symbol, as_of_ms, None, line
