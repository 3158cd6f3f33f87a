"""Reads the status of jobs cheaply, and never an outdated one.

Each read fetches from PostgreSQL and the feed what shows whether anything has changed: the job's `seq`, its position in the
queue, and its latest live message. While these stay the same, so does the status, which is not built again. Reads that wait
at the same time share one query.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from pydantic import ValidationError

from app.schemas import BaseStatus, ProcessingJob
from app.serializers import status_of
from jobs.batching import Batcher
from jobs.bundles.downloads import Download
from jobs.engine.events import Event
from jobs.engine.jobs import FileRecord, Job, Status
from jobs.engine.sql.snapshots import Mark, Snapshot
from jobs.errors import JobNotFound
from jobs.kinds import Kind
from jobs.processing.processing import Processing
from jobs.services import Services
from jobs.uploads.uploads import Upload

log = structlog.get_logger()

CACHE_SIZE = 4096
"""Jobs whose last status is cached, a few kilobytes each."""
FEED_TIMEOUT = 0.5
"""Seconds that the feed may take to return the live progress: without it the status is `degraded`."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a status depends on: the job's mark and its latest live message, as it was published."""

    mark: Mark
    live: bytes | None
    degraded: bool


class StatusReader:
    """Reads jobs for all requests of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._root = services.settings.root_path
        self._states = Batcher(self._read_states)
        self._kept: dict[UUID, tuple[_State, BaseStatus]] = {}

    async def read(self, job_id: UUID, since: int | None = None) -> BaseStatus:
        """The job now, with its files that changed after `since`. Raises `JobNotFound`, `DatabaseUnavailable`.

        A `since` above the job's `seq`, as after a restored backup, is replaced by 0.
        """
        state = await self._states.read(job_id)
        if state is None:
            self._kept.pop(job_id, None)
            raise JobNotFound(f"There is no job {job_id}.")
        if since is not None:
            return await self._compose(job_id, state, since)
        kept = self._kept.get(job_id)
        if kept is not None and kept[0] == state:
            return kept[1]
        status = await self._compose(job_id, state, None)
        self._kept[job_id] = (state, status)
        if len(self._kept) > CACHE_SIZE:
            del self._kept[next(iter(self._kept))]
        return status

    async def _compose(self, job_id: UUID, state: _State, since: int | None) -> BaseStatus:
        snapshot = await self._snapshot(job_id, state.mark.kind)
        if snapshot is None:
            raise JobNotFound(f"There is no job {job_id}.")
        event = None if state.live is None else _live(job_id, state.live)
        records: list[FileRecord] = []
        if since is not None and since > snapshot.job.seq:
            since = 0
        if since is not None and since < snapshot.job.seq:  # a job whose queue position changed needs no query
            records = await self._services.lifecycle.files(job_id, since)
        return status_of(
            snapshot,
            event,
            since=since,
            records=records,
            degraded=state.degraded,
            root=self._root,
            processing=await self._processing(snapshot.job),
        )

    async def _snapshot(
        self, job_id: UUID, kind: Kind
    ) -> Snapshot[Download] | Snapshot[Upload] | Snapshot[Processing] | None:
        match kind:
            case Kind.DOWNLOAD:
                return await self._services.downloads.snapshots.read(job_id)
            case Kind.UPLOAD:
                return await self._services.uploads.snapshots.read(job_id)
            case Kind.IMAGE | Kind.PDF | Kind.VIDEO:
                return await self._services.processing.snapshots.read(job_id)

    async def _processing(self, job: Job) -> ProcessingJob | None:
        """The job that was created with the file of an upload. It never changes, and is there as soon as the file is."""
        if not isinstance(job, Upload) or job.file_id is None:
            return None
        found = await self._services.processing.first_of(job.file_id)
        return None if found is None else ProcessingJob(job_id=found[0], kind=found[1])

    def has_read(self, job_id: UUID) -> bool:
        """Whether the job was read lately."""
        return job_id in self._kept

    async def _read_states(self, job_ids: Sequence[UUID]) -> dict[UUID, _State]:
        marks = await self._services.snapshots.marks(job_ids)
        # Only running jobs have live messages that are newer than PostgreSQL.
        active = [job_id for job_id, mark in marks.items() if mark.status is Status.PROCESSING]
        live, degraded = await self._read_live(active)
        return {
            job_id: _State(mark, live.get(job_id), degraded and mark.status is Status.PROCESSING)
            for job_id, mark in marks.items()
        }

    async def _read_live(self, job_ids: Sequence[UUID]) -> tuple[dict[UUID, bytes], bool]:
        """The live messages, and whether they are unavailable."""
        if not job_ids:
            return {}, False
        try:
            async with asyncio.timeout(FEED_TIMEOUT):
                latest = await self._services.feed.latest(job_ids)
        except TimeoutError:
            latest = None
        return latest or {}, latest is None


def _live(job_id: UUID, body: bytes) -> Event | None:
    """The live message; None for one of another release, as during an upgrade."""
    try:
        return Event.model_validate_json(body)
    except ValidationError:
        log.warning("live_message_unreadable", job_id=str(job_id), start=body[:200])
        return None
