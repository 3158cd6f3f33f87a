"""Whether a store copies ranges into parts, as it is found out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from jobs.blobs import Blobs
from jobs.blobs.copying import PROBES
from jobs.concurrency import end
from jobs.domain.errors import StorageUnreachable
from jobs.settings import Settings
from tests.jobs.blobs.conftest import MakeSettings
from tests.jobs.blobs.faults import Handler, hang_up, serving

CHUNK = 65_536


async def test_a_store_that_copies_is_found_out_and_nothing_is_left_there(blobs: Blobs) -> None:
    assert await blobs.copying.works()
    assert [info async for info in blobs.objects.list(PROBES)] == []
    assert await blobs.uploads.list_uploads(PROBES) == []


async def test_a_store_without_copies_is_found_out_once(blobs: Blobs, make_settings: MakeSettings) -> None:
    endpoint = _endpoint(make_settings())
    asked: list[bytes] = []
    async with serving(_without_copies(endpoint, asked)) as address:
        async with Blobs.open(make_settings(s3_endpoint=address)) as other:
            assert not await other.copying.works()
            assert len(asked) == 1
            assert not await other.copying.works()
            assert len(asked) == 1
    assert [info async for info in blobs.objects.list(PROBES)] == []


async def test_a_store_that_is_away_says_nothing_about_copies(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Blobs.open(make_settings(s3_endpoint=address)) as blobs:
            with pytest.raises(StorageUnreachable):
                await blobs.copying.works()


async def test_a_store_that_must_not_copy_is_not_asked(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Blobs.open(make_settings(s3_endpoint=address, s3_part_copy="never")) as blobs:
            assert not await blobs.copying.works()


def _endpoint(settings: Settings) -> str:
    return settings.s3_endpoint


def _without_copies(endpoint: str, asked: list[bytes]) -> Handler:
    """Passes everything on but copies, which it does not know."""
    address = urlsplit(endpoint)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(address.hostname, address.port)

        async def back() -> None:
            with suppress(OSError):
                while data := await answers.read(CHUNK):
                    writer.write(data)
                    await writer.drain()

        passing = asyncio.create_task(back())
        try:
            while data := await reader.read(CHUNK):
                if b"x-amz-copy-source:" in data.lower():
                    asked.append(data)
                    writer.write(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    await writer.drain()
                    return
                requests.write(data)
                await requests.drain()
        finally:
            requests.transport.abort()
            await end(passing)

    return handler
