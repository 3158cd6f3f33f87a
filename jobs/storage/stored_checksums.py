"""The CRC-32 that the store itself keeps of an object, where it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from jobs.errors import HaulageError, StorageDown
from jobs.storage.adaptive_limit import BUSY_ERRORS
from jobs.storage.bucket import Bucket
from jobs.storage.crc32 import combine, decode
from jobs.storage.error_translation import translate_errors
from jobs.storage.etags import quoted
from jobs.storage.thread_pool import ThreadPool

log = structlog.get_logger()

RETRY_TIMEOUT = 3.0
"""Seconds for which a busy store is retried before the checksum counts as missing."""
PARTS_PER_PAGE = 1000
"""Parts that one response lists."""


class StoredChecksums:
    """Reads the checksum by `HEAD`; if the store only has the checksums of parts, fetches and combines those."""

    def __init__(self, bucket: Bucket, client: Any) -> None:
        """`client` is a botocore client, which its creator closes."""
        self._bucket = bucket
        self._client = client
        self._threads = ThreadPool(8, "storage-checksums")

    async def crc32(self, key: str, etag: str, size: int) -> int | None:
        """Return the CRC-32 of the object with this ETag and size in bytes; None if the store can't provide it now.

        It is optional for every caller, who can read the object instead. So this raises no error, and the breaker ignores
        its failures: these calls need other permissions than reading.
        """
        try:
            return await self._bucket.limit.run(
                lambda: self._fetch(key, etag, size), (*BUSY_ERRORS, StorageDown), RETRY_TIMEOUT
            )
        except HaulageError as error:
            log.debug("checksum_missing", reason=error.message)
            return None

    async def close(self) -> None:
        """End the threads."""
        await self._threads.close()

    async def _fetch(self, key: str, etag: str, size: int) -> int | None:
        self._bucket.breaker.check()
        with translate_errors(f"reading the checksum of {key!r}", self._bucket.name):
            return await self._threads.run(self._head, key, etag, size)

    def _head(self, key: str, etag: str, size: int) -> int | None:
        response = self._call(self._client.head_object, key, ChecksumMode="ENABLED")
        encoded = response.get("ChecksumCRC32")
        if encoded is None or quoted(response["ETag"]) != etag:
            return None
        if response.get("ChecksumType") == "COMPOSITE" or "-" in encoded:
            return self._combined(key, etag, size)
        return decode(encoded)

    def _combined(self, key: str, etag: str, size: int) -> int | None:
        """Combine the checksums of the parts (MinIO returns them, SeaweedFS does not)."""
        pieces: list[tuple[int, int]] = []
        marker = 0
        while True:
            query = {
                "ObjectAttributes": ["ETag", "ObjectParts"],
                "PartNumberMarker": marker,
                "MaxParts": PARTS_PER_PAGE,
            }
            response = self._call(self._client.get_object_attributes, key, **query)
            listing = response.get("ObjectParts", {})
            parts = listing.get("Parts", [])
            crcs = [decode(part.get("ChecksumCRC32")) for part in parts]
            if quoted(response.get("ETag", "")) != etag or not parts or None in crcs:
                return None
            pieces += [(crc or 0, part["Size"]) for crc, part in zip(crcs, parts, strict=True)]
            if not listing.get("IsTruncated"):
                return combine(pieces) if sum(length for _, length in pieces) == size else None
            marker = parts[-1]["PartNumber"]

    def _call(self, call: Callable[..., Any], key: str, **parameters: Any) -> Any:
        return call(Bucket=self._bucket.name, Key=key, **parameters)
