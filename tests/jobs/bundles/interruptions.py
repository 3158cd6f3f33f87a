"""Bundles that are half made when their worker is killed."""

from __future__ import annotations

import asyncio
import signal
from uuid import UUID

import pytest

from jobs.bundles.downloads import Compression
from jobs.bundles.format.checkpoints import DonePart
from jobs.engine.jobs import Job
from jobs.engine.sql.upload_parts import load_parts
from jobs.engine.worker.outcomes import Outcome, Outcomes
from jobs.engine.worker.reporter import BATCH
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.gates import Gate, gate
from tests.helpers.jobs import create, read
from tests.helpers.running import worker_process
from tests.helpers.settings import with_changes

MIB = 1 << 20
WHOLE = 60 * MIB


STORE = Compression.STORE


async def parts(services: Services, job_id: UUID) -> list[DonePart]:
    async with services.database.reading() as connection:
        return [DonePart.of(part) for part in await load_parts(connection, job_id)]


async def until_some_parts(services: Services, job: Job) -> int:
    """Waits until parts are recorded, and no more come; returns how many."""
    async with asyncio.timeout(20):
        count = 0
        while not count or count != len(await parts(services, job.id)):
            count = len(await parts(services, job.id))
            await asyncio.sleep(1.2 * BATCH)  # the next batch has been recorded
    return count


def open_when_judged(monkeypatch: pytest.MonkeyPatch, store: Gate) -> None:
    """Opens the gate as soon as an attempt has failed, so that the probe of the store that follows does not hang."""
    judge = Outcomes.judge

    async def opened(self: Outcomes, error: Exception, *, started_at: float, made_progress: bool) -> Outcome:
        store.open()
        return await judge(self, error, started_at=started_at, made_progress=made_progress)

    monkeypatch.setattr(Outcomes, "judge", opened)


async def interrupted(services: Services, settings: Settings, ids: list[int], compression: Compression = STORE) -> Job:
    """A job whose worker was killed when the bundle was half there."""
    async with gate(settings.s3_endpoint, 40 * MIB) as store:
        async with worker_process(with_changes(settings, s3_endpoint=store.url)) as process:
            job = await create(services, *ids, compression=compression)
            await store.held.wait()
            assert await until_some_parts(services, job) >= 2
            process.send_signal(signal.SIGKILL)
            await process.wait()
    return job


async def uploads(services: Services, job: Job) -> list[str]:
    fences = range(1, (await read(services, job.id)).fence + 1)
    keys = [f"bundles/{job.id}/{fence}.zip" for fence in fences]
    return [info.id for key in keys for info in await services.storage.multipart.list_uploads(key)]
