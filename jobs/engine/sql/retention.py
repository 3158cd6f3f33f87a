"""Statements that delete the rows of jobs: those of jobs that ended long ago, and those of jobs that a person deleted."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.engine.sql.partitions import PARTITIONED
from jobs.engine.sql.tables import REMOVABLE


async def delete_past_retention(database: Database, retention: float, limit: int) -> int:
    """Deletes jobs that ended more than `retention` seconds ago, at most `limit`. Returns their number.

    Their file records and events can no longer be found. They go with the partition of their day, which takes no time per
    row. Only those in the default partition, usually none, are deleted with the jobs.
    """
    [row] = await database.fetch(_DELETE_PAST_RETENTION, retention, limit)
    return int(row["count"])


_DELETE_PAST_RETENTION = f"""
    WITH deleted AS (
        DELETE FROM jobs WHERE id = ANY (ARRAY(
            SELECT id FROM jobs
            WHERE {REMOVABLE} AND finished_at < statement_timestamp() - make_interval(secs => $1)
            ORDER BY finished_at LIMIT $2
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING id
    ),
    {", ".join(f"of_{table} AS (DELETE FROM {table}_default USING deleted WHERE job_id = id)" for table in PARTITIONED)}
    SELECT count(*) FROM deleted
"""  # noqa: S608 - ours


async def delete_deleted(connection: AsyncConnection, limit: int) -> int:
    """Deletes jobs that a person deleted and whose leftover objects are removed, with all rows about them."""
    found = await connection.execute(_DELETED, {"limit": limit})
    job_ids = list(found.scalars())
    if job_ids:
        for table in PARTITIONED:
            statement = f"DELETE FROM {table} WHERE job_id = ANY (CAST(:ids AS uuid[]))"  # noqa: S608 - ours
            await connection.execute(text(statement), {"ids": job_ids})
        await connection.execute(text("DELETE FROM jobs WHERE id = ANY (CAST(:ids AS uuid[]))"), {"ids": job_ids})
    return len(job_ids)


_DELETED = text(
    """
    SELECT id FROM jobs WHERE deleted_at IS NOT NULL AND cleanup_at IS NULL
    ORDER BY deleted_at LIMIT CAST(:limit AS bigint) FOR UPDATE SKIP LOCKED
    """
)
