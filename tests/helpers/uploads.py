"""Uploads as a client makes them: created, signed and sent to the store directly, completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID
from zlib import crc32

import httpx

from jobs.engine.jobs import Job
from jobs.files.catalogue import StoredFile, find_files
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.storage.part_signing import SignedPut
from jobs.uploads.uploads import NewUpload, Upload


async def created(services: Services, data: bytes, name: str = "a.bin", owner: str = ANONYMOUS, **more: Any) -> Upload:
    """A new upload."""
    [upload] = await services.uploads.create(owner, [NewUpload(name=name, size=len(data), **more)])
    return upload


async def with_small_parts(services: Services, upload: Upload, size: int) -> Upload:
    """The upload with parts of this size, which a store takes from 5 MiB."""
    await services.database.fetch("UPDATE upload_jobs SET part_size = $2 WHERE job_id = $1", upload.id, size)
    return replace(upload, part_size=size)


def part_of(upload: Upload, data: bytes, number: int) -> bytes:
    return data[(number - 1) * upload.part_size :][: upload.size_of(number)]


async def put(signed: SignedPut, data: bytes) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.put(signed.url, headers=dict(signed.headers), content=data)


async def send(services: Services, upload: Upload, data: bytes, numbers: Sequence[int] | None = None) -> None:
    """Sends parts, all by default, and says so."""
    chosen = list(numbers or range(1, upload.part_count + 1))
    wanted = [(number, crc32(part_of(upload, data, number))) for number in chosen]
    for start in range(0, len(wanted), 100):
        _, parts = await services.uploads.send(upload.id, wanted[start : start + 100], [])
        for part in parts:
            assert (await put(part.put, part_of(upload, data, part.number))).status_code == 200
    await services.uploads.send(upload.id, [], chosen)


async def sent(services: Services, data: bytes, name: str = "a.bin", **more: Any) -> Upload:
    """An upload all of whose parts are in the store."""
    upload = await created(services, data, name, **more)
    await send(services, upload, data)
    return upload


async def completed(services: Services, data: bytes, name: str = "a.bin", **more: Any) -> Job:
    """One that is queued."""
    return await services.uploads.complete((await sent(services, data, name, **more)).id)


async def files_of(services: Services, job_id: UUID) -> list[StoredFile]:
    """The files of the catalogue that come from the upload."""
    rows = await services.database.fetch("SELECT id FROM stored_files WHERE job_id = $1", job_id)
    async with services.database.reading() as connection:
        return list((await find_files(connection, [row["id"] for row in rows])).values())


async def objects(services: Services) -> list[str]:
    """All keys in the store."""
    return [info.key async for info in services.storage.objects.list("")]
