"""Running jobs that change at a steady pace, as workers change them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import FileRequest
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.reporter import Reporter
from jobs.owners import ANONYMOUS
from jobs.services import Services, open_services
from jobs.settings import Settings

FILES = 5
"""Files of each job."""
PACE = 100
"""Durable batches a second over all jobs, each of which is published."""


async def running_jobs(services: Services, count: int, each: int = FILES, owner: str = ANONYMOUS) -> list[Claimed]:
    """So many jobs of `each` files that a worker holds, with a live message. No worker runs, so they stay as they are."""
    slots = asyncio.Semaphore(8)

    async def make(number: int) -> Claimed:
        files = [FileRequest(file_id=10_000 + number * each + place) for place in range(each)]
        async with slots:
            new = NewDownload(files=files, archive_name=f"bundle {number}.zip", owner=owner)
            job = await services.downloads.create(new)
            claimed = await services.lifecycle.claim(job.id, job.fence, "bench")
        assert claimed is not None
        return claimed

    return await asyncio.gather(*(make(number) for number in range(count)))


def change(settings: Settings, claimed: Sequence[Claimed]) -> None:
    """Changes the jobs in turn until the process is ended."""
    asyncio.run(_change(settings, claimed))


async def _change(settings: Settings, claimed: Sequence[Claimed]) -> None:
    async with open_services(settings) as services:
        reporters = [Reporter(it.job, it.records, services.lifecycle, services.feed) for it in claimed]
        for it, reporter in zip(claimed, reporters, strict=True):
            reporter.resolved(
                [replace(record, entry_name=f"{record.index}.bin", size=1 << 30) for record in it.records]
            )
        clock = asyncio.get_running_loop().time
        due = clock()
        for turn, reporter in enumerate(cycle(reporters)):
            reporter.read(turn % FILES, 1 << 20)
            await reporter.flush()
            await services.feed.publish(reporter.event())
            due = max(due + 1 / PACE, clock())
            await asyncio.sleep(due - clock())
