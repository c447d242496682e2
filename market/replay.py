"""The recorded market as a feed: tapes of one or several symbols, minute by minute in time order."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Generic, TypeVar

import numpy as np

from domain.errors import BadInput
from domain.market import MINUTE_MS, Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot
from market.gather import Gathered, cut, gather, span_text
from market.joins import ReadingColumn
from market.quality import QualityLimits
from market.recording import Ints, Severity, utc_text
from market.tape import BAR_COLUMNS, Tape, assemble_tape

DEFAULT_SPREAD_BPS: Final = 2.0

_CHUNK_SNAPSHOTS: Final = 1024
_MIN_CHUNK_MINUTES: Final = 32

_T = TypeVar("_T")

_NO_DEFECTS: Final[tuple[str, ...]] = ()


def load_replay(
    paths: Sequence[str],
    symbols: Sequence[str],
    limits: QualityLimits,
    assumed_spread_bps: float = DEFAULT_SPREAD_BPS,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit_minutes: int | None = None,
) -> "ReplayFeed":
    """Build a feed from files.

    Parameters
    ----------
    paths
        Files, each as `path` or `SYMBOL=path`; several of one kind are laid end to end.
    symbols
        Desk symbols to replay, such as SOL-PERP; every one needs 1-minute bars.
    assumed_spread_bps
        Spread shown on every snapshot, source "assumed": these recordings have no book.
    start_ms, end_ms
        Bars that open in [start_ms, end_ms); limit_minutes: at most so many minutes of them.

    Raises
    ------
    BadInput
        When a file, a symbol or the period asked for cannot be served; one sentence with what is allowed.
    """
    gathered = gather(paths, symbols, limits)
    return replay_of(
        gathered, limits, assumed_spread_bps, start_ms=start_ms, end_ms=end_ms, limit_minutes=limit_minutes
    )


def replay_of(
    gathered: Sequence[Gathered],
    limits: QualityLimits,
    assumed_spread_bps: float = DEFAULT_SPREAD_BPS,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit_minutes: int | None = None,
) -> "ReplayFeed":
    """Build a feed from recordings in memory; parameters and errors as those of `load_replay`."""
    if not 0.0 < assumed_spread_bps <= limits.max_spread_bps:
        raise BadInput(f"assumed spread {assumed_spread_bps} bps is outside (0, {limits.max_spread_bps:g}]")
    if limit_minutes is not None and limit_minutes < 1:
        raise BadInput(f"{limit_minutes} minutes cannot be replayed; at least 1 is allowed")
    end_ms = _end_after(gathered, start_ms, end_ms, limit_minutes)
    tapes, facts = [], []
    for one in gathered:
        bars = cut(one.bars, start_ms, end_ms)
        if len(bars.stamps_ms) == 0:
            raise BadInput(f"{one.symbol} has no bars in the period asked for; it has {span_text(one.bars)}")
        tapes.append(assemble_tape(one.symbol, bars, one.sides, limits, assumed_spread_bps))
        facts += _facts(one)
    return ReplayFeed(tapes, facts)


class ReplayFeed:
    """A `domain.ports.Feed` over recorded minutes.

    A minute is delivered once, with one snapshot for each symbol that has a row there, sorted by symbol. A symbol
    without a row is absent from the batch and says so on its next snapshot (`n_missing_bars`), so what one symbol
    sees never depends on which others are replayed beside it.
    """

    __slots__ = ("_at_chunk", "_chunks", "_facts", "_players", "_ready", "data_identity", "n_minutes", "symbols")

    def __init__(self, tapes: Sequence[Tape], facts: Sequence[str] = ()) -> None:
        """Take assembled tapes, one a symbol. facts: what `describe` tells about their files."""
        ordered = sorted(tapes, key=lambda tape: tape.symbol)
        minutes = _union([tape.open_ms for tape in ordered])
        size = max(_MIN_CHUNK_MINUTES, _CHUNK_SNAPSHOTS // len(ordered))
        self._players = tuple(_Player(tape) for tape in ordered)
        self._chunks = tuple(minutes[first : first + size] for first in range(0, len(minutes), size))
        self._at_chunk = 0
        self._ready: Iterator[Sequence[Snapshot]] = iter(())
        self._facts = tuple(facts)
        self.symbols = tuple(tape.symbol for tape in ordered)
        self.n_minutes = len(minutes)
        self.data_identity = hashlib.sha256("|".join(tape.identity for tape in ordered).encode()).hexdigest()

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return the next minute's snapshots, all with one `as_of_ms`, sorted by symbol; None at the end."""
        batch = next(self._ready, None)
        if batch is None and self._at_chunk < len(self._chunks):
            minutes = self._chunks[self._at_chunk]
            self._at_chunk += 1
            self._ready = iter(self._batches(minutes))
            batch = next(self._ready)
        return batch

    def describe(self) -> list[str]:
        """Return what is replayed, as sentences: minutes, files, spans, rows and what was found in them."""
        first, last = int(self._chunks[0][0]), int(self._chunks[-1][-1]) + MINUTE_MS
        total = (
            f"replay of {', '.join(self.symbols)}: {self.n_minutes:,} minutes, "
            f"{utc_text(first)} to {utc_text(last)} UTC, recorded market data"
        )
        return [total, *self._facts]

    def _batches(self, minutes: Ints) -> Sequence[Sequence[Snapshot]]:
        first, last = int(minutes[0]), int(minutes[-1])
        runs = [player.between(first, last) for player in self._players]
        if all(len(run) == len(minutes) for run in runs):
            return list(zip(*runs, strict=True))
        by_minute: dict[int, list[Snapshot]] = {}
        for run in runs:
            for snapshot in run:
                by_minute.setdefault(snapshot.as_of_ms, []).append(snapshot)
        return [tuple(by_minute[close_ms]) for close_ms in sorted(by_minute)]


