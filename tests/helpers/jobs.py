"""Jobs in the database: created, read, and awaited to their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from app.access.control import AccessControl
from app.following.connection_limits import Holder
from app.following.hub import Hub
from app.following.overview_topic import OverviewTopic
from app.overview_reader import OverviewReader
from app.public_address import PublicAddress
from app.scanner_check import ScannerCheck
from jobs.bundles.downloads import Compression, Download, NewDownload, OnMissing
from jobs.engine.jobs import Failure, FileRequest, Job, Status
from jobs.engine.sql.jobs import list_events
from jobs.engine.worker.sweeper import Sweeper
from jobs.errors import ErrorClass
from jobs.files.visibility import FileReader
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.work import works_of
from tests.helpers.eventually import eventually


def hub_of(services: Services) -> Hub:
    """A hub of the test's own, for anybody."""
    settings = services.settings
    overview = OverviewTopic(OverviewReader(services, ScannerCheck(settings)).read)
    return Hub(services, AccessControl(settings, PublicAddress(settings), services), overview)


async def until_ended(services: Services, job: Job) -> Download:
    """The job once it has ended."""
    hub = hub_of(services)
    async with hub.running():
        await hub.polling.wait(job.id, Holder("test"), 40, lambda status: status.status.ended)
    return await read(services, job.id)


async def commands(services: Services, job_id: UUID) -> list[str]:
    """The commands of the job\'s transitions, in their order."""
    async with services.database.reading() as connection:
        return [event["command"] for event in await list_events(connection, job_id)]


async def count_processing(services: Services) -> int:
    """The number of jobs that workers hold."""
    async with services.database.reading() as connection:
        count = text("SELECT count(*) FROM jobs WHERE status = 'processing'")
        return int((await connection.execute(count)).scalar_one())


async def until_command(services: Services, job: Job, command: str, *, times: int = 1) -> None:
    """Returns when the job has made transitions by this command, as often as this."""

    async def is_made() -> bool:
        return (await commands(services, job.id)).count(command) >= times

    await eventually(is_made)


async def until_processing(services: Services, count: int) -> None:
    """Returns when workers hold at least `count` jobs."""

    async def are_held() -> bool:
        return await count_processing(services) >= count

    await eventually(are_held)


async def create(
    services: Services,
    *file_ids: int,
    archive_name: str | None = "bundle.zip",
    on_missing: OnMissing = OnMissing.FAIL,
    compression: Compression = Compression.STORE,
    owner: str = ANONYMOUS,
    reader: FileReader | None = None,
) -> Job:
    """A new job of these files."""
    files = [FileRequest(file_id=file_id) for file_id in file_ids]
    return await services.downloads.create(
        NewDownload(
            files=files,
            archive_name=archive_name,
            on_missing=on_missing,
            compression=compression,
            owner=owner,
            reader=reader,
        )
    )


async def dead(
    services: Services, error_class: ErrorClass = ErrorClass.NETWORK, *, file_id: int = 10_000, **options: Any
) -> Job:
    """A job that failed in every attempt, the last time with this error."""
    return await until_dead(services, await create(services, file_id, **options), error_class)


async def until_dead(services: Services, job: Job, error_class: ErrorClass = ErrorClass.NETWORK) -> Job:
    """The job, of any kind, after it has failed in every attempt, the last time with this error."""
    while not job.status.ended:
        async with services.database.begin() as connection:
            await connection.execute(text("UPDATE jobs SET due_at = now() WHERE id = :id"), {"id": job.id})
        claimed = await services.lifecycle.claim(job.id, job.fence, "worker-1")
        assert claimed is not None
        why = Failure(error_class=error_class, message=f"attempt {claimed.job.attempt} went wrong")
        job = await services.lifecycle.fail(claimed.job, why)
    await services.lifecycle.close()  # its own messages have been sent: they can't come after those of a test
    return job


async def read(services: Services, job_id: UUID) -> Download:
    """The download as it is now."""
    return await services.downloads.read(job_id)


async def read_job(services: Services, job_id: UUID) -> Job:
    """The job as the engine knows it."""
    snapshot = await services.snapshots.read(job_id)
    assert snapshot is not None
    return snapshot.job


async def ended(api: httpx.AsyncClient, job: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The final status of the job at this path, with all its files; waits by long-poll."""
    headers = headers or {}
    answer = await api.get(f"{job}?since=999999", headers={"Prefer": "wait=30", **headers})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] in {"completed", "failed", "cancelled", "expired"}, answer.text
    final: dict[str, Any] = (await api.get(f"{job}?since=0", headers=headers)).json()
    return final


async def bring_cleanups_forward(services: Services) -> None:
    """Makes all of them due. Rows that a transaction has locked are tried again, since waiting for several may deadlock."""
    later = "SELECT id FROM jobs WHERE cleanup_at > now()"
    bring = f"UPDATE jobs SET cleanup_at = now() WHERE id IN ({later} FOR UPDATE SKIP LOCKED)"
    while await services.database.fetch(later):
        async with services.database.begin() as connection:
            await connection.execute(text(bring))


async def clean_now(services: Services) -> None:
    """Deletes all leftover objects and rows, also those that are not due yet."""
    await bring_cleanups_forward(services)
    await Sweeper(services, works_of(services)).clean_up()


async def until_completed(services: Services, jobs: Sequence[Job]) -> None:
    """Returns when all jobs have ended, and asserts that they were completed."""
    hub = hub_of(services)
    async with hub.running():
        for job in jobs:
            await hub.polling.wait(job.id, Holder("test"), 40, lambda status: status.status.ended)
    assert {(await read(services, job.id)).status for job in jobs} == {Status.COMPLETED}
