"""From what the user names to what a tape is made of: files by symbol and kind, screened, joined end to end, cut."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from domain.errors import BadInput
from domain.market import MINUTE_MS
from market.catalog import find_recordings
from market.history.reading import is_series
from market.naming import is_symbol, split_argument, symbol_of_file
from market.quality import QualityLimits
from market.readers import read_recording
from market.recording import RecordingKind, utc_text
from market.screening import Screened, screen

_SLACK_MS: Final = 24 * 60 * MINUTE_MS
"""A figure beside the bars may end this long before them, or begin this long after, and still belong to them."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """One symbol's recordings. parts: every file, for the report; bars and sides: one recording a kind."""

    symbol: str
    parts: tuple[Screened, ...]
    bars: Screened
    sides: tuple[Screened, ...]


def gather(paths: Sequence[str], symbols: Sequence[str], limits: QualityLimits) -> list[Gathered]:
    """Read and screen the files of the symbols asked for, in the order of their names.

    A folder stands for what `find_recordings` finds in it, unless it is a fetched series itself.

    Raises
    ------
    BadInput
        When a file cannot be used, belongs to a symbol not asked for, overlaps another of its kind or misses its
        symbol's bars in time, or when a symbol has no bars.
    """
    for symbol in symbols:
        if not is_symbol(symbol):
            raise BadInput(f"symbol {symbol!r} is unknown; names like SOL-PERP are allowed")
    if not symbols or not paths:
        raise BadInput("a replay needs at least one symbol and one file of 1-minute bars")
    parts: dict[str, list[Screened]] = {symbol: [] for symbol in sorted(set(symbols))}
    for argument in dict.fromkeys(one for path in paths for one in _opened(path, symbols)):
        parts[_symbol_for(argument, symbols)].append(_screened(argument, limits))
    gathered = [_of_symbol(symbol, found) for symbol, found in parts.items()]
    _refuse_disjoint(gathered)
    return gathered


def cut(screened: Screened, start_ms: int | None, end_ms: int | None) -> Screened:
    """Return the rows with start_ms <= stamp < end_ms; None = no bound."""
    stamps = screened.stamps_ms
    first = 0 if start_ms is None else int(np.searchsorted(stamps, start_ms, side="left"))
    last = len(stamps) if end_ms is None else int(np.searchsorted(stamps, end_ms, side="left"))
    return replace(
        screened,
        stamps_ms=stamps[first:last],
        columns={name: column[first:last] for name, column in screened.columns.items()},
        unsound={place - first: why for place, why in screened.unsound.items() if first <= place < last},
    )


def span_text(screened: Screened) -> str:
    """Return first and last stamp in words, UTC."""
    return f"{utc_text(int(screened.stamps_ms[0]))} to {utc_text(int(screened.stamps_ms[-1]))} UTC"


def _opened(argument: str, symbols: Sequence[str]) -> list[str]:
    path = Path(argument)
    if not path.is_dir() or is_series(path):
        return [argument]
    return [str(found) for found in find_recordings([path], symbols)]


def _symbol_for(argument: str, symbols: Sequence[str]) -> str:
    named, path = split_argument(argument)
    symbol = named if named is not None else symbol_of_file(path)
    if symbol is None and len(set(symbols)) == 1:
        return symbols[0]
    if symbol is None:
        raise BadInput(f"{path.name} does not say whose it is; write SYMBOL={path} with one of {', '.join(symbols)}")
    if symbol not in symbols:
        raise BadInput(f"{path.name} belongs to {symbol}, but asked for are {', '.join(symbols)}; or write SYMBOL=path")
    return symbol


def _screened(argument: str, limits: QualityLimits) -> Screened:
    _, path = split_argument(argument)
    screened = screen(read_recording(path), limits)
    screened.refuse_if_unusable()
    if len(screened.stamps_ms) == 0:
        raise BadInput(f"{path.name} has no usable row; see `data check`")
    return screened


def _of_symbol(symbol: str, parts: Sequence[Screened]) -> Gathered:
    by_kind: dict[RecordingKind, list[Screened]] = {}
    for part in sorted(parts, key=lambda one: int(one.stamps_ms[0])):
        by_kind.setdefault(part.recording.kind, []).append(part)
    if RecordingKind.BARS not in by_kind:
        held = ", ".join(sorted(by_kind)) or "nothing"
        raise BadInput(f"{symbol} has no 1-minute bars among the files (found: {held}); name an OHLCV file of it")
    bars = _end_to_end(symbol, by_kind.pop(RecordingKind.BARS))
    for part in (part for found in by_kind.values() for part in found):
        if part.stamps_ms[-1] < bars.stamps_ms[0] - _SLACK_MS or part.stamps_ms[0] > bars.stamps_ms[-1] + _SLACK_MS:
            raise BadInput(
                f"{part.recording.name} covers {span_text(part)}, the bars of {symbol} {span_text(bars)}; "
                f"they must overlap"
            )
    sides = tuple(_end_to_end(symbol, by_kind[kind]) for kind in sorted(by_kind))
    return Gathered(symbol=symbol, parts=tuple(parts), bars=bars, sides=sides)


def _end_to_end(symbol: str, parts: Sequence[Screened]) -> Screened:
    first = parts[0]
    if len(parts) == 1:
        return first
    for earlier, later in pairwise(parts):
        if later.stamps_ms[0] <= earlier.stamps_ms[-1]:
            raise BadInput(
                f"{earlier.recording.name} and {later.recording.name} overlap in time for {symbol}; name one of them"
            )
    offsets = np.cumsum([0, *(len(part.stamps_ms) for part in parts)]).tolist()
    shared = set.intersection(*(set(part.columns) for part in parts))
    return replace(
        first,
        stamps_ms=np.concatenate([part.stamps_ms for part in parts]),
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in sorted(shared)},
        unsound={
            place + offset: why
            for part, offset in zip(parts, offsets, strict=False)
            for place, why in part.unsound.items()
        },
    )


def _refuse_disjoint(gathered: Sequence[Gathered]) -> None:
    latest_start = max(gathered, key=lambda one: int(one.bars.stamps_ms[0]))
    earliest_end = min(gathered, key=lambda one: int(one.bars.stamps_ms[-1]))
    if latest_start.bars.stamps_ms[0] > earliest_end.bars.stamps_ms[-1]:
        raise BadInput(
            f"bars of {earliest_end.symbol} ({span_text(earliest_end.bars)}) and {latest_start.symbol} "
            f"({span_text(latest_start.bars)}) do not overlap; name files of one period"
        )
