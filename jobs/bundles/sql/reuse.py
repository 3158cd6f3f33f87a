"""Statements about bundles that several downloads share.

A bundle is *used* while a completed download has it as its result, or an expired one whose grace period for downloads in
progress has not ended. A download may start to use another one's bundle only in a transaction that locks a completed
download which uses it (`lock_shared`). So a bundle that is unused stays unused, and may be removed without a lock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.bundles.downloads import Result
from jobs.bundles.sql.rows import result_of
from jobs.bundles.sql.tables import download_jobs
from jobs.engine.sql.tables import jobs


async def find_equal(connection: AsyncConnection, content_hash: str, owner: str) -> Result | None:
    """The bundle of a completed download with this content, the one that expires last.

    It is one of the same owner, or one all of whose files are public: else users would learn from the speed of a download
    that somebody has packed the same files.
    """
    row = (await connection.execute(_equal(content_hash, owner))).mappings().one_or_none()
    return None if row is None else result_of(row)


async def lock_shared(connection: AsyncConnection, bundle: Result, owner: str) -> bool:
    """Keeps a completed download that uses the bundle from expiring until the transaction ends; False if none does."""
    query = _equal(bundle.content_hash, owner).where(download_jobs.c.result_key == bundle.key)
    return (await connection.execute(query.with_for_update(read=True, of=jobs))).first() is not None


def _equal(content_hash: str | None, owner: str) -> Select[*tuple[object, ...]]:
    return (
        select(*download_jobs.c)
        .join(jobs, jobs.c.id == download_jobs.c.job_id)
        .where(
            jobs.c.status == "completed",
            download_jobs.c.result_content_hash == content_hash,
            jobs.c.expires_at > func.statement_timestamp(),
            or_(jobs.c.owner == owner, download_jobs.c.result_public),
        )
        .order_by(download_jobs.c.result_expires_at.desc())
        .limit(1)
    )


async def find_used(connection: AsyncConnection, keys: Collection[str], grace: float) -> dict[str, datetime]:
    """Those of the keys whose bundles are used, and until when.

    A completed download uses its bundle until `grace` seconds after it expires.
    """
    rows = await connection.execute(_USED, {"keys": list(keys), "grace": grace})
    return {row.key: row.until for row in rows}


_USED = text(
    """
    SELECT result_key AS key,
        max(CASE status WHEN 'completed' THEN expires_at + make_interval(secs => :grace) ELSE grace_until END) AS until
    FROM download_jobs JOIN jobs ON id = job_id
    WHERE result_kind = 'bundle' AND result_key = ANY (CAST(:keys AS text[]))
        AND (status = 'completed' OR grace_until > clock_timestamp())
    GROUP BY result_key
    """
)
