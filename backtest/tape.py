"""A feed taken whole, as columns for the compiled engine."""

from typing import Protocol

from backtest.compiled.columns import ColumnBuilder, Columns
from domain.errors import BadInput
from domain.instrument import Instrument
from domain.ports import Feed
from domain.record import Record


class WholeTape(Record, frozen=True, kw_only=True, eq=False):
    """One symbol's tape. identity: the fingerprint of its data."""

    columns: Columns
    instrument: Instrument
    identity: str
    is_simulated: bool


class IdentifiedFeed(Feed, Protocol):
    """A feed that ends and has a fingerprint."""

    @property
    def n_minutes(self) -> int | None:
        """How many minutes it has; None without end."""
        ...

    @property
    def data_identity(self) -> str:
        """The fingerprint of what it will say."""
        ...


async def whole_tape(feed: IdentifiedFeed, instrument: Instrument) -> WholeTape:
    """Take every minute a feed has. Raises BadInput when it serves another symbol too, or nothing."""
    builder = ColumnBuilder(instrument, feed.n_minutes)
    is_simulated = False
    while (minute := await feed.next_minute()) is not None:
        for snapshot in minute:
            builder.add(snapshot)
            is_simulated = snapshot.is_simulated
    if builder.n_minutes == 0:
        raise BadInput(f"the tape of {instrument.symbol} has no minutes")
    return WholeTape(
        columns=builder.columns(), instrument=instrument, identity=feed.data_identity, is_simulated=is_simulated
    )
