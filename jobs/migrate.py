"""Schema migrations, run by one process at a time."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from jobs.database import Database
from jobs.engine.sql.partitions import lock_partitions, make_partitions
from jobs.errors import DatabaseUnavailable

_LOCK = 0x6861_756C_6167_65  # "haulage": the key of the advisory lock of migrations


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Run the missing migrations in one transaction; return the revisions before and after.

    A schema of a later release is left as it is: this release can run beside what the next one has added to it.

    Then validate constraints that were added without a look at the existing rows: that locks out nobody, while adding one
    would lock the table for as long as it takes to read it. Then make the partitions of the next days, unless they are
    locked: the workers make those that are missing, too.

    There is no time-out, since an index may take long to build. A second process that migrates at the same time waits
    for the first, and then has nothing to do.
    """
    without_timeout = database.without_timeout()
    async with without_timeout.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        revisions = await connection.run_sync(_upgrade)
    if is_later_revision(revisions[0]):
        return revisions
    async with without_timeout.begin() as connection:
        await connection.execute(text(_VALIDATE))
    with suppress(DatabaseUnavailable):
        async with without_timeout.begin() as connection:
            if await lock_partitions(connection):
                await make_partitions(connection, datetime.now(UTC).date())
    return revisions


_VALIDATE = """
    DO $$
    DECLARE one record;
    BEGIN
        FOR one IN
            SELECT conrelid::regclass AS of_table, conname FROM pg_constraint
            WHERE contype = 'c' AND NOT convalidated AND connamespace = current_schema()::regnamespace
        LOOP
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', one.of_table, one.conname);
        END LOOP;
    END $$
"""


async def current_revision(database: Database) -> str | None:
    """Return the revision of the database; None if it is empty. Raises `DatabaseUnavailable`."""
    async with database.reading() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def head_revision() -> str | None:
    """Return the revision that this release requires."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_known_revision(revision: str) -> bool:
    """Whether this release has the revision, so that it can migrate a database of it."""
    return any(one.revision == revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def is_later_revision(revision: str | None) -> bool:
    """Whether a database of this revision was migrated by a later release."""
    return revision is not None and not is_known_revision(revision)


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    before = MigrationContext.configure(connection).get_current_revision()
    if is_later_revision(before):
        return before, before
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, MigrationContext.configure(connection).get_current_revision()
