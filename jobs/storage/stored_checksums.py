"""The CRC-32 that the store itself keeps of an object, where it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from jobs.errors import HaulageError, StorageDown
from jobs.storage.adaptive_limit import BUSY
from jobs.storage.bucket import Bucket
from jobs.storage.crc32 import combine, understood
from jobs.storage.error_translation import translated
from jobs.storage.etags import quoted
from jobs.storage.threads import Threads

log = structlog.get_logger()

SHORT = 3.0
"""Seconds after which a busy store has not told."""
PAGE = 1000
"""Parts that one answer lists."""


class StoredChecksums:
    """Asks with `HEAD`; where it has only the checksums of parts, asks for those and combines them."""

    def __init__(self, bucket: Bucket, client: Any) -> None:
        """`client` is a botocore client; it is closed by whoever made it."""
        self._bucket = bucket
        self._client = client
        self._threads = Threads(8, "storage-checksums")

    async def crc32(self, key: str, etag: str, size: int) -> int | None:
        """The CRC-32 of the object with this ETag and size in bytes; None when the store does not tell, or not now.

        Nobody needs it: what can't be asked for is read. So no error comes of it, and it tells the breaker nothing: the
        rights that these calls take are others than those of reading.
        """
        try:
            return await self._bucket.pace.run(lambda: self._told(key, etag, size), (*BUSY, StorageDown), SHORT)
        except HaulageError as error:
            log.debug("checksum_not_told", reason=error.message)
            return None

    async def close(self) -> None:
        """End the threads."""
        await self._threads.close()

    async def _told(self, key: str, etag: str, size: int) -> int | None:
        self._bucket.breaker.check()
        with translated(f"asking for the checksum of {key!r}", self._bucket.name):
            return await self._threads.run(self._ask, key, etag, size)

    def _ask(self, key: str, etag: str, size: int) -> int | None:
        answer = self._call(self._client.head_object, key, ChecksumMode="ENABLED")
        written = answer.get("ChecksumCRC32")
        if written is None or quoted(answer["ETag"]) != etag:
            return None
        if answer.get("ChecksumType") == "COMPOSITE" or "-" in written:
            return self._combined(key, etag, size)
        return understood(written)

    def _combined(self, key: str, etag: str, size: int) -> int | None:
        """From the parts (MinIO tells their checksums; SeaweedFS leaves them out)."""
        pieces: list[tuple[int, int]] = []
        marker = 0
        while True:
            asked = {"ObjectAttributes": ["ETag", "ObjectParts"], "PartNumberMarker": marker, "MaxParts": PAGE}
            answer = self._call(self._client.get_object_attributes, key, **asked)
            listing = answer.get("ObjectParts", {})
            parts = listing.get("Parts", [])
            crcs = [understood(part.get("ChecksumCRC32")) for part in parts]
            if quoted(answer.get("ETag", "")) != etag or not parts or None in crcs:
                return None
            pieces += [(crc or 0, part["Size"]) for crc, part in zip(crcs, parts, strict=True)]
            if not listing.get("IsTruncated"):
                return combine(pieces) if sum(length for _, length in pieces) == size else None
            marker = parts[-1]["PartNumber"]

    def _call(self, call: Callable[..., Any], key: str, **parameters: Any) -> Any:
        return call(Bucket=self._bucket.name, Key=key, **parameters)
