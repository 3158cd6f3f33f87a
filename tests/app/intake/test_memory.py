"""The memory of an intake process does not grow with the size and the number of the files."""

from __future__ import annotations

import asyncio

import psutil  # type: ignore[import-untyped]  # it has no annotations

from jobs.engine.jobs import Status
from jobs.services import Services
from tests.app.intake.forms import END, HEAD, answered, begin
from tests.helpers.raw_http import raw_client
from tests.helpers.running import taking_in_process

MIB = 1 << 20
STREAMS = 6
SIZE = 24 * MIB
PIECE = b"x" * MIB


async def test_several_files_at_once_take_no_more_memory_than_the_budget(services: Services) -> None:
    """144 MiB in all, of which 16 MiB of parts may be in memory."""
    async with taking_in_process(services.settings, INTAKE_MEMORY_BUDGET=str(16 * MIB)) as (url, process):
        watched = psutil.Process(process.pid)
        await upload(url, MIB)
        before = watched.memory_info().rss
        uploads = asyncio.gather(*(upload(url, SIZE) for _ in range(STREAMS)))
        peak = before
        while not uploads.done():
            peak = max(peak, watched.memory_info().rss)
            await asyncio.sleep(0.05)
        await uploads
    assert peak - before < 64 * MIB
    rows = await services.database.fetch("SELECT DISTINCT status FROM jobs")
    assert [row["status"] for row in rows] == [Status.QUEUED]


async def upload(url: str, size: int) -> None:
    async with raw_client(url) as client:
        await begin(client, size)
        await client.send(HEAD, *[PIECE] * (size // MIB), END)
        assert (await answered(client, 90)).status == 202
