"""What operators read about workers and jobs of all owners."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.operator_schemas import (
    AttemptView,
    DependencyName,
    JobTimeline,
    OperatorJob,
    OperatorTransition,
    QueuedBecause,
    RunningJob,
    SlotsView,
    WorkerList,
    WorkerView,
)
from app.overview_reader import Kept, OverviewReader, slots_of
from app.schemas import BaseStatus, JobStatus, ProcessingStatus, UploadStatus
from app.serializers import transition_of
from app.status_reader import StatusReader
from jobs.bundles.downloads import Download
from jobs.engine.events import ErrorView
from jobs.engine.jobs import Job, Status
from jobs.engine.queued_because import Surroundings, queued_because
from jobs.engine.sql.fleet import Process, Running, list_running
from jobs.engine.sql.jobs import list_latest_events
from jobs.engine.sql.rows import Row, failure_of
from jobs.engine.sql.snapshots import Snapshots
from jobs.errors import JobNotFound
from jobs.kinds import Kind
from jobs.processing.processing import Processing
from jobs.services import Services
from jobs.uploads.uploads import Upload

WORKERS_MAX_AGE = 1.0
"""Seconds for which what all workers do is kept."""
SHOWN = 50
"""Jobs of one worker that are shown."""
EVENTS, ATTEMPTS = 500, 100
"""The latest transitions and attempts of a job that are shown."""
NEEDED: Mapping[Kind, frozenset[DependencyName]] = {
    Kind.DOWNLOAD: frozenset({DependencyName.STORAGE}),
    Kind.UPLOAD: frozenset({DependencyName.STORAGE, DependencyName.SCANNER}),
    Kind.IMAGE: frozenset({DependencyName.STORAGE}),
    Kind.PDF: frozenset({DependencyName.STORAGE}),
    Kind.VIDEO: frozenset({DependencyName.STORAGE}),
}
"""What workers do not claim jobs of a kind without. They do without Redis."""


class OperatorReader:
    """Reads for operators. Its calls raise `DatabaseUnavailable`."""

    def __init__(self, services: Services, statuses: StatusReader, overview: OverviewReader) -> None:
        self._services = services
        self._statuses = statuses
        self._overview = overview
        self._workers = Kept(self._read_workers, WORKERS_MAX_AGE)

    async def workers(self) -> WorkerList:
        """The workers that are known, and what each runs now."""
        return await self._workers.get()

    async def jobs(self, job_ids: Sequence[UUID]) -> list[OperatorJob]:
        """Those of the jobs that exist, in this order."""
        it = self._services
        kinds: tuple[Snapshots[Any], ...] = (it.downloads.snapshots, it.uploads.snapshots, it.processing.snapshots)
        found: dict[UUID, Download | Upload | Processing] = {}
        for snapshots in kinds:
            left = [job_id for job_id in job_ids if job_id not in found]
            if left:
                found |= {job_id: snapshot.job for job_id, snapshot in (await snapshots.read_many(left)).items()}
        return [_job_of(found[job_id]) for job_id in job_ids if job_id in found]

    async def timeline(self, job_id: UUID) -> JobTimeline:
        """One job, and what has happened to it. Raises `JobNotFound`."""
        status = await self._statuses.read(job_id)
        snapshot = await self._services.snapshots.read(job_id)
        if snapshot is None:
            raise JobNotFound(f"There is no job {job_id}.")
        assert isinstance(status, (JobStatus, UploadStatus, ProcessingStatus))
        events = await list_latest_events(self._services.database, job_id, EVENTS)
        trace_id = snapshot.job.trace_id
        is_same = status.status is snapshot.job.status  # it may have moved between the two reads
        return JobTimeline(
            job=status,
            owner=snapshot.job.owner,
            queued_because=await self._queued_because(snapshot.job, snapshot.position, snapshot.at)
            if is_same
            else None,
            attempts=attempts_of(snapshot.job, events, status)[-ATTEMPTS:],
            events=[_transition_of(event) for event in events],
            trace_id=trace_id,
            trace_url=self._services.settings.link_of_trace(trace_id),
        )

    async def _queued_because(self, job: Job, position: int | None, now: datetime) -> QueuedBecause | None:
        workers, queues = await self._overview.workers.get(), await self._overview.queues.get()
        down = {one.name for one in await self._overview.dependencies.get() if one.status == "down"}
        around = Surroundings(
            paused=job.kind in await self._services.fleet.paused(),
            slots=slots_of(workers, job.kind),
            busy=next(queue.by_status[Status.PROCESSING] for queue in queues if queue.kind is job.kind),
            dependencies_out=sorted(down & NEEDED[job.kind]),
        )
        found = queued_because(job, position, around, now)
        return None if found is None else QueuedBecause(reason=found.reason, position=position, detail=found.detail)

    async def _read_workers(self) -> WorkerList:
        workers = await self._overview.workers.get()
        running = await list_running(self._services.database)
        busy = Counter((one.worker, one.kind) for one in running)
        held: defaultdict[str, list[Running]] = defaultdict(list)
        for one in running:
            if len(held[one.worker]) < SHOWN:
                held[one.worker].append(one)
        shown = [one for jobs in held.values() for one in jobs]
        statuses = dict(zip(shown, await asyncio.gather(*map(self._status, shown)), strict=True))
        return WorkerList(
            workers=[
                _worker_of(
                    worker,
                    busy,
                    [(one, status) for one in held[worker.name] if (status := statuses[one]) is not None],
                )
                for worker in workers
            ]
        )

    async def _status(self, running: Running) -> BaseStatus | None:
        """The job as it is now; None if it runs no more."""
        with suppress(JobNotFound):
            status = await self._statuses.read(running.job_id)
            return status if status.status is Status.PROCESSING else None
        return None


def attempts_of(job: Job, events: Sequence[Row], status: BaseStatus) -> list[AttemptView]:
    """The attempts in the transitions of a job, the oldest first. `status`: the job as it is now."""
    found: list[AttemptView] = []
    for event in events:
        if event["command"] == "claim":
            found.append(
                AttemptView(
                    attempt=event["attempt"],
                    worker=event["worker"],
                    started_at=event["at"],
                    ended_at=None,
                    outcome=None,
                    error=None,
                    phase=None,
                    bytes=None,
                    bytes_per_second=None,
                )
            )
        elif found and event["source"] == Status.PROCESSING:
            ended = {"ended_at": event["at"], "outcome": event["command"], "error": ErrorView.of(failure_of(event))}
            found[-1] = found[-1].model_copy(update=ended)
    if found:
        found[-1] = found[-1].model_copy(update=_progress_of(found[-1], job, status))
    return found


def _progress_of(last: AttemptView, job: Job, status: BaseStatus) -> dict[str, Any]:
    """What is known of the last attempt only: its phase and speed while it runs, afterwards its average speed."""
    if last.ended_at is None:
        progress = status.progress
        return {"phase": progress.phase, "bytes": progress.bytes_done, "bytes_per_second": progress.bytes_per_second}
    taken = (last.ended_at - last.started_at) / timedelta(seconds=1)
    done = job.progress.bytes_done
    return {"bytes": done, "bytes_per_second": round(done / taken) if taken > 0 else None}


def _transition_of(event: Row) -> OperatorTransition:
    return OperatorTransition(**transition_of(event).model_dump(), worker=event["worker"])


def _job_of(job: Download | Upload | Processing) -> OperatorJob:
    return OperatorJob(
        job_id=job.id,
        kind=job.kind,
        owner=job.owner,
        title=job.title,
        status=job.status,
        phase=job.phase,
        percent=job.percent,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        dead=job.dead,
        error=ErrorView.of(job.failure),
        worker=job.worker,
        files_total=job.progress.files_total,
        bytes_total=job.progress.bytes_total,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _worker_of(
    worker: Process, busy: Mapping[tuple[str, Kind], int], jobs: Sequence[tuple[Running, BaseStatus]]
) -> WorkerView:
    return WorkerView(
        name=worker.name,
        started_at=worker.started_at,
        heartbeat_at=worker.seen_at,
        running=worker.running,
        draining=worker.draining,
        kinds=[
            SlotsView(kind=kind, slots=slots, busy=busy.get((worker.name, kind), 0))
            for kind, slots in worker.slots.items()
        ],
        jobs=[
            RunningJob(
                job_id=one.job_id,
                kind=one.kind,
                owner=one.owner,
                title=status.title,
                phase=status.progress.phase,
                percent=status.progress.percent,
                bytes_per_second=status.progress.bytes_per_second,
                started_at=status.started_at or datetime.now(UTC),
                attempt=status.attempt,
            )
            for one, status in jobs
        ],
    )
