"""Encryption at rest: on by default, tested by what is read back, and told when it is off or the store has another key."""

from __future__ import annotations

import mmap
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from app.stack import seaweedfs
from app.stack.ports import free_ports
from app.stack.seaweedfs import SeaweedFS
from jobs.errors import StorageFault
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.encryption import DefaultEncryption
from tests.jobs.storage.stores import MakeSettings

TYPE = "application/octet-stream"
ON = "AES256, and what was written could be read"
KEYS = ("key", "secret")


@pytest.fixture
def off(make_settings: MakeSettings) -> Settings:
    return make_settings(s3_encryption="off")


async def test_a_new_bucket_encrypts_by_default(storage: Storage) -> None:
    assert await storage.bucket.default_encryption() == DefaultEncryption()
    assert (await storage.check_encryption()).startswith("off: files are stored as they are.")
    await storage.bucket.ensure()
    assert await storage.bucket.default_encryption() == DefaultEncryption("AES256")
    for _ in range(2):
        assert await storage.check_encryption() == ON
    kept = [info.key async for info in storage.objects.list("")]
    assert kept == ["haulage/encrypted"]


async def test_encryption_is_left_off_on_request(store_settings: Settings, off: Settings) -> None:
    del store_settings  # it has created the bucket
    async with Storage.open(off) as storage:
        await storage.bucket.ensure()
        assert await storage.bucket.default_encryption() == DefaultEncryption()


class Refusing:
    """A store that accepts encryption by default, and then has no key for it."""

    def __init__(self, client: object) -> None:
        self._client = client

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def put_object(self, **_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalError", "Message": "no key"}}, "PutObject")


async def test_a_store_that_cannot_write_with_it_keeps_working_without(storage: Storage) -> None:
    storage.bucket._botocore_client = Refusing(storage.bucket._botocore_client)  # noqa: SLF001
    await storage.bucket.ensure()
    assert await storage.bucket.default_encryption() == DefaultEncryption()
    await storage.objects.put("k", b"x", TYPE)


# --- a SeaweedFS of the test's own -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encrypted")
    for name in ("store", "logs"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return dict(zip(seaweedfs.PORTS, free_ports(seaweedfs.PORTS.values()), strict=True))


@asynccontextmanager
async def running(folder: Path, ports: dict[str, int], key: str, bucket: str) -> AsyncIterator[Storage]:
    """A store with this key of encryption, and a client of it."""
    server = SeaweedFS(folder / "store", folder / "logs", ports=ports, keys=KEYS, bucket="first", encryption_key=key)
    server.start()
    settings = Settings(
        database_url="postgresql://nobody@localhost/none",
        redis_url="redis://localhost/0",
        s3_endpoint=seaweedfs.endpoint(ports["s3.port"]),
        s3_access_key_id=KEYS[0],
        s3_secret_access_key=KEYS[1],
        s3_bucket_name=bucket,
        s3_encryption="on" if bucket == "encrypted" else "off",
    )
    try:
        async with Storage.open(settings) as storage:
            await storage.bucket.ensure()
            yield storage
    finally:
        server.stop()


@pytest.mark.servers
async def test_files_are_not_on_disk_as_they_are_and_another_key_is_noticed(
    folder: Path, ports: dict[str, int]
) -> None:
    markers = {bucket: os.urandom(32).hex().encode() for bucket in ("encrypted", "plain")}
    keys = ["1f" * 32, "2e" * 32]
    async with running(folder, ports, keys[0], "encrypted") as storage:
        assert await storage.check_encryption() == ON
        await _write(storage, markers["encrypted"])
    async with running(folder, ports, keys[0], "plain") as storage:
        await _write(storage, markers["plain"])
    found = [
        bucket for bucket, marker in markers.items() if any(_holds(file, marker) for file in _files(folder / "store"))
    ]
    assert found == ["plain"]
    async with running(folder, ports, keys[1], "encrypted") as storage:
        with pytest.raises(StorageFault, match="it has another key now"):
            await storage.check_encryption()
    async with running(folder, ports, keys[0], "encrypted") as storage:
        assert await storage.check_encryption() == ON


async def _write(storage: Storage, marker: bytes) -> None:
    """Writes objects with the marker, by one PUT and in parts."""
    await storage.objects.put("small", b"<" + marker + b">", TYPE)
    await storage.objects.put("large", (bytes(100_000) + marker) * 100, TYPE)


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and file.stat().st_size)


def _holds(file: Path, marker: bytes) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(marker) >= 0
