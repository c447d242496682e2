"""Find recordings in folders when the user names none: per symbol the newest minutes, and what lies beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from domain.errors import BadInput
from domain.market import MINUTE_MS
from market.history.reading import is_series
from market.history.series import find_series, series_of
from market.naming import is_perpetual_file, symbol_of_file
from market.readers import read_stamps
from market.recording import RecordingKind
from market.stamps import UNKNOWN, in_milliseconds, unit_places

_SUFFIXES: Final = (".parquet", ".csv")


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    kind: RecordingKind
    is_perpetual: bool
    is_minutes: bool
    first_ms: int
    last_ms: int


def find_recordings(folders: Sequence[Path], symbols: Sequence[str]) -> list[Path]:
    """Choose recordings for the symbols from folders and their subfolders.

    Of each symbol's 1-minute OHLCV files the newest is taken, a perpetual's before any spot market's; with it
    every other kind of file of that symbol that overlaps it in time (of two that overlap each other, the one fetched
    from the same exchange, else the newer).
    A fetched series counts as one file. Only names ending in .parquet or .csv that begin with the symbol's pair are
    opened; those that cannot be read are passed over.

    Raises
    ------
    BadInput
        When a symbol has no 1-minute bars in any folder.
    """
    candidates = _candidates(folders, symbols)
    chosen: list[Path] = []
    for symbol in dict.fromkeys(symbols):
        found = [one for path in candidates.get(symbol, []) if (one := _examine(path)) is not None]
        minutes = [one for one in found if one.kind is RecordingKind.BARS and one.is_minutes]
        if not minutes:
            where = ", ".join(str(folder) for folder in folders) or "no folder"
            raise BadInput(
                f"no 1-minute bars of {symbol} in {where}; name a file, or put one there called like "
                f"{symbol.removesuffix('-PERP').lower()}usdt_1m.parquet"
            )
        bars = max(minutes, key=lambda one: (one.is_perpetual, one.last_ms, -one.first_ms, one.path.name))
        chosen.append(bars.path)
        chosen += _beside(bars, found)
    return chosen


def _candidates(folders: Sequence[Path], symbols: Sequence[str]) -> dict[str, list[Path]]:
    by_symbol: dict[str, list[Path]] = {symbol: [] for symbol in symbols}
    seen: set[Path] = set()
    for folder in folders:
        for path in sorted((*_files_below(folder), *find_series(folder))):
            symbol = symbol_of_file(path)
            real = path.resolve()
            if symbol in by_symbol and real not in seen:
                seen.add(real)
                by_symbol[symbol].append(path)
    return by_symbol


def _files_below(folder: Path) -> Iterable[Path]:
    return (path for suffix in _SUFFIXES for path in folder.rglob(f"*{suffix}") if path.is_file())


def _examine(path: Path) -> _Found | None:
    try:
        kind, stamps = read_stamps(path)
    except BadInput:
        return None
    units = unit_places(stamps)
    if len(stamps) == 0 or units[0] == UNKNOWN or (units != units[0]).any():
        return None
    stamps_ms = in_milliseconds(stamps, int(units[0]))
    steps = np.diff(stamps_ms)
    forward = steps[steps > 0]
    return _Found(
        path=path,
        kind=kind,
        is_perpetual=is_series(path) or is_perpetual_file(path),
        is_minutes=len(forward) > 0 and int(forward.min()) == MINUTE_MS,
        first_ms=int(stamps_ms.min()),
        last_ms=int(stamps_ms.max()),
    )


def _beside(bars: _Found, found: Sequence[_Found]) -> list[Path]:
    taken: list[_Found] = []
    for one in sorted(found, key=lambda one: (not _same_exchange(one, bars), -one.last_ms, one.path.name)):
        is_side = one.kind is not RecordingKind.BARS
        if (
            is_side
            and _overlap(one, bars)
            and not any(_overlap(one, other) for other in taken if other.kind is one.kind)
        ):
            taken.append(one)
    return [one.path for one in sorted(taken, key=lambda one: (one.kind, one.first_ms))]


def _same_exchange(one: _Found, bars: _Found) -> bool:
    ours, theirs = series_of(one.path), series_of(bars.path)
    return ours is not None and theirs is not None and ours.exchange == theirs.exchange


def _overlap(one: _Found, other: _Found) -> bool:
    return one.first_ms <= other.last_ms and other.first_ms <= one.last_ms
