"""What the reading side needs of an open journal."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Readable(Protocol):
    """Gives short-lived connections that cannot write."""

    @property
    def name(self) -> str:
        """The journal's printable name, without password."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Open a reading connection. Raises JournalUnavailable."""
        ...
