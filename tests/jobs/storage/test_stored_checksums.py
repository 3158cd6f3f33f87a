"""Checksums sent to the store, and read from it."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from jobs.errors import StorageFault
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.clients import BotocoreClients
from jobs.storage.crc32 import decode, encode
from tests.helpers.busy_store import intercepting
from tests.jobs.storage.faults import hang_up, responding, serving
from tests.jobs.storage.stores import MakeSettings

MIB = 1 << 20
TYPE = "application/octet-stream"


@pytest.fixture
def client(store_settings: Settings) -> Any:
    """A botocore client for calls that Haulage itself never makes."""
    return BotocoreClients(store_settings, connections=1).create(10)


async def stored_crc32(storage: Storage, key: str) -> int | None:
    info = await storage.objects.head(key)
    return await storage.checksums.crc32(key, info.etag, info.size)


@pytest.mark.parametrize("size", [0, 1000, 8 * MIB, 20 * MIB + 3])
async def test_the_store_keeps_the_checksum_of_an_object(storage: Storage, size: int) -> None:
    data = os.urandom(size)
    await storage.objects.put("k", data, TYPE)
    assert await stored_crc32(storage, "k") == zlib.crc32(data)


@pytest.mark.parametrize("size", [1000, 9 * MIB])
async def test_corrupted_bytes_are_rejected(storage: Storage, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    async def another(chunks: Sequence[bytes]) -> int:
        return zlib.crc32(b"".join(chunks)) ^ 1

    monkeypatch.setattr("jobs.storage.object_writer.crc32_of", another)
    with pytest.raises(StorageFault, match="another CRC-32"):
        await storage.objects.put("k", os.urandom(size), TYPE)
    assert [info async for info in storage.objects.list("")] == []


async def test_an_object_of_parts_without_checksums_has_none(storage: Storage) -> None:
    upload_id = await storage.multipart.create("k", TYPE)
    etag = await storage.multipart.upload_part("k", upload_id, 1, b"x")
    await storage.multipart.complete("k", upload_id, [(1, etag)])
    assert await stored_crc32(storage, "k") is None


async def test_the_checksums_of_parts_are_combined_if_the_store_returns_them(
    storage: Storage, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(100)]
    await asyncio.to_thread(_put_composite, client, storage.bucket.name, parts)
    attributes = await asyncio.to_thread(_attributes, client, storage.bucket.name)
    tells = all("ChecksumCRC32" in part for part in attributes["ObjectParts"]["Parts"])
    expected = zlib.crc32(b"".join(parts)) if tells else None
    assert await stored_crc32(storage, "k") == expected
    monkeypatch.setattr("jobs.storage.stored_checksums.PARTS_PER_PAGE", 2)
    assert await stored_crc32(storage, "k") == expected


async def test_the_checksum_of_another_object_is_not_used(storage: Storage) -> None:
    info = await storage.objects.put("k", b"x", TYPE)
    await storage.objects.put("k", b"y", TYPE)
    assert await storage.checksums.crc32("k", info.etag, info.size) is None


async def test_a_missing_checksum_is_neither_an_error_nor_an_outage(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.storage.stored_checksums.RETRY_TIMEOUT", 0)
    for handler in (hang_up, responding("403 Forbidden"), responding("503 Slow Down"), responding("200 OK")):
        async with serving(handler) as endpoint, Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            for _ in range(6):
                assert await storage.checksums.crc32("k", '"x"', 1) is None
            storage.bucket.breaker.check()


@pytest.mark.parametrize("size", [1000, 9 * MIB])
async def test_no_checksums_are_sent_to_a_store_without_them(
    storage: Storage, make_settings: MakeSettings, store_settings: Settings, size: int
) -> None:
    data = os.urandom(size)
    async with intercepting(store_settings.s3_endpoint) as store:
        store.reject(lambda head: b"x-amz-checksum-" in head.lower())
        async with Storage.open(make_settings(s3_endpoint=store.url)) as other:
            for key in ("one", "two"):
                assert (await other.objects.put(key, data, TYPE)).size == size
    assert store.intercepted.total() == 1
    assert await stored_crc32(storage, "two") is None


@pytest.mark.parametrize("value", [None, 7, "", "AAAA", "not base64", "u7RUGw==-2", "u7RUGwAA", "ü"])
def test_other_values_are_not_decoded(value: object) -> None:
    assert decode(value) is None


@pytest.mark.parametrize("value", [0, 1, 0xFFFFFFFF, 0x12345678])
def test_decode_inverts_encode(value: int) -> None:
    assert decode(encode(value)) == value


def _put_composite(client: Any, bucket: str, parts: list[bytes]) -> None:
    place = {"Bucket": bucket, "Key": "k"}
    upload = {**place, "UploadId": client.create_multipart_upload(**place, ChecksumAlgorithm="CRC32")["UploadId"]}
    said = []
    for number, part in enumerate(parts, 1):
        crc = {"PartNumber": number, "ChecksumCRC32": encode(zlib.crc32(part))}
        said.append({**crc, "ETag": client.upload_part(**upload, **crc, Body=part)["ETag"]})
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": said})


def _attributes(client: Any, bucket: str) -> Any:
    return client.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"])
