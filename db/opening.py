"""The door to a journal: find it, check that it is one, bring it up to date, lock it."""

from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engines import file_of, parse_url, prepare_sqlite, printable, reading_engine, writing_engine
from db.lock import FileLock, lock_server
from db.schema import migrate, require_head
from db.store import Store
from db.trouble import in_words, is_damage
from db.writing import Pen, begin
from domain.errors import BadInput, JournalUnavailable

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100


def open_journal(url: str, *, writable: bool) -> Store:
    """Open the journal that `url` names.

    writable: create it when it is missing, bring its schema up to date, and be its only writer until closed.
    Raises BadInput (wrong address, no journal there, not a database, newer schema, another desk at work) and
    JournalUnavailable (locked, read-only, full, server away), each with one sentence.
    """
    parsed = parse_url(url)
    file = file_of(parsed)
    name = printable(parsed)
    if file is not None:
        _check_file(file, writable=writable)
    try:
        return _open_to_write(parsed, file, name) if writable else _open_to_read(parsed, file, name)
    except SQLAlchemyError as error:
        if is_damage(error):
            raise BadInput(f"{name} is not a journal: {in_words(error)}") from error
        raise JournalUnavailable(f"the journal {name} cannot be opened: {in_words(error)}") from error
    except OSError as error:
        raise JournalUnavailable(f"the journal {name} cannot be opened: {error.strerror}") from error


def _open_to_read(url: URL, file: Path | None, name: str) -> Store:
    engine = reading_engine(url)
    with engine.connect() as connection:
        require_head(connection, name)
    return Store(name=name, file=file, readers=engine, pen=None, release=lambda: None)


def _open_to_write(url: URL, file: Path | None, name: str) -> Store:
    lock = None if file is None else FileLock(file)
    engine = writing_engine(url)
    try:
        connection = _writing_connection(engine, name)
        try:
            migrate(connection, name)
            _try_to_write(connection)
        except BaseException:
            connection.close()
            raise
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return Store(
        name=name,
        file=file,
        readers=reading_engine(url),
        pen=Pen(connection, lambda: _writing_connection(engine, name), name, file),
        release=(lambda: None) if lock is None else lock.close,
    )


def _writing_connection(engine: Engine, name: str) -> Connection:
    """Return a connection that is set up to write and, on a server, holds the journal's lock."""
    connection = engine.connect()
    try:
        if engine.dialect.name == "sqlite":
            prepare_sqlite(connection, name)
        else:
            lock_server(connection, name)
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _try_to_write(connection: Connection) -> None:
    """Find out now, not at the first order, that a file is read-only or held by another program."""
    begin(connection)
    connection.rollback()


def _check_file(file: Path, *, writable: bool) -> None:
    """Refuse what can be seen to be no journal before SQLite touches it."""
    if file.is_dir():
        raise BadInput(f"{file} is a folder; DATABASE_URL names a file")
    if not file.exists():
        if not writable:
            raise BadInput(f"there is no journal at {file}; run the desk first, or name another DATABASE_URL")
        _make_folder(file.parent)
        return
    try:
        head = _first_bytes(file)
    except OSError as error:
        raise JournalUnavailable(f"the journal {file} cannot be opened: {error.strerror}") from error
    if head and not head.startswith(_MAGIC):
        raise BadInput(f"{file} is not a journal: the file is not a database")
    if not head and not writable:
        raise BadInput(f"{file} holds no journal: the file is empty")
    _check_length(file, head)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"the journal's folder {folder} cannot be made: {error.strerror}") from error


def _first_bytes(file: Path) -> bytes:
    with file.open("rb") as handle:
        return handle.read(_HEADER_BYTES)


def _check_length(file: Path, head: bytes) -> None:
    """Compare the length with what the header says; while a log is pending the header may rightly be behind."""
    log = file.with_name(file.name + "-wal")
    if len(head) < _HEADER_BYTES or (log.exists() and log.stat().st_size > 0):
        return
    page_size = int.from_bytes(head[16:18], "big")
    page_size = 65_536 if page_size == 1 else page_size
    due = page_size * int.from_bytes(head[28:32], "big")
    is_header = page_size.bit_count() == 1 and head[24:28] == head[92:96]
    found = file.stat().st_size
    if is_header and found < due:
        raise BadInput(f"{file} is not a whole journal: it is cut off at {found} of {due} bytes; restore a copy")
