"""What a recorded file may look like: which columns make which kind, and how large it may be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import BadInput
from market.recording import Floats, Ints, RecordingKind

MAX_ROWS: Final = 6_000_000
"""More than eleven years of minutes: a larger file is not a recording of one symbol."""

MAX_BYTES: Final = 1 << 30
"""Largest file, and largest decoded size of a parquet file's columns."""

_PRICES: Final = ("open", "high", "low", "close")

# The first kind whose columns are all present wins, so the narrower sets come last.
_NEEDED: Final[tuple[tuple[RecordingKind, tuple[str, ...]], ...]] = (
    (RecordingKind.DRIFT, ("funding_rate_quote_per_base", "oracle_price_twap", "mark_price_twap")),
    (RecordingKind.PREMIUM, ("perp_close", "spot_close")),
    (RecordingKind.BARS, (*_PRICES, "volume")),
    (RecordingKind.MARK, _PRICES),
    (RecordingKind.FUNDING, ("funding_rate",)),
    (RecordingKind.ORACLE, ("oracle_price",)),
    (RecordingKind.OPEN_INTEREST, ("open_interest_usd",)),
)
_OPTIONAL: Final[Mapping[RecordingKind, tuple[str, ...]]] = {RecordingKind.BARS: ("taker_buy_volume",)}

_OUR_NAME: Final[Mapping[str, str]] = {
    "open_time": "ts",
    "timestamp": "ts",
    "calc_time": "ts",
    "last_funding_rate": "funding_rate",
    "taker_buy_base": "taker_buy_volume",
    "taker_buy_base_volume": "taker_buy_volume",
    "taker_buy_base_asset_volume": "taker_buy_volume",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a file are read. source_names: our name -> the file's own."""

    kind: RecordingKind
    source_names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What a format reader hands back: stamps and figures under our names, and how rows are numbered."""

    stamps: Ints
    columns: Mapping[str, Floats]
    row_word: str
    first_row: int


def layout_of(file_name: str, names: Sequence[str]) -> Layout:
    """Recognise the kind of a file from its column names. Raises BadInput when no kind fits."""
    ours: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        our_name = _OUR_NAME.get(plain, plain)
        if our_name in ours:
            raise BadInput(f"{file_name} has two columns for {our_name}: {ours[our_name]} and {name}; keep one")
        ours[our_name] = name
    for kind, needed in _NEEDED:
        if "ts" in ours and all(name in ours for name in needed):
            wanted = ("ts", *needed, *(name for name in _OPTIONAL.get(kind, ()) if name in ours))
            return Layout(kind=kind, source_names={name: ours[name] for name in wanted})
    found = ", ".join(names[:14]) or "none"
    raise BadInput(f"{file_name} is no kind of recording we know: its columns are {found}; {_allowed_columns()}")


def _allowed_columns() -> str:
    kinds = "; ".join(f"{kind}: ts, {', '.join(needed)}" for kind, needed in _NEEDED)
    return f"allowed are {kinds}"
