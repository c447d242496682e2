"""The market of a recorded run as the Monte Carlo study takes it: its bars and grids, read from the journal."""

from collections.abc import Mapping

import msgspec

from db.prices import PriceColumns, price_columns
from db.readable import Readable
from db.reading import RecordedRun
from domain.instrument import Instrument


def market_of(store: Readable, run: RecordedRun) -> tuple[Mapping[str, PriceColumns], Mapping[str, Instrument]]:
    """Return the recorded bars and the grids of a run, each by symbol."""
    instruments = msgspec.json.decode(run.header.instruments_json, type=list[Instrument])
    return price_columns(store, run.run_id), {one.symbol: one for one in instruments}
