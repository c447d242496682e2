"""Files of Drift's archive as they were downloaded: what they hold, told from their own column names."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from domain.errors import BadInput
from domain.record import Record
from market.drift.candles import read_candles
from market.drift.counts import FileCounts
from market.drift.funding import FundingReader
from market.drift.trades import TradesReader
from market.drift.unpacking import unpack
from market.layouts import MAX_BYTES

_END_OF_TIME_MS: Final = 4_102_444_800_000
_HEAD_BYTES: Final = 65_536


class DriftFileKind(StrEnum):
    """What a file of the archive or a saved answer of the Data API holds."""

    TRADES = "drift_trades"
    FUNDING = "drift_funding_records"
    CANDLES = "drift_candles"


_NEEDED: Final[Mapping[DriftFileKind, tuple[str, ...]]] = {
    DriftFileKind.TRADES: ("ts", "baseAssetAmountFilled", "quoteAssetAmountFilled"),
    DriftFileKind.FUNDING: ("ts", "fundingRate"),
    DriftFileKind.CANDLES: ("fillOpen",),
}


class DriftFile(Record, frozen=True, kw_only=True):
    """One such file: what became of its lines, and the span of those taken (None without any)."""

    kind: DriftFileKind
    counts: FileCounts
    first_ms: int | None
    last_ms: int | None


def read_drift_file(path: Path) -> DriftFile | None:
    """Read a whole file, CSV or JSON, gzip or not; None when it is none of Drift's. Raises BadInput when unreadable."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            kind = _kind(file.read(_HEAD_BYTES))
            file.seek(0)
            body = b"" if kind is None else file.read(MAX_BYTES)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    if kind is None:
        return None
    counts, stamps = _READERS[kind](path.name, body)
    return DriftFile(kind=kind, counts=counts, first_ms=min(stamps, default=None), last_ms=max(stamps, default=None))


def _kind(head: bytes) -> DriftFileKind | None:
    text, _ = unpack(head)
    beginning = text[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \r\n")
    if beginning.startswith((b"{", b"[")):
        names = {name for name in _all_names() if f'"{name}"'.encode() in beginning}
    else:
        names = set(beginning.split(b"\n", 1)[0].decode("latin-1").replace('"', "").strip().split(","))
    return next((kind for kind, needed in _NEEDED.items() if names.issuperset(needed)), None)


def _all_names() -> set[str]:
    return {name for needed in _NEEDED.values() for name in needed}


def _trades(name: str, body: bytes) -> tuple[FileCounts, list[int]]:
    page = TradesReader().read(name, body)
    return page.counts, [trade.time_ms for trade in page.rows]


def _funding(name: str, body: bytes) -> tuple[FileCounts, list[int]]:
    page = FundingReader("file").read(name, body)
    return page.counts, [record.settled_ms for record in page.rows]


def _candles(name: str, body: bytes) -> tuple[FileCounts, list[int]]:
    page = read_candles(name, body, step_ms=0, now_ms=_END_OF_TIME_MS)
    return page.counts, [candle.open_ms for candle in page.rows]


_READERS: Final[Mapping[DriftFileKind, Callable[[str, bytes], tuple[FileCounts, list[int]]]]] = {
    DriftFileKind.TRADES: _trades,
    DriftFileKind.FUNDING: _funding,
    DriftFileKind.CANDLES: _candles,
}
