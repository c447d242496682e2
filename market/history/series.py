"""Where fetched history lies: one folder a series, in it one file a UTC day, named so that any hive reader finds it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from domain.errors import BadInput
from domain.market import DAY_MS
from market.naming import is_symbol

MANIFEST_NAME: Final = "_manifest.json"
"""Begins with an underscore: hive readers pass over such files."""

_DAY: Final = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


class Kind(StrEnum):
    """What a series holds. ORACLE: the index price of an exchange."""

    BARS = "bars"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    MARK = "mark"
    ORACLE = "oracle"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One kind of figures of one symbol on one exchange."""

    kind: Kind
    exchange: str
    symbol: str

    @property
    def title(self) -> str:
        """The series in words, such as "bybit SOL-PERP bars"."""
        return f"{self.exchange} {self.symbol} {self.kind}"

    def folder(self, root: Path) -> Path:
        """Return the folder of the series below the root of all history."""
        return root / f"kind={self.kind}" / f"exchange={self.exchange}" / f"symbol={self.symbol}"


def series_of(folder: Path) -> Series | None:
    """Return which series a folder holds by its own name and its two parents', None when it is no such folder."""
    parts = [part.partition("=") for part in folder.absolute().parts[-3:]]
    if [name for name, _, _ in parts] != ["kind", "exchange", "symbol"]:
        return None
    kind, exchange, symbol = (told for _, _, told in parts)
    if kind not in set(Kind) or not exchange or not is_symbol(symbol):
        return None
    return Series(Kind(kind), exchange, symbol)


def find_series(root: Path) -> list[Path]:
    """Return the folders of every series in a folder and below it that has a manifest, in order of name."""
    found = (path.parent for path in root.rglob(MANIFEST_NAME))
    return sorted(folder for folder in found if series_of(folder) is not None)


def part_path(folder: Path, day: date) -> Path:
    """Return the file of one day."""
    return folder / f"date={day}" / "part.parquet"


def days_on_disk(folder: Path) -> list[date]:
    """Return the days that have a file in a series' folder, in a manifest or not."""
    names = (_DAY.fullmatch(path.parent.name) for path in folder.glob("date=*/part.parquet"))
    return sorted(date.fromisoformat(name.group(1)) for name in names if name is not None)


def day_of(text: str) -> date:
    """Read a UTC day such as 2025-05-04. Raises BadInput."""
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        day = None
    if day is None or not 2009 <= day.year < 2100:
        raise BadInput(f"{text!r} is no day; days from 2009 to 2099, written like 2025-05-04, are allowed")
    return day


def start_ms(day: date) -> int:
    """Return the first instant of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def day_at(stamp_ms: int) -> date:
    """Return the UTC day of an instant."""
    return date(1970, 1, 1) + timedelta(days=stamp_ms // DAY_MS)


def days_between(first: date, last: date) -> Sequence[date]:
    """Return every day from the first to the last, both included."""
    return tuple(_each(first, last))


def _each(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)
