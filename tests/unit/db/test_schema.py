from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from db import schema
from db.gate_tables import EVALUATIONS
from db.opening import open_journal
from db.pages import KEY_MASK, Page
from db.tables import EVIDENCE


def test_the_newest_migration_is_the_one_the_code_expects() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == schema.HEAD
    assert schema.HEAD in schema.known_revisions()


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_the_migrations_build_exactly_the_models(tmp_path: Path) -> None:
    with open_journal(f"sqlite:///{tmp_path / 'journal.db'}", writable=True) as store, store.read() as connection:
        # SQLite cannot tell an index over an expression apart, so that one is looked at by hand below.
        options = {"include_object": lambda thing, name, kind, *_: kind != "index", "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Page.metadata) == []
        made = connection.execute(
            text("SELECT sql FROM sqlite_master WHERE name = 'uq_orders_client_order_id'")
        ).scalar()
        assert made == "CREATE UNIQUE INDEX uq_orders_client_order_id ON orders ((id >> 40), client_order_id)"


def test_every_evidence_table_is_guarded(tmp_path: Path) -> None:
    with open_journal(f"sqlite:///{tmp_path / 'journal.db'}", writable=True) as store, store.read() as connection:
        query = text("SELECT tbl_name, count(*) FROM sqlite_master WHERE type = 'trigger' GROUP BY tbl_name")
        guards = dict(connection.execute(query).all())
    assert guards == {table.name: 2 for table in (*EVIDENCE, EVALUATIONS)} | {"runs": 3, "gate_outcomes": 3}


def test_a_key_needs_no_second_index_on_sqlite(tmp_path: Path) -> None:
    with open_journal(f"sqlite:///{tmp_path / 'journal.db'}", writable=True) as store, store.read() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN SELECT * FROM ticks WHERE id > {KEY_MASK}")).all()
    assert "USING INTEGER PRIMARY KEY" in str(plan)
