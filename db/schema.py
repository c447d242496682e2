"""Which schema a database has, and how to bring an older one up to date."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from db.writing import begin
from domain.errors import BadInput

# A test holds this equal to the newest file in migrations/versions; without Alembic's help a start is quicker.
HEAD: Final = "0002"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def revision(connection: Connection) -> str | None:
    """Return the schema's revision, or None when the database has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def require_head(connection: Connection, name: str) -> None:
    """Refuse to read a journal whose schema is not today's. Raises BadInput."""
    found = revision(connection)
    if found is None:
        raise BadInput(f"{name} holds no journal: it is another database, or an empty one")
    if found != HEAD:
        _refuse_newer(found, name)
        raise BadInput(f"the journal {name} has the older schema {found}; start the desk on it once to bring it up")


def migrate(connection: Connection, name: str) -> None:
    """Bring the database to today's schema, in one transaction. Raises BadInput when it is not ours or newer."""
    found = revision(connection)
    if found is None and connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        raise BadInput(f"{name} is the database of another program; name another file in DATABASE_URL")
    connection.rollback()
    if found == HEAD:
        return
    if found is not None:
        _refuse_newer(found, name)
    begin(connection)
    _upgrade(connection)
    connection.commit()


def known_revisions() -> frozenset[str]:
    """Return every revision this code can read or upgrade."""
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions())


def _refuse_newer(found: str, name: str) -> None:
    if found not in known_revisions():
        raise BadInput(
            f"the journal {name} was written by a newer Tidegate (revision {found}); update this one to use it"
        )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
