"""`Storage`: every client of the store, assembled from the settings in one place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

from jobs.errors import HaulageError
from jobs.settings import StorageSettings
from jobs.storage.bucket import Bucket
from jobs.storage.bulk_head import BulkHead
from jobs.storage.clients import BotocoreClients, minio_client, obstore_client, tls_context
from jobs.storage.cold import cold_rule
from jobs.storage.encryption_check import check_encryption
from jobs.storage.multipart import MultipartUploads
from jobs.storage.object_writer import ObjectWriter
from jobs.storage.objects import Objects
from jobs.storage.part_copy import PROBE_PREFIX, PartCopy
from jobs.storage.part_signing import PartSigner
from jobs.storage.presigning import Presigner
from jobs.storage.put_client import PutClient
from jobs.storage.stored_checksums import StoredChecksums

MAX_CONCURRENT_PUTS = 64
"""Request bodies that one process sends concurrently: each takes a thread and a connection."""
PROBE_KEY = f"{PROBE_PREFIX}alive"
"""The same key for every process, so that only one object can be left over."""
SIGNATURE_LIFETIME = 900
"""Seconds in which a signed part must reach the store. It only allows for clock skew: sending begins at once."""


class Storage:
    """The store's objects, multipart uploads, links and bucket. It belongs to one event loop and must be closed."""

    def __init__(
        self,
        objects: Objects,
        multipart: MultipartUploads,
        part_copy: PartCopy,
        checksums: StoredChecksums,
        presigner: Presigner,
        part_signer: PartSigner,
        bucket: Bucket,
        put_client: PutClient,
    ) -> None:
        self.objects = objects
        self.bulk_head = BulkHead(objects)
        self.checksums = checksums
        self.multipart = multipart
        self.part_copy = part_copy
        self.presigner = presigner
        self.part_signer = part_signer
        self.bucket = bucket
        self._put_client = put_client

    @classmethod
    def open(cls, settings: StorageSettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """Create all clients. No request is made and no thread started, so success does not mean that the store is up.

        `now` returns the time at which links are signed, in UTC.
        """
        clients = BotocoreClients(settings, connections=16)
        client = clients.create(settings.s3_idle_timeout)
        bucket = Bucket(
            settings.s3_bucket_name,
            minio_client(settings, settings.s3_endpoint, settings.s3_idle_timeout),
            minio_client(settings, settings.s3_endpoint, settings.s3_connect_timeout),
            client,
            encrypts=settings.s3_encryption == "on",
            cold_rule=cold_rule(settings),
        )
        # One request for each part that the memory budget holds, and some for small objects.
        puts = min(MAX_CONCURRENT_PUTS, settings.worker_memory_budget // settings.part_size + 8)
        put_client = PutClient(
            _signer(client), settings.s3_connect_timeout, settings.s3_idle_timeout, puts, tls_context(settings)
        )
        multipart = MultipartUploads(bucket, put_client, client, clients.create(settings.s3_complete_timeout))
        objects = Objects(obstore_client(settings), bucket, ObjectWriter(bucket, put_client, multipart))
        public = minio_client(settings, settings.s3_public_endpoint or settings.s3_endpoint, settings.s3_idle_timeout)
        return cls(
            objects,
            multipart,
            PartCopy(objects, multipart, allowed=settings.s3_part_copy == "auto"),
            StoredChecksums(bucket, client),
            Presigner(settings.s3_bucket_name, public, now),
            PartSigner(settings, now),
            bucket,
            put_client,
        )

    async def check(self) -> None:
        """Make a call with each of the clients, which have ways of their own to connect. Raises the `Storage…` errors."""
        await self.bucket.check()
        await self.probe_write()
        await self.objects.list_page("", PROBE_KEY)
        await self.multipart.abort(PROBE_KEY, await self.multipart.create(PROBE_KEY, "application/octet-stream"))

    async def check_encryption(self) -> str:
        """As `jobs.storage.encryption_check` has it."""
        return await check_encryption(self.bucket, self.objects, self.multipart)

    async def probe_write(self) -> None:
        """Write a small object, as a job would: a store may list its buckets and still store nothing. Raises as `put`."""
        await self.objects.put(PROBE_KEY, b"", "application/octet-stream")
        with suppress(HaulageError):
            await self.objects.delete([PROBE_KEY])

    async def close(self) -> None:
        """End threads and connections. Waits for the calls in progress, which have time-outs of their own."""
        await self._put_client.close()
        await self.checksums.close()
        await self.multipart.close()
        await self.bucket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _signer(client: Any) -> Callable[[str, dict[str, Any]], str]:
    def sign(operation: str, parameters: dict[str, Any]) -> str:
        url: str = client.generate_presigned_url(operation, Params=parameters, ExpiresIn=SIGNATURE_LIFETIME)
        return url

    return sign
