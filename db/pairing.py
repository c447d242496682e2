"""Two runs side by side: what a comparison asks a journal, in order and without holding a run in memory.

A run may still be growing: every question stops at the last tick that was there when the run was opened.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, Table, func, select

from db import answers
from db.figures import Figures, read
from db.pages import KEY_BITS
from db.readable import Readable
from db.reading import find_run, of_run
from db.retelling import TICKS_WITH_READINGS, WHOLE_SNAPSHOT
from db.tables import ANSWERS, FILLS, FUNDING, GATE_OUTCOMES, ORDER_REFUSALS, ORDERS, PROPOSALS, RISK_CHECKS, TICKS
from domain.errors import BadInput, JournalCorrupt
from domain.instrument import Instrument

_CHUNK: Final = 8192
PlainRow = tuple[Any, ...]
"""The columns of a `Line` as the database gives them."""
Answered = tuple[tuple[str, str | None, int, float], ...]
"""Every strategy's answer on one tick: its name, side, failed tests, conviction."""


class Line(NamedTuple):
    """One tick as the comparison reads it. From `state` on it is what two runs can agree on.

    regime: None before the features are warm. snapshot: the recorded JSON, readings included.
    """

    id: int
    tick_no: int
    as_of_ms: int
    symbol: str
    answer_id: int | None
    equity_microusd: int
    state: str
    outcome: str
    regime: str | None
    snapshot: str


_SNAPSHOT: Final = Line._fields.index("snapshot")


class Executed(NamedTuple):
    """One execution with the tick that learnt of it. exit_reason: None for an entry."""

    tick_id: int
    tick_no: int
    as_of_ms: int
    client_order_id: str
    symbol: str
    side: int
    size_lots: int
    price_ticks: int
    fee_microusd: int
    filled_ms: int
    exit_reason: str | None


class Paid(NamedTuple):
    """One funding payment with the tick that learnt of it. amount_microusd: positive = we received."""

    tick_id: int
    symbol: str
    rate_quote_per_base_1e9: int
    amount_microusd: int
    settled_ms: int


class Sent(NamedTuple):
    """One order. exit_plan: JSON for an entry, None for an exit."""

    tick_no: int
    client_order_id: str
    symbol: str
    side: int
    reduce_only: int
    decided_ms: int
    exit_plan: str | None


class Wanted(NamedTuple):
    """What a strategy proposed on a tick, and what gate and risk said to it. None = was not asked.

    sizes_lots: JSON [[method, lots], ...]. rule, reason: why risk refused.
    """

    strategy: str
    side: int
    exit_plan: str
    verdict: str | None
    keep_frac: float | None
    sizes_lots: str | None
    rule: str | None
    reason: str | None


