"""The closed trades of a run as files for other tools: parquet and CSV, in human units beside the booked integers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backtest.outcome import MICROUSD_PER_USD, RunOutcome
from backtest.whole_files import file_name, written_whole
from domain.account import Trade
from domain.errors import BadInput
from domain.instrument import Instrument

if TYPE_CHECKING:
    import pyarrow as pa

_MONEY: Final = ("gross", "fees", "funding", "slippage", "net", "risk")
_WORDS: Final = ("symbol", "strategy", "exit_reason", "regime", "client_order_id")
_FLOATS: Final = ("mae_bps", "mfe_bps", "conviction_frac")
_WHOLE: Final = ("size_lots", "entry_ticks", "exit_ticks", "n_bars", "opened_ms", "closed_ms")


def export_trades(outcome: RunOutcome, instruments: Mapping[str, Instrument], folder: Path) -> tuple[Path, ...]:
    """Write `<run>-trades.parquet` and `<run>-trades.csv` to a folder; return the two files.

    Columns: the fields of `domain.account.Trade` as booked (micro-dollars, ticks, lots, UTC milliseconds) and beside
    them `*_usd`, `*_price`, `size_base`, `result_r` (net over the risk at the entry; empty where that is unknown), and
    `opened_at`, `closed_at` as UTC instants. side is +1 for a long, -1 for a short.
    Raises BadInput when the folder cannot be written, or a symbol's grid is not among the instruments.
    """
    from pyarrow import csv, parquet

    unknown = {trade.symbol for trade in outcome.trades} - instruments.keys()
    if unknown:
        raise BadInput(f"the trades of {', '.join(sorted(unknown))} cannot be exported: its grid is not known")
    table = trade_table(outcome, instruments)
    files = [folder / f"{file_name(outcome.run_id)}-trades.{kind}" for kind in ("parquet", "csv")]
    writers: tuple[Callable[[Any, str], None], ...] = (parquet.write_table, csv.write_csv)
    for target, write in zip(files, writers, strict=True):
        with written_whole(target, "the trades") as passing:
            write(table, str(passing))
    return tuple(files)


def trade_table(outcome: RunOutcome, instruments: Mapping[str, Instrument]) -> "pa.Table":
    """Return the trades of a run as one table, in the order they closed."""
    import pyarrow as pa

    trades, text, real, whole = outcome.trades, pa.string(), pa.float64(), pa.int64()
    grids = [instruments[trade.symbol] for trade in trades]
    columns: dict[str, pa.Array[Any]] = {
        name: pa.array([str(getattr(trade, name)) for trade in trades], text) for name in _WORDS
    }
    columns["side"] = pa.array([int(trade.side) for trade in trades], pa.int8())
    for name in ("opened", "closed"):
        instants = [getattr(trade, f"{name}_ms") for trade in trades]
        columns[f"{name}_at"] = pa.array(instants, pa.timestamp("ms", tz="UTC"))
    sizes = [float(grid.size(trade.size_lots)) for trade, grid in zip(trades, grids, strict=True)]
    columns["size_base"] = pa.array(sizes, real)
    for name in ("entry", "exit"):
        ticks = [getattr(trade, f"{name}_ticks") for trade in trades]
        columns[f"{name}_price"] = pa.array(
            [float(grid.price(price)) for price, grid in zip(ticks, grids, strict=True)], real
        )
    for name in _MONEY:
        booked = [getattr(trade, f"{name}_microusd") for trade in trades]
        columns[f"{name}_usd"] = pa.array([microusd / MICROUSD_PER_USD for microusd in booked], real)
    columns["result_r"] = pa.array([result_r(trade) for trade in trades], real)
    for name in _FLOATS:
        columns[name] = pa.array([getattr(trade, name) for trade in trades], real)
    for name in (*_WHOLE, *(f"{money}_microusd" for money in _MONEY)):
        columns[name] = pa.array([getattr(trade, name) for trade in trades], whole)
    return pa.table(columns)


def result_r(trade: Trade) -> float | None:
    """Return a trade's net result in units of what was at risk at its entry; None where that is unknown."""
    return trade.net_microusd / trade.risk_microusd if trade.risk_microusd > 0 else None
