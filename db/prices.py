"""The recorded prices of a run as columns: what each minute's bar opened and closed at, a symbol at a time."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from db.readable import Readable
from db.reading import find_run, of_run
from db.tables import TICKS
from domain.record import Record

_CHUNK: Final = 16_384
# The places of a bar's figures in its recorded list: the order of the record's fields.
_OPEN_MS, _CLOSE_MS, _OPEN, _CLOSE = 0, 1, 2, 5


class _Seen(msgspec.Struct):
    """The one part of a recorded snapshot that is read here."""

    bar: tuple[Any, ...] | None = None


class PriceColumns(Record, frozen=True, kw_only=True, eq=False):
    """The bars of one symbol, oldest first; every array of shape (n_bars,). Minutes without a bar are absent.

    open_ms, close_ms: UTC milliseconds, rising. open_price, close_price: quote per base.
    """

    symbol: str
    open_ms: NDArray[np.int64]
    close_ms: NDArray[np.int64]
    open_price: NDArray[np.float64]
    close_price: NDArray[np.float64]


def price_columns(store: Readable, run_id: str) -> dict[str, PriceColumns]:
    """Return the recorded bars of a run by symbol; a symbol without a bar is absent. Raises BadInput: no such run."""
    query = of_run(select(TICKS.c.symbol, TICKS.c.snapshot), TICKS, find_run(store, run_id).run_no)
    decode = msgspec.json.Decoder(_Seen).decode
    bars: dict[str, list[tuple[Any, ...]]] = {}
    with store.read() as connection:
        for symbol, text in connection.execution_options(yield_per=_CHUNK).execute(query.order_by(TICKS.c.id)):
            bar = decode(text).bar
            if bar is not None:
                bars.setdefault(symbol, []).append((bar[_OPEN_MS], bar[_CLOSE_MS], bar[_OPEN], bar[_CLOSE]))
    return {symbol: _columns(symbol, rows) for symbol, rows in sorted(bars.items())}


def _columns(symbol: str, rows: Iterable[tuple[Any, ...]]) -> PriceColumns:
    open_ms, close_ms, opens, closes = zip(*rows, strict=True)
    return PriceColumns(
        symbol=symbol,
        open_ms=np.array(open_ms, dtype=np.int64),
        close_ms=np.array(close_ms, dtype=np.int64),
        open_price=np.array(opens, dtype=np.float64),
        close_price=np.array(closes, dtype=np.float64),
    )
