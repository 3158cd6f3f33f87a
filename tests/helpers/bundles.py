"""What bundles and other objects contain."""

from __future__ import annotations

import io
import zipfile

from jobs.bundles.downloads import Download
from jobs.services import Services
from jobs.storage import Storage


async def bundle_of(services: Services, job: Download) -> dict[str, bytes]:
    """The files of the completed job\'s bundle, by name."""
    assert job.result is not None
    objects = services.storage.objects
    chunks = [chunk async for chunk in objects.read(job.result.key, job.result.etag, 0, job.result.size)]
    return opened(b"".join(chunks))


def opened(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle, by name, after a check of every checksum."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def stored(storage: Storage, key: str) -> bytes:
    """The bytes of an object."""
    info = await storage.objects.head(key)
    return b"".join([chunk async for chunk in storage.objects.read(key, info.etag, 0, info.size)])
