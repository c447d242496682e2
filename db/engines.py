"""How to reach the database a URL names: writing (one connection) and reading (as many as asked for)."""

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from domain.errors import BadInput

_ALLOWED: Final = "allowed are sqlite:///FILE and postgresql://USER:PASSWORD@HOST/DATABASE"
_LOCK_TIMEOUT_S: Final = 0.25
_CONNECT_TIMEOUT_S: Final = 10
# A row is about half a kilobyte and only ever appended: large pages mean fewer writes (measured: a third of the time).
_PAGE_BYTES: Final = 16_384
# A short log is soon written over in place, which syncs faster than a file that grows.
_WAL_PAGES: Final = 500


# For a type it knows no adapter for, the driver builds and drops an error before it takes the value as it is.
_NOTHING: Final[dict[None, None]] = {}
sqlite3.register_adapter(type(None), _NOTHING.get)
sqlite3.register_adapter(bytes, bytearray)


def parse_url(url: str) -> URL:
    """Return the parsed URL with the driver this house uses. Raises BadInput, without the password."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadInput(f"the journal's address is no database URL; {_ALLOWED}") from error
    kind = parsed.drivername.split("+")[0]
    if kind == "sqlite":
        if parsed.database is None or parsed.database in ("", ":memory:") or parsed.query:
            raise BadInput(f"the journal's address {printable(parsed)} names no file; {_ALLOWED}")
        return parsed.set(drivername="sqlite+pysqlite")
    if kind in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise BadInput(f"the journal's address {printable(parsed)} names an unknown database kind; {_ALLOWED}")


def printable(url: URL) -> str:
    """Return what may be shown of a URL: a file's path, or the address without its password."""
    if url.drivername.startswith("sqlite") and url.database:
        return url.database
    return url.set(drivername=url.drivername.split("+")[0]).render_as_string(hide_password=True)


def short_name(url: str) -> str:
    """Return a short name of the journal for files that belong to it: the same journal, the same name."""
    parsed = parse_url(url)
    file = file_of(parsed)
    return hashlib.sha256((printable(parsed) if file is None else str(file.resolve())).encode()).hexdigest()[:10]


def file_of(url: URL) -> Path | None:
    """Return the journal's file, or None on a server."""
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def writing_engine(url: URL) -> Engine:
    """Return the engine of the one writer."""
    file = file_of(url)
    if file is None:
        return create_engine(
            url,
            poolclass=NullPool,
            connect_args={
                "application_name": f"tidegate {os.getpid()}",
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": "-c synchronous_commit=on",
            },
        )

    def connect() -> sqlite3.Connection:
        # Transactions are begun by hand (BEGIN IMMEDIATE), so the driver is told to begin none of its own.
        return sqlite3.connect(file, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)

    return create_engine(url, poolclass=NullPool, creator=connect)


def prepare_sqlite(connection: Connection, name: str) -> None:
    """Set a writing connection to survive a power cut: write-ahead log, every commit synced."""
    connection.exec_driver_sql(f"PRAGMA page_size={_PAGE_BYTES}")
    mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar()
    if mode != "wal":
        raise BadInput(f"the journal {name} lies on a file system that cannot hold a write-ahead log; choose another")
    for pragma in ("synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={_WAL_PAGES}"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.commit()


def reading_engine(url: URL) -> Engine:
    """Return an engine whose connections cannot write."""
    file = file_of(url)
    if file is None:
        return create_engine(
            url,
            poolclass=NullPool,
            connect_args={
                "application_name": f"tidegate reader {os.getpid()}",
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": "-c default_transaction_read_only=on",
            },
        )

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(file.absolute()))}?mode=ro"
        if not os.access(file.parent, os.W_OK) and not file.with_name(file.name + "-wal").exists():
            # An archived journal: without a log nobody writes, and no shared index can be made beside it.
            address += "&immutable=1"
        return sqlite3.connect(address, uri=True, timeout=_LOCK_TIMEOUT_S, check_same_thread=False)

    return create_engine(url, poolclass=NullPool, creator=connect)
