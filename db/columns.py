"""A run as columns: the market and the account minute by minute, as arrays instead of a record a tick."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from db.readable import Readable
from db.reading import of_run
from db.tables import TICKS
from domain.errors import JournalCorrupt
from domain.features import REGIME_BY_CODE
from domain.record import Record

IntArray = NDArray[np.int64]
ByteArray = NDArray[np.int8]
FloatArray = NDArray[np.float64]

NO_REGIME: Final = -1
_CHUNK: Final = 2_048
_CODE: Final[Mapping[str | None, int]] = {
    None: NO_REGIME,
    **{regime.value: code for code, regime in enumerate(REGIME_BY_CODE)},
}


class _Prices(msgspec.Struct, array_like=True, gc=False):
    """The head of a recorded bar: a list in the order of the record. The prices are not checked again."""

    open_ms: int
    close_ms: int
    open_price: float
    high_price: float
    low_price: float
    close_price: float


class _Seen(msgspec.Struct, gc=False):
    """The part of a recorded snapshot that is read here."""

    bar: _Prices | None = None


class TickColumns(Record, frozen=True, kw_only=True, eq=False):
    """The ticks of a run, or of one symbol in it, oldest first; all arrays of shape (n_ticks,).

    tick_id: the tick's key in the journal. symbol_no: place of the tick's symbol in `symbols`.
    regime: place in REGIME_BY_CODE, NO_REGIME before the indicators were warm. prices: shape (n_ticks, 4): open, high,
    low, close of the minute's bar, NaN where it had none. position_lots: signed, after the tick.
    equity_microusd, cash_microusd: the account after the tick, all symbols.
    """

    symbols: tuple[str, ...]
    tick_id: IntArray
    tick_no: IntArray
    as_of_ms: IntArray
    symbol_no: ByteArray
    regime: ByteArray
    prices: FloatArray
    position_lots: IntArray
    equity_microusd: IntArray
    cash_microusd: IntArray

    def of(self, symbol: str) -> "TickColumns":
        """Return the ticks of one symbol."""
        if len(self.symbols) == 1:
            return self
        chosen = self.symbol_no == self.symbols.index(symbol)
        columns = {name: getattr(self, name)[chosen] for name in self.__struct_fields__ if name != "symbols"}
        return TickColumns(symbols=(symbol,), **{**columns, "symbol_no": np.zeros(int(chosen.sum()), dtype=np.int8)})


def tick_columns(store: Readable, run_no: int, symbols: Sequence[str]) -> TickColumns:
    """Return every tick of a run as columns. symbols: those of the run, in the order of its header.

    Raises JournalCorrupt when a tick names a market, a regime or a bar that cannot be.
    """
    try:
        chunks = _chunks(store, run_no, symbols)
    except (msgspec.DecodeError, KeyError) as error:
        raise JournalCorrupt(f"a tick in the journal {store.name} cannot be read: {error}") from error
    empty = _columns([], symbols)
    names = [name for name in TickColumns.__struct_fields__ if name != "symbols"]
    return TickColumns(
        symbols=tuple(symbols), **{name: np.concatenate([part[name] for part in chunks or [empty]]) for name in names}
    )


def _chunks(store: Readable, run_no: int, symbols: Sequence[str]) -> list[dict[str, Any]]:
    columns = TICKS.c
    query = of_run(
        select(
            columns.id,
            columns.tick_no,
            columns.as_of_ms,
            columns.symbol,
            columns.regime,
            columns.position_lots,
            columns.equity_microusd,
            columns.cash_microusd,
            columns.snapshot,
        ),
        TICKS,
        run_no,
    ).order_by(columns.id)
    with store.read() as connection, connection.execution_options(yield_per=_CHUNK).execute(query) as ticks:
        return [_columns(chunk, symbols) for chunk in ticks.partitions()]


def _columns(chunk: Sequence[Any], symbols: Sequence[str]) -> dict[str, Any]:
    tick_id, tick_no, as_of, symbol, regime, lots, equity, cash, snapshot = zip(*chunk, strict=True) if chunk else _NONE
    place = {name: number for number, name in enumerate(symbols)}
    return {
        "tick_id": np.array(tick_id, dtype=np.int64),
        "tick_no": np.array(tick_no, dtype=np.int64),
        "as_of_ms": np.array(as_of, dtype=np.int64),
        "symbol_no": np.array(list(map(place.__getitem__, symbol)), dtype=np.int8),
        "regime": np.array(list(map(_CODE.__getitem__, regime)), dtype=np.int8),
        "prices": _prices([_seen(text).bar or _NO_BAR for text in snapshot]),
        "position_lots": np.array(lots, dtype=np.int64),
        "equity_microusd": np.array(equity, dtype=np.int64),
        "cash_microusd": np.array(cash, dtype=np.int64),
    }


_NONE: Final[tuple[tuple[Any, ...], ...]] = ((),) * 9
_NO_BAR: Final = _Prices(0, 0, np.nan, np.nan, np.nan, np.nan)
_seen: Final = msgspec.json.Decoder(_Seen).decode


def _prices(bars: Sequence[_Prices]) -> FloatArray:
    columns = [
        [bar.open_price for bar in bars],
        [bar.high_price for bar in bars],
        [bar.low_price for bar in bars],
        [bar.close_price for bar in bars],
    ]
    return np.array(columns, dtype=np.float64).T.copy()
