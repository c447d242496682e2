"""What all tables of the journal share: the base, the kinds of columns, and how a row is numbered.

Every evidence row is keyed `run_no * 2**40 + seq`: `seq` counts the rows of one run in the order they were
taken, over all ledger tables together (events count for themselves). A run is therefore a range of every
table's primary key and needs no further index, and the hash chain has an order without a column for it.
"""

from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Double, Integer, LargeBinary, MetaData, SmallInteger, Table
from sqlmodel import Field, SQLModel

KEY_BITS: Final = 40
KEY_MASK: Final = (1 << KEY_BITS) - 1
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite makes a primary key its row id, free of a second index, only when the type reads INTEGER.
_KEY_TYPE: Any = BigInteger().with_variant(Integer(), "sqlite")
BIG: Any = BigInteger
SMALL: Any = SmallInteger
REAL: Any = Double
BYTES: Any = LargeBinary


def row_key() -> Any:
    """Return the column of a row's own key."""
    return Field(primary_key=True, sa_type=_KEY_TYPE, sa_column_kwargs={"autoincrement": False})


def tick_key() -> Any:
    """Return the column that names the tick a row belongs to."""
    return Field(sa_type=BIG, foreign_key="ticks.id")


class Page(SQLModel):
    """The base of every table: one metadata, with names for all constraints."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)


def table_of(model: type[Page]) -> Table:
    """Return the SQLAlchemy table behind a model."""
    return Page.metadata.tables[str(model.__tablename__)]
