"""`Storage`: everything about the store, made from the settings in one place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

from jobs.errors import HaulageError
from jobs.settings import Settings
from jobs.storage.bucket import Bucket
from jobs.storage.bulk_head import Looking
from jobs.storage.clients import BotocoreClients, minio_client, obstore_client
from jobs.storage.multipart import Uploads
from jobs.storage.object_writer import Ingest
from jobs.storage.objects import Objects
from jobs.storage.part_copy import PROBES, Copying
from jobs.storage.presigning import Links
from jobs.storage.put_client import Sender
from jobs.storage.stored_checksums import StoredChecksums

MAX_SENDING = 64
"""Bodies that one process has under way to the store at most: each takes a thread and a connection."""
ALIVE = f"{PROBES}alive"
"""One name for all, so that it never becomes more."""
SIGNATURE_LIFETIME = 900
"""Seconds in which a part that was signed must reach the store. It is a matter of clocks: sending begins at once."""


class Storage:
    """The store's objects, multipart uploads, links and bucket. Belongs to one event loop; close it."""

    def __init__(
        self,
        objects: Objects,
        uploads: Uploads,
        copying: Copying,
        checksums: StoredChecksums,
        links: Links,
        bucket: Bucket,
        sender: Sender,
    ) -> None:
        self.objects = objects
        self.looking = Looking(objects)
        self.checksums = checksums
        self.uploads = uploads
        self.copying = copying
        self.links = links
        self.bucket = bucket
        self._sender = sender

    @classmethod
    def open(cls, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """Make all clients. No call is made, no thread started, so it says nothing about the store's health.

        `now` tells the time that links are signed for, in UTC.
        """
        clients = BotocoreClients(settings, connections=16)
        client = clients.make(settings.s3_idle_timeout)
        bucket = _bucket(settings)
        sender = Sender(_signer(client), settings.s3_connect_timeout, settings.s3_idle_timeout, _sending(settings))
        uploads = Uploads(bucket, sender, client, clients.make(settings.s3_complete_timeout))
        objects = Objects(obstore_client(settings), bucket, Ingest(bucket, sender, uploads))
        public = minio_client(settings, settings.s3_public_endpoint or settings.s3_endpoint, settings.s3_idle_timeout)
        copying = Copying(objects, uploads, allowed=settings.s3_part_copy == "auto")
        checksums = StoredChecksums(bucket, client)
        return cls(objects, uploads, copying, checksums, Links(settings.s3_bucket_name, public, now), bucket, sender)

    async def prove(self) -> None:
        """Write a little, as a job would: a store may tell of its buckets and still keep nothing. Raises as `put`."""
        await self.objects.put(ALIVE, b"", "application/octet-stream")
        with suppress(HaulageError):
            await self.objects.delete([ALIVE])

    async def close(self) -> None:
        """End threads and connections. Calls that still run are waited for, within their time-outs."""
        await self._sender.close()
        await self.checksums.close()
        await self.uploads.close()
        await self.bucket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _bucket(settings: Settings) -> Bucket:
    maker = minio_client(settings, settings.s3_endpoint, settings.s3_idle_timeout)
    looker = minio_client(settings, settings.s3_endpoint, settings.s3_connect_timeout)
    return Bucket(settings.s3_bucket_name, maker, looker)


def _signer(client: Any) -> Callable[[str, dict[str, Any]], str]:
    def sign(operation: str, parameters: dict[str, Any]) -> str:
        url: str = client.generate_presigned_url(operation, Params=parameters, ExpiresIn=SIGNATURE_LIFETIME)
        return url

    return sign


def _sending(settings: Settings) -> int:
    """As many as the memory budget has parts for, and some for small objects."""
    return min(MAX_SENDING, settings.worker_memory_budget // settings.part_size + 8)
