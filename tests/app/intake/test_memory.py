"""The memory of an intake process does not grow with the size and the number of the files."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit
from uuid import UUID

import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest

from app.intake.tus import PATH
from jobs.engine.jobs import Status
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.uploads.uploads import NewUpload
from tests.app.intake.forms import END, HEAD, answered, begin
from tests.helpers.raw_http import raw_client
from tests.helpers.running import taking_in_process
from tests.helpers.scale import SCALE

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


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_streams_at_once_need_the_budget_and_little_more(services: Services) -> None:
    """3.4 GB in all (`SCALE=0.2`: a fifth), by tus. One in five is slow, and may hold no memory that others wait for."""
    pieces = round(64 * SCALE)
    async with taking_in_process(services.settings) as (url, process):
        new = [NewUpload(name="a.bin", size=pieces * MIB, streamed=True)] * 50
        created = await services.uploads.create(ANONYMOUS, new)
        uploads = asyncio.gather(
            *(by_tus(url, upload.id, pieces, 0 if number % 5 else 0.5) for number, upload in enumerate(created))
        )
        before = peak = psutil.Process(process.pid).memory_info().rss
        while not uploads.done():
            peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            await asyncio.sleep(0.05)
        await uploads
    print(f"RSS of the intake: {before / MIB:.0f} MiB, at most {peak / MIB:.0f}")  # noqa: T201 - a figure of the docs
    assert peak - before <= services.settings.intake_memory_budget + 20 * MIB
    rows = await services.database.fetch("SELECT status, count(*) FROM jobs GROUP BY status")
    assert [(row["status"], row["count"]) for row in rows] == [(Status.QUEUED, 50)]


async def by_tus(url: str, job_id: UUID, pieces: int, pause: float) -> None:
    """Sends so many MiB, with a pause in seconds before each."""
    head = f"Host: {urlsplit(url).netloc}\r\nTus-Resumable: 1.0.0\r\n"
    async with raw_client(url) as client:
        more = (
            f"Content-Type: application/offset+octet-stream\r\nContent-Length: {pieces * MIB}\r\nUpload-Offset: 0\r\n"
        )
        await client.send(f"PATCH {PATH}/{job_id} HTTP/1.1\r\n{head}{more}\r\n".encode())
        for _ in range(pieces):
            await asyncio.sleep(pause)
            await client.send(PIECE)
        answer = await client.answer()
        assert answer.status == 204, answer.body


async def upload(url: str, size: int) -> None:
    async with raw_client(url) as client:
        await begin(client, size)
        await client.send(HEAD, *[PIECE] * (size // MIB), END)
        assert (await answered(client, 90)).status == 202
