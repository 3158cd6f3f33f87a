"""Uploads up to the last file that is made of them: how long they take, how they end, and status reads meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import cycle, islice
from time import perf_counter
from typing import Any
from zlib import crc32

import httpx

from jobs.concurrency import map_limited
from jobs.kinds import Kind
from jobs.services import Services
from tests.bench import images, load, mixed_files, pace
from tests.bench.arena import Arena, Partner
from tests.bench.effort import Effort, percentile
from tests.bench.mixed_files import Nature, Sample
from tests.bench.pace import Response
from tests.bench.priority import usual_priority
from tests.bench.report import Figure
from tests.helpers.media import encoded

JOB = "/v1/download/job"
SECONDS = 30.0
"""In which everything is made of one file."""
PAGES, FILM_SECONDS = 20, 30
CLIENTS = 4
"""Uploads that are sent at the same time."""
CLEAR = 0.99
"""More than this share of the files has to end in a clear state."""
AT_ONCE = 20
"""Photos that wait or are processed while statuses are read."""
READS = 100
"""Statuses that are read a second."""
IDLE_SECONDS = 3
"""Seconds a round in which they are read before a worker starts."""
P99 = 50.0
"""Milliseconds of a status read."""


@dataclass(frozen=True, slots=True)
class Client:
    """A gateway and an intake, and how to upload there."""

    port: int
    intake: int
    http: httpx.AsyncClient

    async def send_form(self, sample: Sample) -> str:
        """Uploads a file by a form. Returns the id of the job."""
        form = {"file": (sample.name, sample.content, "application/octet-stream")}
        response = await self.http.post(f"http://127.0.0.1:{self.intake}/v1/upload/form", files=form)
        assert response.status_code == HTTPStatus.ACCEPTED, response.text
        return str(response.json()["jobs"][0]["jobId"])

    async def send_directly(self, sample: Sample, recipe: Any) -> str:
        """Uploads a file to the store, in parts, one after the other. Returns the id of the job."""
        file = {"name": sample.name, "size": len(sample.content)}
        [job] = (await self._post("", {"files": [file], "recipe": recipe}))["jobs"]
        path, size = f"/{job['jobId']}", job["upload"]["partSize"]
        pieces = [sample.content[start : start + size] for start in range(0, len(sample.content), size)]
        wanted = [{"number": number, "crc32": f"{crc32(piece):08x}"} for number, piece in enumerate(pieces, 1)]
        for part in (await self._post(f"{path}/parts", {"sign": wanted}))["parts"]:
            put = await self.http.put(part["url"], headers=part["headers"], content=pieces[part["number"] - 1])
            put.raise_for_status()
        await self._post(f"{path}/complete", {"sent": [part["number"] for part in wanted]})
        return str(job["jobId"])

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        response = await self.http.post(f"/v1/upload{path}", json=body)
        assert response.status_code < HTTPStatus.BAD_REQUEST, response.text
        return response.json()

    async def ended(self, job_id: str) -> dict[str, Any]:
        """The status of a job once it has ended."""
        while True:
            status: dict[str, Any] = (await self.http.get(f"{JOB}/{job_id}")).json()
            if status["finishedAt"] is not None:
                return status
            await asyncio.sleep(0.05)


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """The three parts, on the same servers."""
    with usual_priority():
        async with _client(arena) as client:
            return [
                *await _single(arena, client),
                *await _mixed(arena, client, effort.mixed),
                *await _status_reads(arena, client, effort.rounds),
            ]


@asynccontextmanager
async def _client(arena: Arena) -> AsyncIterator[Client]:
    async with arena.gateway() as port, arena.intake() as (intake, _):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as http:
            yield Client(port, intake, http)


async def _single(arena: Arena, client: Client) -> list[Figure]:
    """One file after the other, each from the first byte that is sent until all that is made of it is in the catalogue."""
    photo = encoded(images.photo(images.WIDTH, images.HEIGHT), Q=88)
    film = await asyncio.to_thread(mixed_files.film, arena.folder, FILM_SECONDS // mixed_files.FILM_PIECE)
    pages = {"pages": PAGES}
    wanted: list[tuple[str, Sample, Any, int]] = [
        ("a JPEG of 24 megapixels", Sample("photo.jpg", photo), "auto", 2),
        (
            f"a PDF of {PAGES} pages of text",
            Sample("text.pdf", mixed_files.document(PAGES)),
            pages,
            PAGES + 2,
        ),
        (
            f"a PDF of {PAGES} scanned pages",
            Sample("scan.pdf", mixed_files.scanned(PAGES)),
            pages,
            PAGES + 1,
        ),
        (f"a video of {FILM_SECONDS} s with 1080 lines", Sample("film.mp4", film), "auto", 2),
    ]
    figures = []
    async with arena.worker():
        for what, sample, recipe, outputs in wanted:
            began = perf_counter()
            upload = await client.ended(await client.send_directly(sample, recipe))
            uploaded = perf_counter() - began
            processing = await client.ended(upload["processing"]["jobId"])
            seconds = perf_counter() - began
            assert processing["status"] == "completed", processing
            made = await arena.services.processing.derivatives(upload["upload"]["fileId"])
            assert len(made) == outputs, [one.output for one in made]
            figures.append(
                Figure(
                    f"Upload to the last of {outputs} outputs: {what}, {len(sample.content) / 1e6:.1f} MB",
                    f"{seconds:.1f} s, of it {uploaded:.1f} s until the upload was completed",
                    f"≤ {SECONDS:g} s",
                    seconds <= SECONDS,
                )
            )
    return figures


async def _mixed(arena: Arena, client: Client, count: int) -> list[Figure]:
    """Many files of all sorts, sent by a few clients."""
    samples = await asyncio.to_thread(mixed_files.mixed, arena.folder, count)
    async with arena.worker():
        began = perf_counter()
        ids = await map_limited(client.send_form, samples, CLIENTS)
        sent = perf_counter() - began
        while await _is_busy(arena.services):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        seconds = perf_counter() - began
    fates = await _fates(arena.services, samples, ids)
    for fate in fates:
        if not fate.is_clear:
            print(f"  {fate.sample.name} has ended otherwise: {fate.row}", file=sys.stderr, flush=True)
    natures = Counter(sample.nature for sample in samples)
    whole = sum(fate.is_whole for fate in fates if fate.sample.nature is Nature.VALID) / natures[Nature.VALID]
    clear = sum(fate.is_clear for fate in fates) / count
    losses, repeated = (sum(fate.row[name] for fate in fates) for name in ("losses", "repeated"))
    what = f"{count:,} mixed files"
    return [
        Figure(
            f"{what}: {', '.join(f'{natures[nature]} {nature.value}' for nature in Nature)}",
            f"{seconds:.0f} s, {count / seconds:.1f} a second, of it {sent:.0f} s until all were sent;"
            f" {sum(fate.row['made'] for fate in fates):,} outputs",
        ),
        Figure(f"{what}: valid ones of which everything was made", f"{100 * whole:.1f} %", "100 %", whole == 1),
        Figure(
            f"{what}: those that ended in a clear state", f"{100 * clear:.1f} %", f"> {100 * CLEAR:g} %", clear > CLEAR
        ),
        Figure(f"{what}: leases lost", f"{losses}, attempts repeated {repeated}", "0", losses == 0),
    ]


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of an upload."""

    sample: Sample
    row: dict[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether it was stored, and everything was made of it."""
        return self._is_processed and bool(self.row["made"] == self.row["wanted"] > 0)

    @property
    def is_clear(self) -> bool:
        """Whether its end is what it should be, with a reason for all that is missing."""
        match self.sample.nature:
            case Nature.VALID:
                return self.is_whole
            case Nature.DAMAGED:
                return self._is_processed and bool(self.row["made"] + self.row["reasons"] == self.row["wanted"] > 0)
            case Nature.LYING:
                return bool(self.row["upload"] == "failed" and self.row["error_class"] == "validation")

    @property
    def _is_processed(self) -> bool:
        return bool(self.row["upload"] == self.row["processing"] == "completed")


async def _fates(services: Services, samples: Sequence[Sample], ids: Sequence[str]) -> list[Fate]:
    rows = await services.database.fetch(
        """
        SELECT u.id, u.status AS upload, u.error_class, u.error_message AS refusal,
               p.status AS processing, p.error_message AS failure,
               u.losses + coalesce(p.losses, 0) AS losses, u.attempt + coalesce(p.attempt, 1) - 2 AS repeated,
               count(r.job_id) AS wanted, count(f.id) AS made,
               count(*) FILTER (WHERE r.state = 'failed' AND r.error_message <> '') AS reasons
        FROM jobs AS u
        LEFT JOIN stored_files AS s ON s.job_id = u.id
        LEFT JOIN processing_jobs AS j ON j.parent_id = s.id
        LEFT JOIN jobs AS p ON p.id = j.job_id
        LEFT JOIN file_records AS r ON r.job_id = p.id
        LEFT JOIN stored_files AS f ON f.id = r.file_id AND f.available AND r.state = 'done'
        WHERE u.id = ANY ($1::uuid[])
        GROUP BY u.id, p.id
        """,
        list(ids),
    )
    found = {str(row["id"]): dict(row) for row in rows}
    return [Fate(sample, found[job_id]) for sample, job_id in zip(samples, ids, strict=True)]


async def _status_reads(arena: Arena, client: Client, rounds: int) -> list[Figure]:
    """Photos are uploaded first, so that all their jobs wait when the worker starts; then their statuses are read."""
    photo = Sample("photo.jpg", encoded(images.photo(images.WIDTH, images.HEIGHT), Q=88))
    meanwhile: list[float] = []
    before: list[float] = []
    with arena.partner(pace.answer) as reader:
        for _ in range(rounds):
            async with arena.worker(worker_kinds=(Kind.UPLOAD,)):
                ids = await map_limited(lambda _: client.send_form(photo), range(AT_ONCE), CLIENTS)
                uploads = [await client.ended(job_id) for job_id in ids]
            requests = cycle(load.request("GET", f"{JOB}/{one['processing']['jobId']}") for one in uploads)
            for _ in range(IDLE_SECONDS):
                before += await _read(reader, client.port, requests)
            async with arena.worker():
                while await _is_busy(arena.services):
                    meanwhile += await _read(reader, client.port, requests)
    p99 = percentile(meanwhile, 0.99)
    what = f"Status reads, {READS} a second"
    return [
        Figure(f"{what}, before a worker starts: p99", f"{percentile(before, 0.99):.1f} ms, of {len(before):,}"),
        Figure(
            f"{what}, while {AT_ONCE} photos of 24 megapixels are processed: p99",
            f"{p99:.1f} ms, p50 {percentile(meanwhile, 0.5):.1f} ms, of {len(meanwhile):,}",
            f"≤ {P99:.0f} ms",
            p99 <= P99,
        ),
    ]


async def _read(reader: Partner, port: int, requests: Iterator[bytes]) -> list[float]:
    """What the requests of one second took, in milliseconds."""
    responses: list[Response] = await reader.ask((port, list(islice(requests, READS)), 1.0))
    assert {one.status for one in responses} == {200}
    return [1000 * one.seconds for one in responses]


async def _is_busy(services: Services) -> bool:
    """Whether a job has not ended."""
    [row] = await services.database.fetch("SELECT EXISTS (SELECT FROM jobs WHERE finished_at IS NULL) AS is_busy")
    return bool(row["is_busy"])
