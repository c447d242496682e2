"""The one hand that writes: rows wait in memory per table and go to disk in one transaction."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Dialect, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from db.pages import KEY_MASK
from db.rows import Row
from db.tables import EVIDENCE
from db.trouble import in_words
from domain.errors import BadInput, JournalUnavailable

Statement = tuple[str, list[Row]]
Answer = TypeVar("Answer")


class Pen:
    """Holds the only writing connection and the rows that wait for it.

    A failed flush leaves nothing half-written and forgets nothing: the next one tries the same rows again.
    """

    __slots__ = (
        "_connect",
        "_connection",
        "_driver_error",
        "_file",
        "_identity",
        "_in_doubt",
        "_statements",
        "name",
        "rows",
    )

    def __init__(
        self, connection: Connection, reconnect: Callable[[], Connection], name: str, file: Path | None
    ) -> None:
        """Take the connection and a way to get another when it is lost, the journal's printable name, and its file."""
        self._connect: Final = reconnect
        self._connection = connection
        self._file: Final = None if file is None else str(file)
        self._identity = _identity(self._file)
        self._in_doubt = False
        self.name: Final = name
        self.rows: Final[dict[str, list[Row]]] = {table.name: [] for table in EVIDENCE}
        dialect = self._connection.dialect
        self._driver_error: Final[type[Exception]] = dialect.loaded_dbapi.Error
        self._statements: Final[tuple[Statement, ...]] = tuple(
            (insertion(table, dialect), self.rows[table.name]) for table in EVIDENCE
        )

    @property
    def connection(self) -> Connection:
        """The writing connection, for the rare statements that are no evidence rows."""
        return self._connection

    @property
    def has_waiting(self) -> bool:
        """Say whether a flush would write anything."""
        return any(rows for _, rows in self._statements)

    def flush(self, also: Callable[[Connection], None] | None = None) -> None:
        """Write all waiting rows, and `also` whatever belongs to them, in one durable transaction.

        Raises JournalUnavailable; the rows then wait on.
        """
        if also is None and not self.has_waiting:
            return
        self._look_at_file()
        try:
            if self._in_doubt:
                self._settle_doubt()
            begin(self._connection)
            # The driver's own cursor: SQLAlchemy wraps every statement of every flush for nothing.
            cursor = self._connection.connection.cursor()
            for sql, rows in self._statements:
                if rows:
                    cursor.executemany(sql, rows)
            if also is not None:
                also(self._connection)
            self._connection.commit()
        except (SQLAlchemyError, self._driver_error) as error:
            self._in_doubt = True
            self._give_up()
            raise JournalUnavailable(f"the journal {self.name} cannot be written: {in_words(error)}") from error
        for _, rows in self._statements:
            rows.clear()

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what the database says to a question that changes nothing. Raises JournalUnavailable."""
        try:
            if self._in_doubt:
                self._settle_doubt()
            answer = question(self._connection)
            self._connection.rollback()
        except (SQLAlchemyError, self._driver_error) as error:
            self._in_doubt = True
            self._give_up()
            raise JournalUnavailable(f"the journal {self.name} cannot be asked: {in_words(error)}") from error
        return answer

    def forget_after(self, last_key: int) -> None:
        """Drop waiting rows of a record that could not be taken whole."""
        for name, rows in self.rows.items():
            if name != "events":
                rows[:] = [row for row in rows if isinstance(row[0], int) and row[0] <= last_key]

    def close(self) -> None:
        """Let go of the connection. What waits is lost: flush first."""
        self._connection.close()

    def _look_at_file(self) -> None:
        # SQLite goes on writing into a deleted file, and nobody would ever see those rows.
        if self._file is not None and _identity(self._file) != self._identity:
            raise JournalUnavailable(f"the journal {self.name} was moved, replaced or deleted while the desk ran")

    def _give_up(self) -> None:
        try:
            self._connection.rollback()
        except SQLAlchemyError:
            self._connection.invalidate()

    def _settle_doubt(self) -> None:
        """Reconnect if need be, and drop the rows that the failed commit had written after all."""
        if self._connection.invalidated or self._connection.closed:
            self._connection.close()
            try:
                self._connection = self._connect()
            except BadInput as error:
                raise JournalUnavailable(str(error)) from error
        for table in EVIDENCE:
            waiting = self.rows[table.name]
            if waiting:
                last = _last_key(self._connection, table, waiting[0][0])
                waiting[:] = [row for row in waiting if isinstance(row[0], int) and row[0] > last]
        self._connection.rollback()
        self._in_doubt = False


def begin(connection: Connection) -> None:
    """Open a transaction that already holds the right to write: it cannot fail half-way for want of a lock."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif not connection.in_transaction():
        connection.begin()


def insertion(table: Table, dialect: Dialect) -> str:
    """Return the INSERT for whole rows of a table, with positional marks, as the driver takes it."""
    kind = sqlite.dialect if dialect.name == "sqlite" else postgresql.dialect
    style = "qmark" if dialect.name == "sqlite" else "format"
    positional = kind(paramstyle=style)
    return str(table.insert().compile(dialect=positional))


def _last_key(connection: Connection, table: Table, waiting_key: object) -> int:
    """Return the last key on disk in the run of `waiting_key`, or -1."""
    if not isinstance(waiting_key, int):
        return -1
    first = waiting_key & ~KEY_MASK
    found = connection.scalar(select(func.max(table.c.id)).where(table.c.id.between(first, first + KEY_MASK)))
    return -1 if found is None else int(found)


def _identity(file: str | None) -> tuple[int, int] | None:
    if file is None:
        return None
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino
