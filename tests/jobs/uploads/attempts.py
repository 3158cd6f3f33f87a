"""Attempts at uploads, made by hand, and their cleanup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobs.engine.jobs import Job
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.outcomes import Outcomes
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.sweeper import Sweeper
from jobs.engine.worker.work import Success
from jobs.errors import HaulageError
from jobs.services import Services
from jobs.uploads.attempt import Receiver
from jobs.uploads.scanning import Scan, Verdict
from jobs.uploads.uploads import MIB, Upload
from jobs.work import works_of
from tests.helpers.uploads import created, send, with_small_parts


def receiver(services: Services, **more: Any) -> Receiver:
    return Receiver(
        uploads=services.uploads,
        database=services.database,
        storage=services.storage,
        settings=services.settings,
        **more,
    )


async def claimed(services: Services, job: Job, worker: str = "w") -> Claimed:
    found = await services.lifecycle.claim(job.id, job.fence, worker)
    assert found is not None
    return found


async def attempted(services: Services, held: Claimed, by: Receiver | None = None) -> tuple[Success, Reporter]:
    """One attempt, whose outcome is not written yet."""
    reporter = Reporter(held.job, held.records, services.lifecycle, services.feed)
    return await (by or receiver(services)).attempt(held, reporter), reporter


async def processed(services: Services, job: Job, by: Receiver | None = None) -> Upload:
    """The upload after one attempt that succeeds."""
    held = await claimed(services, job)
    success, reporter = await attempted(services, held, by)
    await Outcomes(services).write(held.job, success, reporter.last_batch())
    return await services.uploads.read(job.id)


async def failure(services: Services, job: Job, by: Receiver | None = None) -> HaulageError:
    with pytest.raises(HaulageError) as raised:
        await attempted(services, await claimed(services, job), by)
    return raised.value


async def failed(services: Services, job: Job, by: Receiver | None = None) -> Upload:
    """The upload after one attempt that fails, and is written."""
    held = await claimed(services, job)
    reporter = Reporter(held.job, held.records, services.lifecycle, services.feed)
    with pytest.raises(HaulageError) as raised:
        await (by or receiver(services)).attempt(held, reporter)
    outcomes = Outcomes(services)
    outcome = await outcomes.judge(raised.value, started_at=0, made_progress=False)
    await outcomes.write(held.job, outcome, notices=reporter.notices)
    return await services.uploads.read(job.id)


async def sent_in_parts(services: Services, data: bytes) -> Upload:
    upload = await with_small_parts(services, await created(services, data, "big.bin"), 5 * MIB)
    await send(services, upload, data)
    return upload


class Reads:
    """Reads everything, and answers what the test says."""

    def __init__(self, verdict: Verdict, *, accepted: bool) -> None:
        self.seen = b""
        self._verdict = verdict
        self._accepted = accepted

    async def scan(self, chunks: AsyncIterator[bytes]) -> Scan:
        self.seen = b"".join([chunk async for chunk in chunks])
        return Scan(verdict=self._verdict, accepted=self._accepted, finding=None, size=len(self.seen), sha256=None)


async def clean_up(services: Services, upload: Upload, *, ended: str = "1 hour") -> Upload:
    """Runs the cleanup of an upload that ended this long ago."""
    await services.database.fetch(
        "UPDATE jobs SET cleanup_at = now() - interval '1 second', finished_at = now() - CAST($2 AS text)::interval"
        " WHERE id = $1",
        upload.id,
        ended,
    )
    await Sweeper(services, works_of(services)).clean_up()
    return await services.uploads.read(upload.id)
