"""Uploading parts to a real store while they are filled, and retrying."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.packing.part_uploader import PartUploader
from jobs.errors import StorageUnreachable
from jobs.services import Services
from jobs.storage import Storage, part_buffer
from jobs.storage.part_buffer import BodyStalled, PartBuffer
from tests.helpers.bundles import stored
from tests.jobs.storage.faults import hang_up, relaying, serving

HALF = 12 << 20
"""Bytes: more than the buffers of a connection hold, so that an upload notices a broken connection."""


class Outcomes:
    """Records the ETags and errors of part uploads."""

    def __init__(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: asyncio.Queue[object] = asyncio.Queue()
        self._send = storage.multipart.upload_part
        monkeypatch.setattr(storage.multipart, "upload_part", self._watched)

    async def _watched(self, *args: Any) -> str:
        try:
            etag = await self._send(*args)
        except Exception as error:
            self.seen.put_nowait(type(error))
            raise
        self.seen.put_nowait(etag)
        return etag


@pytest.fixture
async def unlucky(services: Services) -> AsyncIterator[Storage]:
    """A store whose first connection breaks."""
    relay = relaying(services.settings.s3_endpoint)
    connections = iter([hang_up])

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(connections, relay)(reader, writer)

    async with serving(handler) as endpoint:
        async with Storage.open(services.settings.model_copy(update={"s3_endpoint": endpoint})) as storage:
            yield storage


async def upload_in_two_halves(storage: Storage, made_by: Storage, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Uploads a part whose second half arrives after the first try has ended. Returns the outcomes of all tries."""
    data, ends = os.urandom(2 * HALF), Outcomes(storage, monkeypatch)
    upload = MultipartUpload(
        key="bundles/x", id=await made_by.multipart.create("bundles/x", "application/zip"), fingerprint=""
    )
    uploader, part = PartUploader(storage.multipart, upload), PartBuffer([HALF, HALF])
    part.put(0, data[:HALF])
    async with asyncio.timeout(20):
        sending = asyncio.create_task(uploader.upload_part(1, part))
        tries = [await ends.seen.get()]
        assert not sending.done()
        part.put(1, data[HALF:])
        await uploader.complete([await sending])
    assert await stored(made_by, "bundles/x") == data
    return [*tries, *(ends.seen.get_nowait() for _ in range(ends.seen.qsize()))]


async def test_a_part_that_was_filled_too_slowly_is_uploaded_when_it_is_full(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_buffer, "STALL_TIMEOUT", 0.05)
    first, etag = await upload_in_two_halves(services.storage, services.storage, monkeypatch)
    assert first is BodyStalled
    assert isinstance(etag, str)


async def test_a_part_whose_connection_broke_is_retried_when_it_is_full(
    services: Services, unlucky: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, etag = await upload_in_two_halves(unlucky, services.storage, monkeypatch)
    assert first is StorageUnreachable
    assert isinstance(etag, str)
