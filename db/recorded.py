"""What an earlier process wrote of a run, to compare a second computation with: row by row, by hash."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Table, func, select

from db.answered import recorded_answers
from db.chain import Value
from db.pages import KEY_BITS, KEY_MASK
from db.readable import Readable
from db.tables import KEYED, LEDGER, ORDER_REFUSALS, chained_columns
from domain.errors import JournalCorrupt
from domain.tick import GateAnswer

_WINDOW: Final = 16_384
_SHOWN: Final = 160
_RULE: Final = "journal"


class RecordedLedger:
    """The recorded links of one run, read a window at a time."""

    __slots__ = ("_answers", "_base", "_start", "_store", "_unwritten", "_window", "last_seq")

    def __init__(self, store: Readable, run_no: int) -> None:
        """Look how far the run was recorded."""
        self._store: Final = store
        self._base: Final = run_no << KEY_BITS
        self._answers: Mapping[str, GateAnswer] | None = None
        self._start = 0
        self._window: list[bytes] = []
        with store.read() as connection:
            lasts = [_last(connection, table, self._base) for table in LEDGER]
            self._unwritten: Final = _unwritten(connection, self._base)
        self.last_seq: Final = max(lasts)

    def digest(self, seq: int) -> bytes:
        """Return the recorded link of row `seq`, or an empty one where the row is missing."""
        place = seq - self._start
        if not 0 <= place < len(self._window):
            self._load(seq)
            place = 0
        return self._window[place]

    def failure_of(self, client_order_id: str) -> str | None:
        """Return, once, why this order could not be put on record when the run was made; None when it could."""
        return self._unwritten.pop(client_order_id, None)

    def answer_of(self, request_id: str) -> GateAnswer | None:
        """Return what a question to the gate brought when the run was made; None where it was not asked."""
        if self._answers is None:
            with self._store.read() as connection:
                self._answers = recorded_answers(connection, self._base)
        return self._answers.get(request_id)

    def _load(self, seq: int) -> None:
        first = self._base + seq
        window = [b""] * _WINDOW
        with self._store.read() as connection:
            for table in LEDGER:
                query = select(table.c.id, table.c.hash).where(table.c.id.between(first, first + _WINDOW - 1))
                for row in connection.execute(query):
                    window[row.id - first] = row.hash
        self._start = seq
        self._window = window

    def difference(self, seq: int, table: Table, values: Sequence[Value], tick_no: int) -> JournalCorrupt:
        """Say where the recorded row and the recomputed one part."""
        where = f"row {seq} (tick {tick_no})"
        with self._store.read() as connection:
            for candidate in LEDGER:
                found = connection.execute(select(candidate).where(candidate.c.id == self._base + seq)).one_or_none()
                if found is None:
                    continue
                if candidate is not table:
                    return JournalCorrupt(f"{where}: recorded in {candidate.name}, recomputed as {table.name}")
                recorded = found._mapping
                for column, value in zip(chained_columns(table), values, strict=True):
                    given = unkeyed(column.name, recorded[column.name])
                    if given != value or type(given) is not type(value):
                        return JournalCorrupt(
                            f"{where} in {table.name}, column {column.name}: recorded {_short(given)}, "
                            f"recomputed {_short(value)}"
                        )
                return JournalCorrupt(f"{where} in {table.name}: the values agree, the recorded hash was altered")
        return JournalCorrupt(f"{where}: recomputed as {table.name}, but the recorded row is missing")


def unkeyed(column: str, value: Value) -> Value:
    """Return a column's value as the chain takes it: a key into another row without its run number."""
    return value & KEY_MASK if column in KEYED and isinstance(value, int) else value


def _unwritten(connection: Connection, base: int) -> dict[str, str]:
    """Return the orders that the journal itself could not take at first, each with the recorded cause.

    The desk puts a few words and a colon before the cause (agents/execution.py).
    """
    columns = ORDER_REFUSALS.c
    query = select(columns.client_order_id, columns.reason).where(
        columns.id.between(base, base + KEY_MASK), columns.rule == _RULE
    )
    return {order_id: reason.partition(": ")[2] or reason for order_id, reason in connection.execute(query)}


def _last(connection: Connection, table: Table, base: int) -> int:
    found = connection.scalar(select(func.max(table.c.id)).where(table.c.id.between(base, base + KEY_MASK)))
    return 0 if found is None else int(found) & KEY_MASK


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
