"""Wake-ups by NOTIFY: jobs start at once although the next poll would be in ten minutes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from jobs.engine.jobs import Failure, Status
from jobs.errors import ErrorClass
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import PATIENCE
from tests.helpers.jobs import create, read, until_completed, until_ended
from tests.helpers.running import working
from tests.helpers.settings import WAKE_UPS_ONLY
from tests.jobs.engine.notify.listeners import end_listeners, until_listening


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"queue": "postgres", "worker_concurrency": 2, "lease_ttl": 60, **WAKE_UPS_ONLY}


async def test_jobs_start_at_once(services: Services, settings: Settings, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"x")
    async with asyncio.timeout(PATIENCE), working(settings):
        await until_listening(services)
        for _ in range(3):
            await until_completed(services, [await create(services, file_id)])


async def test_a_backlog_is_claimed_as_there_is_room(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    """No wake-up says that: the worker polls again when a job has ended."""
    file_id = await catalogue.add(b"x")
    jobs = [await create(services, file_id, archive_name=f"{number}.zip") for number in range(20)]
    async with asyncio.timeout(PATIENCE), working(settings), working(settings, "worker-2"):
        await until_completed(services, jobs)


async def test_a_job_is_tried_again_when_it_is_due(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    """The worker that has failed wakes itself, and all others."""
    ids = [await catalogue.add(b"good"), await catalogue.add(b"bad", sha256="0" * 64)]
    async with asyncio.timeout(PATIENCE), working(settings):
        await until_listening(services)
        ended = await until_ended(services, await create(services, *ids))
    assert (ended.status, ended.attempt) == (Status.FAILED, 3)


async def test_a_job_that_another_process_has_failed_is_tried_again(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    job = await create(services, await catalogue.add(b"x"))
    claimed = await services.lifecycle.claim(job.id, job.fence, "another worker")
    assert claimed is not None
    async with asyncio.timeout(PATIENCE), working(settings):
        await until_listening(services)
        await services.lifecycle.fail(claimed.job, Failure(error_class=ErrorClass.NETWORK, message="cut"))
        await until_completed(services, [job])
    assert (await read(services, job.id)).attempt == 2


async def test_wake_ups_that_were_missed_are_made_up_for(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    """A worker that listens again polls at once."""
    file_id = await catalogue.add(b"x")
    with capture_logs() as logs:
        async with asyncio.timeout(PATIENCE), working(settings):
            await until_listening(services)
            await end_listeners(services)
            await until_completed(services, [await create(services, file_id)])
            await until_listening(services)
            await until_completed(services, [await create(services, file_id)])
    events = [log["event"] for log in logs if log["event"].startswith("wake_ups_")]
    assert events == ["wake_ups_started", "wake_ups_lost", "wake_ups_started"]
