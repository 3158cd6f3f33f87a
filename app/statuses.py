"""The status of jobs, read a thousand times as cheaply as can be without ever being old.

PostgreSQL and Redis are asked every time, but only for what tells whether anything has changed: the job's `seq` and place
in the queue, and its latest live message. While these are the same, so is the answer, and nothing is put together anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.schemas import JobStatus
from app.views import status_of
from jobs.domain.errors import JobNotFound, RedisUnavailable
from jobs.domain.events import Event
from jobs.domain.jobs import FileRecord, Status
from jobs.services import Services
from jobs.store.files import load_files
from jobs.store.snapshots import Mark

KEPT = 4096
"""Jobs whose last answer is kept, a few kilobytes each."""


@dataclass(frozen=True, slots=True)
class _Live:
    """The latest live message of a job, as it was published; `degraded` when Redis could not be asked."""

    body: bytes | None = None
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    """What an answer was made of, and the answer."""

    mark: Mark
    live: _Live
    status: JobStatus


class Statuses:
    """Reads jobs for all requests of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[UUID, _Kept] = {}

    async def read(self, job_id: UUID, since: int | None = None) -> JobStatus:
        """The job now, with its files that changed after `since`. Raises `JobNotFound`, `DatabaseUnavailable`."""
        kept = self._kept.get(job_id) if since is None else None
        if kept is not None:
            mark = await self._services.snapshots.mark(job_id)
            if mark == kept.mark and await self._live(job_id, mark.status) == kept.live:
                return kept.status
        return await self._read(job_id, since)

    async def _read(self, job_id: UUID, since: int | None) -> JobStatus:
        snapshot = await self._services.snapshots.read(job_id)
        if snapshot is None:
            self._kept.pop(job_id, None)
            raise JobNotFound(f"There is no job {job_id}.")
        live = await self._live(job_id, snapshot.job.status)
        event = None if live.body is None else Event.model_validate_json(live.body)
        if event is not None and event.seq > snapshot.job.seq:
            # It was published in between: without it, numbers that were told before would go back.
            snapshot = await self._services.snapshots.read(job_id) or snapshot
        records: list[FileRecord] = []
        if since is not None:
            async with self._services.database.reading() as connection:
                records = await load_files(connection, job_id, since)
        status = status_of(snapshot, event, since=since, records=records, degraded=live.degraded)
        if since is None:
            self._keep(job_id, _Kept(snapshot.mark, live, status))
        return status

    async def _live(self, job_id: UUID, status: Status) -> _Live:
        """Only a job that is being worked on has live messages that say more than PostgreSQL."""
        if status is not Status.PROCESSING:
            return _Live()
        try:
            return _Live(await self._services.feed.latest(job_id))
        except RedisUnavailable:
            return _Live(degraded=True)

    def _keep(self, job_id: UUID, kept: _Kept) -> None:
        self._kept[job_id] = kept
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
