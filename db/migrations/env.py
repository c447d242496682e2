"""Run the migrations on the connection that `db/schema.py` hands over, inside its transaction."""

from alembic import context

from db.tables import RUNS

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=RUNS.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
