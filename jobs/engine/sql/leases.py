"""Renews leases on a connection of its own, so that neither a busy pool nor a half-open connection can delay it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from jobs.database import translate_errors
from jobs.database_connections import Connector
from jobs.engine.jobs import Turn


@dataclass(frozen=True, slots=True)
class Renewal:
    """The outcome for the leases that a worker wanted to renew, each a job's id and fence."""

    renewed: frozenset[Turn]
    locked: frozenset[Turn]
    """Still held by the worker, but the row was locked: renew again soon."""


class Leases:
    """Renews the leases of one worker. No call takes longer than `timeout` seconds."""

    def __init__(self, url: str, worker: str, *, lease: float, timeout: float) -> None:
        """Opens no connection yet. `lease` is the seconds for which a lease is renewed."""
        # A statement that timed out here must not renew a lease later, when the job is no longer worked on.
        limit = {"statement_timeout": str(round(1000 * timeout))}
        self._connector = Connector(url, limit, name="haulage leases", command_timeout=None)
        self._worker = worker
        self._lease = lease
        self._timeout = timeout
        self._connection: asyncpg.Connection | None = None

    def close(self) -> None:
        """Closes the connection at once: a graceful close would wait for the server."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def renew(self, turns: Collection[Turn]) -> Renewal:
        """Renews the leases of jobs, given with their fences. Those in neither set are no longer held by the worker.

        Raises `DatabaseUnavailable`; the next call opens a new connection.
        """
        ids, fences = [job_id for job_id, _ in turns], [fence for _, fence in turns]
        try:
            with translate_errors():
                async with asyncio.timeout(self._timeout):
                    connection = await self._connected()
                    rows = await self._connector.fetch(connection, _RENEW, self._worker, ids, fences, self._lease)
        except BaseException:
            self.close()
            raise
        renewed = frozenset((row["id"], row["fence"]) for row in rows if row["renewed"])
        return Renewal(renewed, frozenset((row["id"], row["fence"]) for row in rows if not row["renewed"]))

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connector.connect()
        return self._connection


_RENEW = """
    WITH held AS (
        SELECT j.id, j.fence
        FROM jobs AS j JOIN unnest($2::uuid[], $3::bigint[]) AS turn (id, fence) USING (id, fence)
        WHERE j.worker = $1 AND j.status = 'processing'
    ), free AS (
        SELECT j.id FROM jobs AS j JOIN held USING (id, fence)
        WHERE j.worker = $1 AND j.status = 'processing'
        FOR NO KEY UPDATE OF j SKIP LOCKED
    ), renewed AS (
        UPDATE jobs AS j SET lease_until = clock_timestamp() + make_interval(secs => $4)
        FROM free WHERE j.id = free.id
        RETURNING j.id
    )
    SELECT held.id, held.fence, renewed.id IS NOT NULL AS renewed FROM held LEFT JOIN renewed USING (id)
"""
"""A locked row must not keep the others from being renewed."""
