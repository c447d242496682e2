"""Two runs walked side by side, minute by minute: what differed where, counted and indexed, never held."""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from backtest.compare.causes import FEATURE_KNOBS
from backtest.compare.figures import FigureReader
from backtest.compare.headers import differing_settings
from db.pairing import Line, PairedRun, PlainRow
from domain.errors import BadInput
from domain.record import Record

_ID, _AT, _SYMBOL = map(Line._fields.index, ("id", "as_of_ms", "symbol"))
_ANSWER, _FROM_STATE = map(Line._fields.index, ("answer_id", "state"))


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


_DECIDED: Final = frozenset({Kind.MISSING, Kind.OUTCOME, Kind.ORDER})
_INDEXED: Final = (Kind.MISSING, Kind.UNFIT, Kind.BAR, Kind.DATA, Kind.STATE)


class _Seen(msgspec.Struct):
    """The parts of a recorded snapshot that are told apart, as they were written."""

    bar: msgspec.Raw
    defects: msgspec.Raw = msgspec.Raw(b"")


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

    def take(self, symbol: str, as_of_ms: int, kinds: Collection[Kind]) -> None:
        """Count one minute with all in which it differs."""
        for kind in kinds:
            self.counts[kind] += 1
            if kind in _INDEXED:
                self._index[symbol, kind].append(as_of_ms)


def align(a: PairedRun, b: PairedRun, asked: Collection[tuple[str, int]], orders: tuple[Orders, Orders]) -> Alignment:
    """Walk two runs side by side. asked: the (symbol, minute) to keep. orders: (side, reduce_only) sent at a minute.

    Features are compared from the first minute on at which they can differ: they are a function of code, settings and
    what was seen. Raises BadInput when the runs share no minute.
    """
    walk = _Walk(a, b, asked, orders)
    alignment, (said_a, said_b), n_same = walk.alignment, walk.answers, 0
    for x, y in _merged(a.rows(), b.rows()):
        if (
            x is not None
            and y is not None
            and x[_FROM_STATE:] == y[_FROM_STATE:]
            and said_a[x[_ANSWER]] == said_b[y[_ANSWER]]
            and x[_AT] not in walk.busy_ms
            and not (walk.watches_figures and walk.figures_differ(x[_ID], y[_ID]))
        ):
            n_same += 1
        else:
            walk.look_closer(x, y)
    alignment.n_common += n_same
    alignment.n_equal += n_same
    alignment.n_alike += n_same
    if alignment.n_common == 0:
        raise BadInput(f"runs {a.found.run_id} and {b.found.run_id} have no minute in common")
    return alignment


