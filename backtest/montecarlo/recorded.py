"""A recorded run as the Monte Carlo study takes it: its result and its bars, read from the journal."""

from collections.abc import Mapping

import msgspec
import numpy as np

from backtest.outcome import EquityCurve, RunOutcome
from db.prices import PriceColumns, price_columns
from db.readable import Readable
from db.reading import RecordedRun, equity, trades
from domain.errors import BadInput
from domain.instrument import Instrument


def outcome_of(store: Readable, run: RecordedRun) -> RunOutcome:
    """Return what a run came to so far. Raises BadInput when no minute of it is on record.

    The equity of the first minute is the starting equity: nothing can have been filled before it.
    """
    points = equity(store, run.run_id)
    if not points:
        raise BadInput(f"run {run.run_id} has not a minute on record: there is nothing to resample")
    return RunOutcome(
        run_id=run.run_id,
        symbols=run.header.symbols,
        is_simulated=run.header.is_simulated,
        curve=EquityCurve(
            close_ms=np.array([point.as_of_ms for point in points], dtype=np.int64),
            equity_microusd=np.array([point.equity_microusd for point in points], dtype=np.int64),
            starting_microusd=points[0].equity_microusd,
        ),
        trades=trades(store, run.run_id),
    )


def market_of(store: Readable, run: RecordedRun) -> tuple[Mapping[str, PriceColumns], Mapping[str, Instrument]]:
    """Return the recorded bars and the grids of a run, each by symbol."""
    instruments = msgspec.json.decode(run.header.instruments_json, type=list[Instrument])
    return price_columns(store, run.run_id), {one.symbol: one for one in instruments}