class PairedRun:
    """One of the two runs, up to the tick that was its last when it was opened."""

    __slots__ = ("_first_key", "_last_key", "_store", "first", "found", "instruments", "last")

    def __init__(self, store: Readable, run_id: str) -> None:
        """Find the run and its ends. Raises BadInput for an unknown run and one without a tick."""
        self._store: Final = store
        self.found: Final = find_run(store, run_id)
        self._first_key: Final = self.found.run_no << KEY_BITS
        lines = of_run(_lines(), TICKS, self.found.run_no).limit(1)
        with store.read() as connection:
            first = connection.execute(lines.order_by(TICKS.c.id)).one_or_none()
            last = connection.execute(lines.order_by(TICKS.c.id.desc())).one_or_none()
        if first is None or last is None:
            raise BadInput(f"run {self.found.run_id} has no tick on record yet: there is nothing to compare")
        self.first: Final = Line(*first)
        self.last: Final = Line(*last)
        self._last_key: Final = self.last.id
        instruments = msgspec.json.decode(self.found.header.instruments_json, type=list[Instrument])
        self.instruments: Final = {one.symbol: one for one in instruments}

    def n_ticks(self) -> int:
        """Return how many ticks there are."""
        query = select(func.count()).select_from(TICKS).where(TICKS.c.id.between(self._first_key, self._last_key))
        with self._store.read() as connection:
            return int(connection.scalar(query) or 0)

    def rows(self) -> Iterator[PlainRow]:
        """Yield every tick in the order it was taken, its columns in the order of `Line`, which a row can be made into.

        They come as the database gives them: most are only held against those of the other run and forgotten.
        """
        return chain.from_iterable(self._chunks())

    def _chunks(self) -> Iterator[list[PlainRow]]:
        last = self._first_key
        while True:
            query = _lines().where(TICKS.c.id > last, TICKS.c.id <= self._last_key).order_by(TICKS.c.id).limit(_CHUNK)
            with self._store.read() as connection:
                chunk = _plain_rows(connection, query)
            if not chunk:
                return
            if any(row[_SNAPSHOT] is None for row in chunk):
                name = self.found.run_id
                raise JournalCorrupt(f"readings that ticks of run {name} name are missing; run `audit verify {name}`")
            yield chunk
            last = chunk[-1][0]

    def answers(self) -> dict[int | None, Answered]:
        """Return what the strategies answered, by the key that ticks name it with; nothing where nobody was asked.

        Without the words: they repeat the thresholds, which the settings tell.
        """
        told: dict[int | None, Answered] = {None: ()}
        for key, text in self._rows(select(ANSWERS.c.id, ANSWERS.c.signals), ANSWERS):
            said = answers.answers(text)
            told[key] = tuple((one.strategy, one.side, one.failed_mask, one.conviction_frac) for one in said)
        return told

    def figures(self, first_id: int, last_id: int) -> dict[int, Figures]:
        """Return the recorded features, regime excluded, of the ticks with keys in this range. None = absent."""
        query = select(TICKS.c.id, TICKS.c.figures).where(TICKS.c.id.between(first_id, min(last_id, self._last_key)))
        with self._store.read() as connection:
            return {key: read(text) for key, text in _plain_rows(connection, query)}

    def executed(self) -> list[Executed]:
        """Return every execution in the order it was learnt of."""
        return [Executed(*row) for row in self._of_ticks(FILLS, ("id", "tick_no", "as_of_ms"), Executed._fields[3:])]

    def paid(self) -> list[Paid]:
        """Return every funding payment in the order it was learnt of."""
        return [Paid(*row) for row in self._of_ticks(FUNDING, ("id",), Paid._fields[1:])]

    def sent(self) -> list[Sent]:
        """Return every order in the order it was sent."""
        return [Sent(*row) for row in self._rows(select(*(ORDERS.c[name] for name in Sent._fields)), ORDERS)]

    def wanted(self) -> dict[int, Wanted]:
        """Return what was proposed and said to it, by the key of the tick."""
        asked = {row[0]: row[1:] for row in self._columns(GATE_OUTCOMES, "tick_id", "verdict", "keep_frac")}
        ruled = {row[0]: row[1:] for row in self._columns(RISK_CHECKS, "tick_id", "sizes_lots", "rule", "reason")}
        return {
            row[0]: Wanted(*row[1:], *asked.get(row[0], (None, None)), *ruled.get(row[0], (None, None, None)))
            for row in self._columns(PROPOSALS, "tick_id", "strategy", "side", "exit_plan")
        }

    def refused(self) -> dict[str, tuple[str, str]]:
        """Return the orders that venue or journal turned away, each with (rule, reason)."""
        rows = self._columns(ORDER_REFUSALS, "client_order_id", "rule", "reason")
        return {order_id: (rule, reason) for order_id, rule, reason in rows}

    def last_close(self, symbol: str) -> float | None:
        """Return the close of the last bar seen of a symbol."""
        query = select(TICKS.c.close_price).where(
            TICKS.c.id.between(self._first_key, self._last_key),
            TICKS.c.symbol == symbol,
            TICKS.c.close_price.is_not(None),
        )
        with self._store.read() as connection:
            found = connection.scalar(query.order_by(TICKS.c.id.desc()).limit(1))
        return None if found is None else float(found)

    def _columns(self, table: Table, *names: str) -> list[Any]:
        return self._rows(select(*(table.c[name] for name in names)), table)

    def _rows(self, query: Select[Any], table: Table) -> list[Any]:
        query = of_run(query, table, self.found.run_no).order_by(table.c.id)
        if "tick_id" in table.c:
            query = query.where(table.c.tick_id <= self._last_key)
        with self._store.read() as connection:
            return list(connection.execute(query))

    def _of_ticks(self, table: Table, of_tick: tuple[str, ...], own: tuple[str, ...]) -> list[Any]:
        columns = [TICKS.c[name] for name in of_tick] + [table.c[name] for name in own]
        return self._rows(select(*columns).select_from(table).join(TICKS, TICKS.c.id == table.c.tick_id), table)


def _plain_rows(connection: Connection, query: Select[Any]) -> list[PlainRow]:
    """Return what the driver itself gives: half the time goes where SQLAlchemy wraps a million rows of its own."""
    statement = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    cursor = connection.connection.cursor()
    cursor.execute(str(statement))
    return cursor.fetchall()  # type: ignore[return-value]  # the driver says Any, a row is a tuple


def _lines() -> Select[Any]:
    columns = (WHOLE_SNAPSHOT if name == "snapshot" else TICKS.c[name] for name in Line._fields)
    return select(*columns).select_from(TICKS_WITH_READINGS)
