"""Uploads: beside tusd, through the intake, under a load of requests, and back as a bundle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import httpx

from app.cli.sizes import size_text
from tests.bench import bundles, load, pace, senders, upload_race
from tests.bench.arena import Arena, forget_peak, peak_memory
from tests.bench.effort import MIB, Effort, percentile
from tests.bench.pace import Response
from tests.bench.report import Figure
from tests.helpers.listening import listening

A_MINUTE = 1000
"""Requests at a steady pace."""
P99 = 200.0
"""Milliseconds for requests that create and complete uploads, and from the last byte of a form to its response."""
STATUS_P99 = 50.0
MANY_PARTS = 10_000
PART = 8 * MIB
PEAK = 160 * MIB
"""Bytes that an intake may take."""
FORM_CLIENTS = 4
READ = 20 * MIB
"""Bytes that a worker may read of an upload, and of a bundle of it."""
CHECKED = 1024 * MIB
"""The largest bundle that is downloaded and verified here: the main job does it with all others."""
FILES = 10
UNLIMITED = {"max_open_uploads": 1_000_000}


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """The whole table. What moves most bytes comes last: a store is slow for a while after they are removed."""
    requests = await _requests(arena, effort)
    await _empty(arena)
    return [
        *await upload_race.measure(arena, effort),
        *await _intake(arena, effort),
        *requests,
        *await _returned(arena, effort.returned, 1),
        *await _returned(arena, effort.returned // FILES, FILES),
    ]


async def _empty(arena: Arena) -> None:
    """Removes the jobs: what the requests have queued has no bytes."""
    await arena.services.database.fetch("TRUNCATE jobs, file_records, job_events, upload_jobs, signed_parts CASCADE")


async def _returned(arena: Arena, size: int, count: int) -> list[Figure]:
    """Uploads files of so many bytes together, and makes a bundle of them; counts what the store sends to the worker."""
    path = arena.folder / "returned-0.bin"
    upload_race.write_random(path, size // count)
    paths = [path]
    for number in range(1, count):
        paths.append(path.with_name(f"returned-{number}.bin"))
        paths[-1].hardlink_to(path)
    async with _counting(arena.settings.s3_endpoint) as (url, counted), arena.gateway() as port:
        async with arena.worker(s3_endpoint=url, s3_public_endpoint=arena.settings.s3_endpoint):
            server = f"http://127.0.0.1:{port}"
            ids = await arena.apart(senders.upload_files, server, paths, arena.folder / "state")
            uploaded = sum(counted)
            job = await bundles.make(arena, ids)
    for one in paths:
        one.unlink()
    assert job.result is not None
    assert job.result.size >= size // count * count
    if size <= CHECKED:
        await bundles.open_and_remove(arena, job)
    await upload_race.remove_objects(arena)
    files = "one file" if count == 1 else f"{count} files"
    what = f"{size_text(size)} in {files} up, then a bundle of it: bytes that the store sent to the worker"
    measured = f"{size_text(sum(counted))}, of them {size_text(uploaded)} for the uploads"
    if count > 1:
        return [Figure(what, measured)]
    return [Figure(what, measured, f"< {size_text(READ)}", sum(counted) < READ)]


@asynccontextmanager
async def _counting(url: str) -> AsyncIterator[tuple[str, list[int]]]:
    """A proxy in front of a server; its URL, and how many bytes the server has sent each time."""
    host, _, port = url.removeprefix("http://").partition(":")
    counted: list[int] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: list[int]) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(MIB):
                count.append(len(data))
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, int(port))
        with closing(forth):
            await asyncio.gather(copy(reader, forth, []), copy(back, writer, counted))

    async with listening(serve) as proxy:
        yield proxy, counted


async def _intake(arena: Arena, effort: Effort) -> list[Figure]:
    """Small files by form; then many streams at once, with status reads meanwhile."""
    count, size = effort.streams
    sizes = [1 << power for power in range(10, 24)] * effort.forms  # 1 KiB to 8 MiB
    async with arena.gateway_process(**UNLIMITED) as (port, _), arena.intake() as (intake, pid), arena.worker():
        url = f"http://127.0.0.1:{intake}/v1/upload/form"
        await arena.apart(senders.send_forms, url, sizes[:14], 1)
        forms = await arena.apart(senders.send_forms, url, sizes, FORM_CLIENTS)
        jobs = await _create(port, [{"name": "a.bin", "size": MIB}] * count)
        reads = [load.request("GET", f"/v1/upload/job/{job['jobId']}") for job in jobs]
        forget_peak(pid)
        began = perf_counter()
        sending = asyncio.create_task(arena.apart(senders.send_forms, url, [size] * count, count))
        statuses: list[Response] = []
        while not sending.done():
            statuses += await _paced(arena, port, reads, 2)
        await sending
        seconds = perf_counter() - began
        peak = peak_memory(pid)
    await upload_race.remove_objects(arena)
    form_p99 = percentile(forms, 0.99) * 1000
    status_p99 = _milliseconds(statuses, 0.99)
    streams = f"{count} streams of {size_text(size)} at once"
    return [
        Figure(
            f"Intake, {len(sizes)} forms of 1 kB to 8.39 MB from {FORM_CLIENTS} clients: last byte → 202, p99",
            f"{form_p99:.0f} ms, p50 {1000 * percentile(forms, 0.5):.0f} ms",
            f"≤ {P99:.0f} ms",
            form_p99 <= P99,
        ),
        Figure(f"Intake, {streams}", f"{seconds:.1f} s, {count * size / seconds / 1e6:.0f} MB/s"),
        Figure("Its peak memory", size_text(peak), f"≤ {size_text(PEAK)}", peak <= PEAK),
        Figure(
            f"Status reads meanwhile, {A_MINUTE:,} a minute, p99",
            f"{status_p99:.1f} ms",
            f"≤ {STATUS_P99:.0f} ms",
            status_p99 <= STATUS_P99,
        ),
    ]


async def _requests(arena: Arena, effort: Effort) -> list[Figure]:
    """Requests that create and complete uploads in turn; each tenth of those completed has 10,000 parts."""
    count = max(20, int(A_MINUTE * effort.paced / 60)) // 2
    sizes = [PART * MANY_PARTS if number % 10 == 0 else MIB for number in range(count)]
    async with arena.gateway_process(**UNLIMITED) as (port, _):
        jobs = await _create(port, [{"name": "a.bin", "size": size} for size in sizes])
        for job in jobs:
            await arena.services.database.fetch(
                "INSERT INTO signed_parts (job_id, number, crc32, sent)"
                " SELECT $1::uuid, number, 0, true FROM generate_series(1, $2::int) AS number",
                job["jobId"],
                job["upload"]["parts"],
            )
        create = load.request("POST", "/v1/upload", b'{"files": [{"name": "a.bin", "size": 80000000000}]}')
        completes = [
            load.request("POST", f"/v1/upload/{job['jobId']}/complete", headers={"Content-Length": "0"}) for job in jobs
        ]
        await _paced(arena, port, [create], 2)
        requests = [one for complete in completes for one in (create, complete)]
        responses = await arena.apart(pace.run, port, requests, effort.paced)
    assert {one.status for one in responses} == {202}
    created, completed = responses[::2], responses[1::2]
    large = completed[::10]
    figures = []
    for what, some in (
        ("`POST /v1/upload`", created),
        ("`complete`", completed),
        (f"`complete` with {MANY_PARTS:,} parts", large),
    ):
        p99 = _milliseconds(some, 0.99)
        measured = f"{p99:.0f} ms, p50 {_milliseconds(some, 0.5):.1f} ms"
        figures.append(Figure(f"{what}, {A_MINUTE:,} requests a minute, p99", measured, f"≤ {P99:.0f} ms", p99 <= P99))
    return figures


async def _create(port: int, files: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """New uploads, as the response describes them."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        response = await client.post("/v1/upload", json={"files": list(files)})
        jobs: list[dict[str, Any]] = response.raise_for_status().json()["jobs"]
    return jobs


async def _paced(arena: Arena, port: int, requests: Sequence[bytes], seconds: float) -> list[Response]:
    """Responses to requests, in turn, at the usual pace."""
    wanted = list(islice(cycle(requests), int(A_MINUTE * seconds / 60)))
    return await arena.apart(pace.run, port, wanted, seconds)


def _milliseconds(responses: Sequence[Response], share: float) -> float:
    return 1000 * percentile((one.seconds for one in responses), share)
