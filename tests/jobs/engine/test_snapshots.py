"""What is read of jobs while they change."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import pytest

from jobs.engine.jobs import Status
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.services import Services
from tests.helpers.jobs import create


async def test_a_job_that_leaves_the_queue_while_it_is_read_is_read_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await create(services, 10_000)
    read = QueuePlaces.read

    async def read_late(places: QueuePlaces, queued: Iterable[tuple[UUID, str]]) -> dict[UUID, int]:
        await services.lifecycle.claim(job.id, job.fence, "w")
        return await read(places, queued)

    monkeypatch.setattr(QueuePlaces, "read", read_late)
    snapshot = await services.snapshots.read(job.id)
    assert snapshot is not None
    assert (snapshot.job.status, snapshot.position) == (Status.PROCESSING, None)
