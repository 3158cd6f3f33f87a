"""Adding files to the store and the catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jobs.errors import DatabaseUnavailable, ObjectMissing
from jobs.files.ingest import FileIngest
from jobs.services import Services


@pytest.fixture
def ingest(services: Services) -> FileIngest:
    return FileIngest(services.database, services.storage, services.settings)


async def content(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_an_id_whose_keys_have_an_object_is_not_used(services: Services, ingest: FileIngest) -> None:
    for taken in ("10000.zip", "files/10001", "10002.zip"):
        await services.storage.objects.put(taken, b"has been here before", "application/zip")
    assert (await ingest.add("a.txt", content(b"a"))).id == 10003
    chunks = services.storage.objects.read(
        "files/10001", (await services.storage.objects.head("files/10001")).etag, 0, 20
    )
    assert b"".join([bytes(chunk) async for chunk in chunks]) == b"has been here before"


async def test_an_unsafe_name_is_made_safe(ingest: FileIngest) -> None:
    file = await ingest.add("../../etc/con.txt", content(b"a"))
    assert (file.name, file.content_type) == ("etc/_con.txt", "text/plain")


async def test_the_bucket_is_created(services: Services, ingest: FileIngest) -> None:
    del services
    assert (await ingest.add("a.txt", content())).size == 0


async def test_a_stream_that_fails_leaves_nothing(services: Services, ingest: FileIngest) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(20_000_000)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await ingest.add("a.bin", broken())
    assert [info.key async for info in services.storage.objects.list("")] == []


async def test_an_object_is_deleted_if_its_row_fails(
    services: Services, ingest: FileIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise DatabaseUnavailable("The database is unavailable.")

    monkeypatch.setattr("jobs.files.ingest.insert_file", refuse)
    with pytest.raises(DatabaseUnavailable):
        await ingest.add("a.txt", content(b"a"))
    with pytest.raises(ObjectMissing):
        await services.storage.objects.head("files/10000")
