"""Files to download: in the store and in the catalogue, with their checksums, as `haulage files add` puts them there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence

from isal import isal_zlib

from jobs.concurrency import map_limited
from jobs.files.catalogue import StoredFile, insert_file
from jobs.owners import ANONYMOUS
from jobs.services import Services
from tests.helpers.catalogue import next_id

BLOCK = 1 << 20


async def put_files(services: Services, count: int, size: int, block: Callable[[int], bytes] = os.urandom) -> list[int]:
    """The ids of so many new files of `size` bytes, each of a `block` (1 MiB) again and again."""
    return await put_sizes(services, [size] * count, block)


async def put_sizes(services: Services, sizes: Sequence[int], block: Callable[[int], bytes] = os.urandom) -> list[int]:
    """The ids of new files of these sizes in bytes, each of a `block` (1 MiB) again and again."""
    return await map_limited(
        lambda number: _put(services, number, sizes[number], block(min(BLOCK, sizes[number]))), range(len(sizes)), 8
    )


def key_of(file_id: int) -> str:
    """Where the file is in the store."""
    return f"files/{file_id}"


async def _put(services: Services, number: int, size: int, block: bytes) -> int:
    crc, sha = 0, hashlib.sha256()

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal crc
        for start in range(0, size, BLOCK):
            chunk = block[: size - start]
            crc = isal_zlib.crc32(chunk, crc)
            sha.update(chunk)
            yield chunk

    async with services.database.begin() as connection:
        file_id = await next_id(connection)
    key, type_ = key_of(file_id), "application/octet-stream"
    info = await services.storage.objects.put(key, chunks(), type_)
    file = StoredFile(
        id=file_id,
        key=key,
        name=f"file {number}.bin",
        size=size,
        etag=info.etag,
        crc32=crc,
        sha256=sha.hexdigest(),
        content_type=type_,
        owner=ANONYMOUS,
    )
    async with services.database.begin() as connection:
        await insert_file(connection, file)
    return file_id