class _Player:
    """Turns stretches of one tape into snapshots, keeping the readings it has already made."""

    __slots__ = ("_columns", "_defects", "_missing", "_settlements", "_spread", "_tape")

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._spread = Reading(value=tape.assumed_spread_bps, source="assumed", as_of_ms=int(tape.open_ms[0]))
        figures = (tape.mark, tape.oracle, tape.premium, tape.funding, tape.open_interest)
        self._columns = tuple(_Readings(column) for column in figures)
        self._defects = _Sparse(tape.defects, _NO_DEFECTS)
        self._missing = _Sparse(tape.n_missing, 0)
        self._settlements: _Sparse[FundingSettlement | None] = _Sparse(tape.settlements, None)

    def between(self, first_ms: int, last_ms: int) -> list[Snapshot]:
        """Return the snapshots of bars that open in [first_ms, last_ms]. Stretches are asked for in time order."""
        tape, spread = self._tape, self._spread
        start = int(np.searchsorted(tape.open_ms, first_ms, side="left"))
        stop = int(np.searchsorted(tape.open_ms, last_ms, side="right"))
        imbalances, sources = self._imbalances(start, stop)
        defects = self._defects.between(start, stop)
        missing = self._missing.between(start, stop)
        settlements = self._settlements.between(start, stop)
        bars = self._bars(start, stop)
        closes_ms = (tape.open_ms[start:stop] + MINUTE_MS).tolist()
        beside = [column.between(start, stop) for column in self._columns]
        rows = zip(closes_ms, bars, missing, defects, imbalances, sources, settlements, *beside, strict=True)
        return [
            Snapshot(
                symbol=tape.symbol,
                as_of_ms=close_ms,
                bar=bar,
                n_missing_bars=n_missing,
                defects=why,
                spread_bps=spread,
                imbalance_frac=share,
                imbalance_source=source,
                mark=mark,
                oracle=oracle,
                premium_bps=premium,
                funding_rate_hourly_frac=funding,
                open_interest_usd=open_usd,
                funding_settlement=settled,
            )
            for close_ms, bar, n_missing, why, share, source, settled, mark, oracle, premium, funding, open_usd in rows
        ]

    def _bars(self, start: int, stop: int) -> list[Bar | None]:
        tape = self._tape
        opens_ms = tape.open_ms[start:stop].tolist()
        open_, high, low, close, volume = (tape.bars[name][start:stop].tolist() for name in BAR_COLUMNS)
        taker = self._takers(start, stop)
        rows = zip(range(start, stop), opens_ms, open_, high, low, close, volume, taker, strict=True)
        unsound = tape.unsound
        return [
            None
            if unsound and place in unsound
            else Bar(
                open_ms=open_ms,
                close_ms=open_ms + MINUTE_MS,
                open_price=first,
                high_price=top,
                low_price=bottom,
                close_price=last,
                volume_base=traded,
                taker_buy_base=bought,
            )
            for place, open_ms, first, top, bottom, last, traded, bought in rows
        ]

    def _takers(self, start: int, stop: int) -> list[float | None]:
        taker = self._tape.bars.get("taker_buy_volume")
        if taker is None:
            return [None] * (stop - start)
        return [None if bought != bought else bought for bought in taker[start:stop].tolist()]

    def _imbalances(self, start: int, stop: int) -> tuple[list[float | None], list[ImbalanceSource]]:
        column = self._tape.imbalance_frac
        if column is None:
            return [None] * (stop - start), [ImbalanceSource.NONE] * (stop - start)
        shares = column[start:stop].tolist()
        none, flow = ImbalanceSource.NONE, ImbalanceSource.TAKER_FLOW
        return [None if share != share else share for share in shares], [
            none if share != share else flow for share in shares
        ]


