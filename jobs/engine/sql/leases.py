"""A worker's leases, renewed on a connection of their own: a busy pool can't delay it, nor one that is half open."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic import PostgresDsn

from jobs.database import connect_arguments, translated


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of the leases that a worker asked for, each a job's id and fence."""

    renewed: frozenset[tuple[UUID, int]]
    locked: frozenset[tuple[UUID, int]]
    """Still the worker's, but somebody is at work on the row: to be asked for again in a moment."""


class Leases:
    """Renews the leases of one worker. No call takes longer than `timeout` seconds."""

    def __init__(self, dsn: PostgresDsn, worker: str, *, lease: float, timeout: float) -> None:
        """No connection is made yet. `lease`: for how many seconds a lease is renewed."""
        self._arguments = connect_arguments(dsn)
        self._worker = worker
        self._lease = lease
        self._timeout = timeout
        self._connection: asyncpg.Connection | None = None

    def close(self) -> None:
        """Ends the connection at once: a polite end takes an answer."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def renew(self, turns: Collection[tuple[UUID, int]]) -> Renewal:
        """Renews the leases of jobs, given with their fences; those of neither kind are no longer the worker's.

        Raises `DatabaseUnavailable`; the next call takes a new connection.
        """
        ids, fences = [job_id for job_id, _ in turns], [fence for _, fence in turns]
        try:
            with translated():
                async with asyncio.timeout(self._timeout):
                    connection = await self._connected()
                    rows = await connection.fetch(_RENEW, self._worker, ids, fences, self._lease)
        except BaseException:
            self.close()
            raise
        renewed = frozenset((row["id"], row["fence"]) for row in rows if row["renewed"])
        return Renewal(renewed, frozenset((row["id"], row["fence"]) for row in rows if not row["renewed"]))

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            # What we no longer wait for must not renew a lease later, when nobody works on the job.
            limit = str(round(1000 * self._timeout))
            settings = {"application_name": "haulage leases", "statement_timeout": limit}
            self._connection = await asyncpg.connect(**self._arguments, server_settings=settings)
        return self._connection


_RENEW = """
    WITH held AS (
        SELECT j.id, j.fence
        FROM download_jobs AS j JOIN unnest($2::uuid[], $3::bigint[]) AS turn (id, fence) USING (id, fence)
        WHERE j.worker = $1 AND j.status = 'processing'
    ), free AS (
        SELECT j.id FROM download_jobs AS j JOIN held USING (id, fence)
        WHERE j.worker = $1 AND j.status = 'processing'
        FOR NO KEY UPDATE OF j SKIP LOCKED
    ), renewed AS (
        UPDATE download_jobs AS j SET lease_until = clock_timestamp() + make_interval(secs => $4)
        FROM free WHERE j.id = free.id
        RETURNING j.id
    )
    SELECT held.id, held.fence, renewed.id IS NOT NULL AS renewed FROM held LEFT JOIN renewed USING (id)
"""
"""One locked row must not keep the others from being renewed."""
