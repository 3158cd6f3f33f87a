"""Alembic's entry: runs the migrations on the connection that `jobs.migrate` hands over."""

from alembic import context

import jobs.access.tables
import jobs.bundles.sql.tables
import jobs.engine.sql.tables
import jobs.files.tables
import jobs.mail.tables
import jobs.notices
import jobs.processing.sql.tables
import jobs.uploads.sql.tables
import jobs.webhooks.tables  # noqa: F401 - they fill `metadata`
from jobs.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
