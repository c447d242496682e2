"""What a venue in the world told a run: its reports tick by tick, and its answers to orders, as they are on record.

A paper venue tells the same again when a run is lived through again. The world does not, so its words are read here.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection, Table, func, select

from db.readable import Readable
from db.reading import find_run, of_run
from db.retelling import Fields, fill_of, funding_of, order_of, refusal_of
from db.tables import FILLS, FUNDING, ORDER_REFUSALS, ORDERS, TICKS
from domain.account import Fill, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.record import Record

Moment = tuple[str, int]
T = TypeVar("T")
_LATER = "venue"
_OURS = "journal"


class Reported(Record, frozen=True, kw_only=True):
    """A venue's words. reports: by symbol and minute of the tick that was told. refusals: of orders, at once, by id."""

    reports: Mapping[Moment, VenueReport]
    refusals: Mapping[str, Refusal]

    def fills(self) -> list[Fill]:
        """Return every fill on record."""
        return [fill for report in self.reports.values() for fill in report.fills]


NOTHING_REPORTED = Reported(reports={}, refusals={})


def reported(store: Readable, run_id: str) -> Reported:
    """Return everything the venue told this run."""
    run_no = find_run(store, run_id).run_no
    with store.read() as connection:
        fills = _told(connection, FILLS, run_no, fill_of)
        funding = _told(connection, FUNDING, run_no, funding_of)
        refused = _told(connection, ORDER_REFUSALS, run_no, refusal_of)
    rejections: dict[Moment, list[tuple[str, str]]] = {}
    refusals: dict[str, Refusal] = {}
    for moment, told in refused.items():
        for order_id, refusal in told:
            if refusal.rule == _LATER:
                rejections.setdefault(moment, []).append((order_id, refusal.reason))
            elif refusal.rule != _OURS:
                refusals[order_id] = refusal
    reports = {
        moment: VenueReport(
            fills=tuple(fills.get(moment, ())),
            funding=tuple(funding.get(moment, ())),
            rejections=tuple(rejections.get(moment, ())),
        )
        for moment in {*fills, *funding, *rejections}
    }
    return Reported(reports=reports, refusals=refusals)


def unticked_orders(store: Readable, run_id: str) -> tuple[ApprovedOrder, ...]:
    """Return the orders on record whose tick was lost: they may have been sent."""
    run_no = find_run(store, run_id).run_no
    with store.read() as connection:
        last_tick = connection.scalar(of_run(select(func.max(TICKS.c.tick_no)), TICKS, run_no)) or 0
        rows = connection.execute(of_run(select(ORDERS), ORDERS, run_no).where(ORDERS.c.tick_no > last_tick))
        return tuple(order_of(row._mapping) for row in rows)


def _told(connection: Connection, table: Table, run_no: int, reads: Callable[[Fields], T]) -> dict[Moment, list[T]]:
    """Return the rows of one table, by the tick that was told them, in the order told."""
    query = of_run(select(table, TICKS.c.symbol.label("told_symbol"), TICKS.c.as_of_ms.label("told_ms")), table, run_no)
    found: dict[Moment, list[T]] = {}
    for row in connection.execute(query.join(TICKS, TICKS.c.id == table.c.tick_id).order_by(table.c.id)):
        fields = row._mapping
        found.setdefault((fields["told_symbol"], fields["told_ms"]), []).append(reads(fields))
    return found
