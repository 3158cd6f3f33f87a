"""What tests of the packers share."""

from __future__ import annotations

import hashlib
import zlib

from jobs.bundles.format.checkpoints import DonePart, MultipartUpload
from jobs.bundles.packing.callbacks import PackingCallbacks
from jobs.bundles.resolver import Source
from jobs.storage import Storage
from tests.helpers.bundles import stored


async def put(storage: Storage, data: bytes, number: int, known: str) -> Source:
    info = await storage.objects.put(f"files/{number}", data, "application/octet-stream")
    return Source(
        file_id=10_000 + number,
        name=f"{number}.bin",
        key=info.key,
        size=len(data),
        etag=info.etag,
        crc32=zlib.crc32(data) if "c" in known else None,
        sha256=hashlib.sha256(data).hexdigest() if "s" in known else None,
        content_type="application/octet-stream",
        modified=info.last_modified,
        trusted="!" in known,
    )


class RecordedCallbacks:
    """Records what a packer reports."""

    def __init__(self, contents: list[bytes]) -> None:
        self.read, self.kept, self.done = ([0] * len(contents) for _ in range(3))
        self.parts: list[DonePart] = []
        self.ended: set[int] = set()
        self._contents = contents
        self.callbacks = PackingCallbacks(
            bytes_read=self._read,
            bytes_reused=self._kept,
            entry_packed=self._done,
            part_uploaded=self.parts.append,
            entry_failed=lambda *_: None,
        )

    def _read(self, entry: int, amount: int) -> None:
        self.read[entry] += amount

    def _kept(self, entry: int, amount: int) -> None:
        self.kept[entry] += amount

    def _done(self, entry: int, crc32: int | None) -> None:
        assert crc32 in {zlib.crc32(self._contents[entry]), None}
        self.ended.add(entry)
        self.done[entry] += 1


async def begin(storage: Storage, key: str = "bundles/x.zip") -> MultipartUpload:
    return MultipartUpload(
        key=key, id=await storage.multipart.create(key, "application/zip", "a plan"), fingerprint="a plan"
    )


async def content(storage: Storage, key: str = "bundles/x.zip") -> bytes:
    return await stored(storage, key)
