"""Statements about bundles that several jobs hand out.

A bundle is *used* while a completed job has it as its result, or an expired one whose downloads may still be under way. A
job may come to use another one's bundle only in a transaction that holds a completed job which uses it (`hold`). So a
bundle that no job uses is used by none ever again, and whoever has seen that may remove it, without a lock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import Result
from jobs.engine.sql.rows import result_of
from jobs.engine.sql.tables import download_jobs

_now = func.clock_timestamp()
_since = func.statement_timestamp()


async def find_equal(connection: AsyncConnection, fingerprint: str) -> Result | None:
    """A completed job's bundle with this content, that which lives longest: others may be gone from the store unseen."""
    row = (await connection.execute(_equal(fingerprint))).mappings().one_or_none()
    return None if row is None else result_of(row)


async def hold(connection: AsyncConnection, bundle: Result) -> bool:
    """Keeps a completed job that uses the bundle from expiring until the transaction ends; False when there is none."""
    query = _equal(bundle.fingerprint).where(download_jobs.c.result_key == bundle.key).with_for_update(read=True)
    return (await connection.execute(query)).first() is not None


def _equal(fingerprint: str | None) -> Select[tuple[object, ...]]:
    return (
        select(download_jobs)
        .where(
            download_jobs.c.status == "completed",
            download_jobs.c.result_fingerprint == fingerprint,
            download_jobs.c.expires_at > _since,
        )
        .order_by(download_jobs.c.expires_at.desc())
        .limit(1)
    )


async def find_used(connection: AsyncConnection, keys: Collection[str], grace: float) -> dict[str, datetime]:
    """Those of the keys whose bundles are used, and until when; `grace` seconds come after a completed job's end."""
    rows = await connection.execute(_USED, {"keys": list(keys), "grace": grace})
    return {row.key: row.until for row in rows}


_USED = text(
    """
    SELECT result_key AS key,
        max(CASE status WHEN 'completed' THEN expires_at + make_interval(secs => :grace) ELSE grace_until END) AS until
    FROM download_jobs
    WHERE result_kind = 'bundle' AND result_key = ANY (CAST(:keys AS text[]))
        AND (status = 'completed' OR grace_until > clock_timestamp())
    GROUP BY result_key
    """
)


async def hasten_cleaning(connection: AsyncConnection, job_id: UUID) -> None:
    """Has the job cleaned now that was to be cleaned later, for a bundle of its own that others have used."""
    await connection.execute(
        update(download_jobs)
        .where(download_jobs.c.id == job_id, download_jobs.c.cleanup_at > _now)
        .values(cleanup_at=_now)
    )
