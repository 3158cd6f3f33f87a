"""What an attempt tells: every change once, and never more than is new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from jobs.concurrency import cancel_and_wait
from jobs.engine.events import Event
from jobs.engine.order import Order, Verdict, judge
from jobs.engine.worker import reporter
from jobs.engine.worker.reporter import Reporter
from jobs.kinds import Phase
from jobs.services import Services
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create

FILES = 50
STEPS = 6
"""Steps of the event loop from a file's end to the cancellation, which so comes before, in and after all that it wakes."""


@pytest.fixture(params=["redis", "postgres"])
def changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"queue": request.param}


@asynccontextmanager
async def reporting(services: Services) -> AsyncIterator[tuple[Reporter, asyncio.Queue[Event]]]:
    """A reporter that runs, and what it publishes."""
    job = await create(services, *range(10_000, 10_000 + FILES))
    claimed = await services.lifecycle.claim(job.id, job.fence, "worker-1")
    assert claimed is not None
    await services.lifecycle.close()
    heard: asyncio.Queue[Event] = asyncio.Queue()
    subscriptions = services.transport.subscriptions(
        lambda event, _: heard.put_nowait(event), asyncio.Event().set, asyncio.Event().set, lambda _: None
    )
    telling = Reporter(claimed.job, claimed.records, services.lifecycle, services.feed)
    listening = asyncio.create_task(subscriptions.run())
    subscriptions.subscribe(job.id)
    await eventually(lambda: subscriptions.token(job.id) is not None)
    telling.resolved([replace(record, entry_name=f"{record.index}.bin", size=100) for record in claimed.records])
    running = asyncio.create_task(telling.run())
    try:
        yield telling, heard
    finally:
        await cancel_and_wait(running, listening)


async def test_a_batch_is_told_once(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "BATCH", 0.2)
    have: Order = (0, 0)
    told: set[int] = set()
    async with asyncio.timeout(20), reporting(services) as (telling, heard):
        for index in range(20):
            telling.done(index, 0)
            while True:
                event = await heard.get()
                assert event.order > have
                assert have == (0, 0) or judge(have, event.since, event.order) is Verdict.NEXT
                assert event.seq != have[0] or event.since == event.seq
                have = event.order
                told.update(view.index for view in event.files if view.status == "done")
                if index in told:
                    break
        assert event.seq > 3  # some of it became durable
        assert told == set(range(20))


@pytest.mark.parametrize("steps", range(STEPS))
async def test_a_cancellation_together_with_the_end_of_a_file_ends_the_reporter_at_once(
    services: Services, steps: int
) -> None:
    """`asyncio.wait_for` of Python 3.11 lost it: the task went on until it was cancelled again."""
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "worker-1")
    assert claimed is not None
    reporting = Reporter(claimed.job, claimed.records, services.lifecycle, services.feed)
    running = asyncio.create_task(reporting.run())
    reporting.enter(Phase.PACKING)
    for _ in range(STEPS):
        await asyncio.sleep(0)
    reporting.done(0, 0)
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running], timeout=5)
    assert running.cancelled()