class _Walk:
    """What a walk carries along. busy_ms: minutes that are kept, or at which other orders were sent."""

    def __init__(
        self, a: PairedRun, b: PairedRun, asked: Collection[tuple[str, int]], orders: tuple[Orders, Orders]
    ) -> None:
        self.a, self.b = a, b
        self.alignment = Alignment(a, b)
        self.asked = asked
        self.answers = a.answers(), b.answers()
        self.other_orders = {
            minute for minute in orders[0].keys() | orders[1].keys() if orders[0].get(minute) != orders[1].get(minute)
        }
        self.busy_ms = {at_ms for _, at_ms in (*asked, *self.other_orders)}
        self.figures = FigureReader(a), FigureReader(b)
        self.watches_figures = _can_differ(a, b)

    def look_closer(self, row_a: PlainRow | None, row_b: PlainRow | None) -> None:
        alignment = self.alignment
        x = None if row_a is None else Line(*row_a)
        y = None if row_b is None else Line(*row_b)
        one = x or y
        if one is None:
            return
        if x is None or y is None:
            kinds = _alone(alignment, one.as_of_ms, is_a=x is not None)
            self.watches_figures = True
            is_outside = not kinds
        else:
            alignment.n_common += 1
            kinds = self._kinds(x, y)
            is_outside = False
        alignment.take(one.symbol, one.as_of_ms, kinds)
        is_decided_otherwise = not _DECIDED.isdisjoint(kinds)
        is_first = is_decided_otherwise and alignment.first_difference is None
        is_asked = one.as_of_ms in self.busy_ms and (one.symbol, one.as_of_ms) in self.asked
        if is_first or is_asked:
            meeting = Meeting(symbol=one.symbol, as_of_ms=one.as_of_ms, a=x, b=y, kinds=frozenset(kinds))
            if is_first:
                alignment.first_difference = meeting
            if is_asked:
                alignment.meetings[one.symbol, one.as_of_ms] = meeting
        alignment.n_equal += not kinds and not is_outside
        alignment.n_alike += not is_decided_otherwise and not is_outside

    def figures_differ(self, id_a: int, id_b: int) -> bool:
        return self.figures[0].of(id_a) != self.figures[1].of(id_b)

    def _kinds(self, x: Line, y: Line) -> set[Kind]:
        kinds: set[Kind] = set()
        if x.snapshot != y.snapshot:
            kinds |= _seen_differently(x.snapshot, y.snapshot)
            self.watches_figures = True
        if x.state != y.state:
            kinds.add(Kind.STATE)
        if x.outcome != y.outcome:
            kinds.add(Kind.OUTCOME)
        if x.regime != y.regime or (self.watches_figures and self.figures_differ(x.id, y.id)):
            kinds.add(Kind.FEATURE)
        if self.answers[0][x.answer_id] != self.answers[1][y.answer_id]:
            kinds.add(Kind.ANSWER)
        if (x.symbol, x.as_of_ms) in self.other_orders:
            kinds.add(Kind.ORDER)
        return kinds


def _can_differ(a: PairedRun, b: PairedRun) -> bool:
    """Say whether features can differ from the first minute on: by code, windows, or another beginning."""
    return (
        a.found.header.code_version != b.found.header.code_version
        or a.first.as_of_ms != b.first.as_of_ms
        or any(one.name.startswith(FEATURE_KNOBS) for one in differing_settings(a.found.header, b.found.header))
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


def _seen_differently(a: str, b: str) -> set[Kind]:
    x, y = _seen(a), _seen(b)
    kinds = set()
    if bool(bytes(x.defects)) != bool(bytes(y.defects)):
        kinds.add(Kind.UNFIT)
    kinds.add(Kind.BAR if bytes(x.bar) != bytes(y.bar) else Kind.DATA)
    return kinds


def _merged(ours: Iterator[PlainRow], theirs: Iterator[PlainRow]) -> Iterator[tuple[PlainRow | None, PlainRow | None]]:
    """Yield every minute of every symbol once, in time, with the row of each run or None."""
    x, y = next(ours, None), next(theirs, None)
    while x is not None and y is not None:
        if x[_AT] == y[_AT] and x[_SYMBOL] == y[_SYMBOL]:
            yield x, y
            x, y = next(ours, None), next(theirs, None)
        elif x[_AT] < y[_AT]:
            yield x, None
            x = next(ours, None)
        elif y[_AT] < x[_AT]:
            yield None, y
            y = next(theirs, None)
        else:
            mine, x = _rest_of_minute(x, ours)
            other, y = _rest_of_minute(y, theirs)
            yield from ((row, other.pop(symbol, None)) for symbol, row in mine.items())
            yield from ((None, row) for row in other.values())
    while x is not None:
        yield x, None
        x = next(ours, None)
    while y is not None:
        yield None, y
        y = next(theirs, None)


def _rest_of_minute(row: PlainRow, rows: Iterator[PlainRow]) -> tuple[dict[str, PlainRow], PlainRow | None]:
    """Return the rows of a minute from this one on, by symbol, and the first of the next minute."""
    at_ms, found = row[_AT], {row[_SYMBOL]: row}
    while (following := next(rows, None)) is not None and following[_AT] == at_ms:
        found[following[_SYMBOL]] = following
    return found, following
