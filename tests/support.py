"""What many tests need: files in the store, jobs that end, bundles that open."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text, update

from jobs.bundles.downloads import Compression, Download, NewDownload, OnMissing
from jobs.engine.jobs import Failure, FileRequest, Job
from jobs.engine.worker.sweeper import Sweeper
from jobs.errors import ErrorClass
from jobs.files.catalogue import StoredFile, find_files, insert_file, next_id
from jobs.files.tables import stored_files
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.storage import Storage
from jobs.work import works_of

UNSET: Any = object()


def other_store() -> dict[str, str]:
    """The environment of the store that `HAULAGE_TEST_S3_ENDPOINT` names (tests/minio.sh); empty without one."""
    if "HAULAGE_TEST_S3_ENDPOINT" not in os.environ:
        return {}
    return {
        "S3_ENDPOINT": os.environ["HAULAGE_TEST_S3_ENDPOINT"],
        "S3_ACCESS_KEY_ID": os.environ["HAULAGE_TEST_S3_ACCESS_KEY"],
        "S3_SECRET_ACCESS_KEY": os.environ["HAULAGE_TEST_S3_SECRET_KEY"],
    }


class Catalogue:
    """Puts files into the store and the catalogue; what the catalogue says of them can be made wrong."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def add(
        self,
        data: bytes,
        name: str = "file.bin",
        *,
        crc32: int | None = UNSET,
        sha256: str | None = UNSET,
        size: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> int:
        """The id of a new file with this content."""
        async with self._services.database.begin() as connection:
            file_id = await next_id(connection)
            info = await self._services.storage.objects.put(f"files/{file_id}", data, content_type)
            file = StoredFile(
                id=file_id,
                key=f"files/{file_id}",
                name=name,
                size=len(data) if size is None else size,
                etag=info.etag,
                crc32=zlib.crc32(data) if crc32 is UNSET else crc32,
                sha256=hashlib.sha256(data).hexdigest() if sha256 is UNSET else sha256,
                content_type=content_type,
                owner=ANONYMOUS,
            )
            await insert_file(connection, file)
        return file_id

    async def add_unchecked(self, data: bytes, name: str = "file.bin", **said: Any) -> int:
        """The same, but the store does not know its checksum either."""
        file_id = await self.add(b"", name, size=len(data), **said)
        key, uploads = f"files/{file_id}", self._services.storage.multipart
        upload_id = await uploads.create(key, "application/octet-stream")
        part = await uploads.upload_part(key, upload_id, 1, data)
        await uploads.complete(key, upload_id, [(1, part)])
        return file_id

    async def said(self, file_id: int) -> StoredFile:
        """What the catalogue says of it."""
        async with self._services.database.reading() as connection:
            return (await find_files(connection, [file_id]))[file_id]

    async def say(self, file_id: int, **columns: Any) -> None:
        """Makes the catalogue say something else."""
        async with self._services.database.begin() as connection:
            await connection.execute(update(stored_files).where(stored_files.c.id == file_id).values(columns))

    async def overwrite(self, file_id: int, data: bytes) -> None:
        await self._services.storage.objects.put(f"files/{file_id}", data, "application/octet-stream")

    async def remove(self, file_id: int) -> None:
        await self._services.storage.objects.delete([f"files/{file_id}"])


async def create(
    services: Services,
    *file_ids: int,
    archive_name: str | None = "bundle.zip",
    on_missing: OnMissing = OnMissing.FAIL,
    compression: Compression = Compression.STORE,
) -> Job:
    """A job of these files."""
    files = [FileRequest(file_id=file_id) for file_id in file_ids]
    return await services.downloads.create(
        NewDownload(files=files, archive_name=archive_name, on_missing=on_missing, compression=compression)
    )


async def dead(services: Services, error_class: ErrorClass = ErrorClass.NETWORK, **wishes: Any) -> Job:
    """A job that has failed in all its attempts, the last time of this."""
    job = await create(services, 10_000, **wishes)
    while not job.status.ended:
        async with services.database.begin() as connection:
            await connection.execute(text("UPDATE jobs SET due_at = now() WHERE id = :id"), {"id": job.id})
        claimed = await services.lifecycle.claim(job.id, job.fence, "worker-1")
        assert claimed is not None
        why = Failure(error_class=error_class, message=f"attempt {claimed.job.attempt} went wrong")
        job = await services.lifecycle.fail(claimed.job, why)
    await services.lifecycle.close()  # its own messages have been sent: they can't come after those of a test
    return job


async def read(services: Services, job_id: UUID) -> Download:
    """The download as it is now."""
    return await services.downloads.read(job_id)


async def read_job(services: Services, job_id: UUID) -> Job:
    """The job as the engine knows it."""
    snapshot = await services.snapshots.read(job_id)
    assert snapshot is not None
    return snapshot.job


async def ended(api: httpx.AsyncClient, job: str) -> dict[str, Any]:
    """The job's status once it has ended, with all its files; waits by long-poll."""
    answer = await api.get(f"{job}?since=999999", headers={"Prefer": "wait=30"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] in {"completed", "failed", "cancelled", "expired"}, answer.text
    final: dict[str, Any] = (await api.get(f"{job}?since=0")).json()
    return final


async def clean_now(services: Services) -> None:
    """Removes all litter that is due at any time."""
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET cleanup_at = now() WHERE cleanup_at IS NOT NULL"))
    await Sweeper(services, works_of(services)).clean_up()


def opened(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle, by name; every checksum is checked."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def stored(storage: Storage, key: str) -> bytes:
    """The bytes of an object."""
    info = await storage.objects.head(key)
    return b"".join([chunk async for chunk in storage.objects.read(key, info.etag, 0, info.size)])
