"""What a database's error means, in the words of someone who has to do something about it."""

import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

_SQLITE: Final = {
    "SQLITE_BUSY": "it is locked by another program",
    "SQLITE_LOCKED": "it is locked by another program",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_FULL": "the disk or the database is full",
    "SQLITE_IOERR": "the disk reports an input/output error",
    "SQLITE_CANTOPEN": "the file cannot be opened",
    "SQLITE_PERM": "the file's permissions forbid it",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_NOTADB": "the file is not a database",
}
_POSTGRES: Final = {
    "25006": "it is read-only",
    "42501": "the database user may not do this",
    "53100": "the server's disk is full",
    "53300": "the server has no connection left",
    "55P03": "it is locked by another program",
    "57P01": "the server is shutting down",
    "28P01": "the password is wrong",
    "3D000": "there is no such database",
}


def is_damage(error: BaseException) -> bool:
    """Say whether the error means that the file is no (whole) database at all."""
    name = getattr(_cause(error), "sqlite_errorname", "") or ""
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def in_words(error: BaseException) -> str:
    """Return why the database refused, as half a sentence without the SQL."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", None) or ""
        known = next((words for prefix, words in _SQLITE.items() if name.startswith(prefix)), None)
        return known or _first_line(cause)
    if isinstance(cause, psycopg.Error):
        known = _POSTGRES.get(cause.sqlstate or "")
        if known is None and cause.sqlstate is None and isinstance(cause, psycopg.OperationalError):
            return f"the server cannot be reached ({_first_line(cause)})"
        return known or _first_line(cause)
    return _first_line(cause)


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
