"""Alembic's entry: runs the migrations on the connection that `jobs.migrate` hands over."""

from alembic import context

from jobs.engine.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
