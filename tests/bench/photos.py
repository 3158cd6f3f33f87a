"""Photos that are processed, beside a BullMQ worker that uses sharp: two pictures of each, from the store to the store.

When half of ours are done, Redis is emptied. The other would lose the rest by that, so it is spared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis

from jobs.files.ingest import FileIngest
from jobs.kinds import Kind
from jobs.processing.processing import Selection
from jobs.processing.recipes import Wishes
from jobs.services import Services
from tests.bench import images, programs
from tests.bench.arena import Arena, family_cpu_seconds
from tests.bench.effort import Effort
from tests.bench.report import Figure

SOURCE = Path(__file__).parent / "contenders" / "photos"
LEAST = 0.8
"""Of the photos a second that the other makes."""
AT_ONCE = 2
"""Photos that are processed at the same time."""
WIDTH, HEIGHT = 3000, 2000
OUTPUTS = [("thumbnail", 320, 80), ("web", 1600, 80)]
"""Name, longest side and quality of the pictures that the other makes, as ours."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, and seconds of CPU of all that processes photos, besides the store and Valkey.

    `leases_lost` are those that a worker has lost, or noticed to have expired.
    """

    seconds: float
    cpu: float
    leases_lost: int = 0


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Ours first, then the other, with the same photos."""
    count = effort.photos
    ids = await put_photos(arena.services, count)
    ours = await _ours(arena, count)
    keys = await _keys(arena.services, ids)
    what = f"{count:,} photos of {WIDTH * HEIGHT / 1e6:.0f} megapixels"
    figures = [
        Figure(f"{what}: Haulage, with FLUSHALL midway", _described(ours, count)),
        Figure(f"{what}: leases lost", f"{ours.leases_lost}", "0", not ours.leases_lost),
    ]
    try:
        other = await _other(arena, keys)
    except programs.NotHere as error:
        return [*figures, Figure(f"Not compared, BullMQ and sharp: {error}", "")]
    ratio = other.seconds / ours.seconds
    return [
        *figures,
        Figure(f"{what}: BullMQ and sharp", _described(other, count)),
        Figure(f"{what}: photos a second, Haulage ÷ BullMQ and sharp", f"{ratio:.2f}", f"≥ {LEAST:g}", ratio >= LEAST),
    ]


def _described(spent: Spent, count: int) -> str:
    return f"{spent.seconds:.1f} s, {count / spent.seconds:.1f} a second; CPU of its processes {spent.cpu:.1f} s"


async def put_photos(services: Services, count: int) -> list[int]:
    """The ids of so many photos in the catalogue, each of another content: they differ in a comment."""
    data = await asyncio.to_thread(lambda: images.photo(WIDTH, HEIGHT).jpegsave_buffer(Q=88))
    ingest = FileIngest(services.database, services.storage, services.settings)

    async def one(number: int) -> AsyncIterator[bytes]:
        comment = b"%08d" % number
        yield data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]

    return [(await ingest.add(f"photo {number}.jpg", one(number), "image/jpeg")).id for number in range(count)]


async def _keys(services: Services, ids: Sequence[int]) -> list[str]:
    rows = await services.database.fetch("SELECT key FROM stored_files WHERE id = ANY ($1::bigint[])", list(ids))
    return [row["key"] for row in rows]


async def _ours(arena: Arena, count: int) -> Spent:
    """From the first job that is created to the last one that has ended."""
    jobs = arena.services.processing
    async with arena.worker(processing_slots=AT_ONCE) as pid:
        cpu, began = family_cpu_seconds(pid), perf_counter()
        after: int | None = 0
        while after is not None:
            after = (
                await jobs.reprocess(Selection(types=["image/*"], missing=False, since=None), Wishes(), after)
            ).after
        await _until_unfinished(arena.services, count // 2)
        async with Redis.from_url(str(arena.settings.redis_url)) as redis:
            await redis.flushall()
        await _until_unfinished(arena.services, 0)
        spent = Spent(perf_counter() - began, family_cpu_seconds(pid) - cpu, _leases_lost(arena))
    [row] = await arena.services.database.fetch(
        "SELECT count(*) FILTER (WHERE status = 'completed' AND attempt = 1) AS done FROM jobs WHERE kind = $1",
        Kind.IMAGE,
    )
    [made] = await arena.services.database.fetch("SELECT count(*) AS files FROM stored_files WHERE role != 'original'")
    assert (row["done"], made["files"]) == (count, len(OUTPUTS) * count)
    return spent


async def _until_unfinished(services: Services, count: int) -> None:
    """Waits until no more jobs than these are unfinished."""
    while await _unfinished(services) > count:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)


async def _unfinished(services: Services) -> int:
    [row] = await services.database.fetch("SELECT count(*) AS jobs FROM jobs WHERE finished_at IS NULL")
    return int(row["jobs"])


def _leases_lost(arena: Arena) -> int:
    lines = (arena.folder / "worker.log").read_text().splitlines()
    return sum("lease_lost" in line or "lease_expired_locally" in line for line in lines)


async def _other(arena: Arena, keys: Sequence[str]) -> Spent:
    """Raises `NotHere`."""
    node, folder = await asyncio.to_thread(programs.node, SOURCE, "photos")
    settings = arena.settings
    redis = urlsplit(str(settings.redis_url))
    work: dict[str, Any] = {
        "endpoint": settings.s3_endpoint,
        "region": settings.s3_region,
        "accessKey": settings.s3_access_key_id,
        "secretKey": settings.s3_secret_access_key.get_secret_value(),
        "bucket": settings.s3_bucket_name,
        "redis": {"host": redis.hostname, "port": redis.port, "username": redis.username, "password": redis.password},
        "keys": keys,
        "outputs": OUTPUTS,
        "concurrency": AT_ONCE,
    }
    process = await asyncio.create_subprocess_exec(
        node, "--no-warnings", f"{folder / 'worker.mjs'}", stdin=-1, stdout=-1, cwd=folder
    )
    out, _ = await process.communicate(json.dumps(work).encode())
    assert process.returncode == 0, out
    told = json.loads(out.splitlines()[-1])
    return Spent(told["seconds"], told["cpu"])