class _Readings:
    """One joined figure as `Reading` objects, the same object as long as the same figure is shown."""

    __slots__ = ("_column", "_last", "_last_place")

    def __init__(self, column: ReadingColumn | None) -> None:
        self._column = column
        self._last_place = -1
        self._last: Reading | None = None

    def between(self, start: int, stop: int) -> list[Reading | None]:
        """Return what minutes [start, stop) show."""
        column = self._column
        if column is None:
            return [None] * (stop - start)
        places = column.places[start:stop]
        turns = np.concatenate(([0], np.flatnonzero(places[1:] != places[:-1]) + 1))
        heads = places[turns]
        lengths = np.diff(turns, append=stop - start).tolist()
        figures = (column.values[heads], column.source_nos[heads], column.known_ms[heads])
        shown: list[Reading | None] = []
        for place, length, value, source_no, known_ms in zip(
            heads.tolist(), lengths, *(figure.tolist() for figure in figures), strict=True
        ):
            if place != self._last_place:
                self._last_place = place
                self._last = (
                    None if place < 0 else Reading(value=value, source=column.sources[source_no], as_of_ms=known_ms)
                )
            shown += (self._last,) * length
        return shown


class _Sparse(Generic[_T]):
    """What only a few minutes have, laid out minute by minute when asked for."""

    __slots__ = ("_by_place", "_otherwise", "_places")

    def __init__(self, by_place: Mapping[int, _T], otherwise: _T) -> None:
        self._by_place = by_place
        self._otherwise = otherwise
        self._places = sorted(by_place)

    def between(self, start: int, stop: int) -> list[_T]:
        """Return what minutes [start, stop) have."""
        row = [self._otherwise] * (stop - start)
        for place in self._places[bisect_left(self._places, start) : bisect_left(self._places, stop)]:
            row[place - start] = self._by_place[place]
        return row


def _union(stamps: Sequence[Ints]) -> Ints:
    return stamps[0] if len(stamps) == 1 else np.unique(np.concatenate(stamps))


def _end_after(
    gathered: Sequence[Gathered], start_ms: int | None, end_ms: int | None, limit_minutes: int | None
) -> int | None:
    if limit_minutes is None:
        return end_ms
    minutes = _union([cut(one.bars, start_ms, end_ms).stamps_ms for one in gathered])
    return end_ms if len(minutes) <= limit_minutes else int(minutes[limit_minutes])


def _facts(gathered: Gathered) -> list[str]:
    facts = []
    for part in gathered.parts:
        recording = part.recording
        facts.append(
            f"{gathered.symbol} {recording.kind}: {recording.name}, {len(part.stamps_ms):,} rows, {span_text(part)}"
        )
        facts += [
            f"{gathered.symbol} {recording.kind}: {finding.reason}"
            for finding in part.findings
            if finding.severity is not Severity.REFUSED
        ]
    return facts
