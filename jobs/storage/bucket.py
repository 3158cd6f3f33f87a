"""The bucket: created when missing, checked for health, and confirmed before "no such object" is believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule

from jobs.breakers import Breaker
from jobs.errors import STORAGE_OUTAGES, ObjectMissing, StorageBusy, StorageDown, StorageOut
from jobs.storage.adaptive_limit import AdaptiveLimit
from jobs.storage.clients import MinioClient
from jobs.storage.cold import has_cold_rule, set_cold_rule
from jobs.storage.cors import set_cors_rule
from jobs.storage.encryption import DefaultEncryption, read_default_encryption, set_default_encryption
from jobs.storage.error_translation import bucket_missing, translate_errors
from jobs.storage.part_buffer import BodyStalled
from jobs.storage.thread_pool import ThreadPool

log = structlog.get_logger()

T = TypeVar("T")

ABORT_INCOMPLETE_AFTER_DAYS = 7
"""Days after which the store may abort an incomplete upload: long after any job has ended."""
RECOVERY_TIMEOUT = 2.0
"""Seconds before the open circuit of the store lets calls through again."""
_OUT = "The store is unavailable. It is checked again every few seconds."
MAX_CONCURRENT_CALLS = 128
"""Calls to the store that one process runs concurrently."""
HEAD_RETRY_TIMEOUT = 10.0
"""Seconds for which a 5xx without a body is retried, since it may mean that the store is busy."""
EXISTENCE_TTL = 5.0
"""Seconds for which the existence of the bucket is cached: a thousand missing files cause one check."""


class _EmptyServerError(StorageBusy):
    """A 5xx response without a body."""


class Bucket:
    """The one bucket that this installation uses.

    `breaker` watches all calls to the store; `check` is the one that still goes through while its circuit is open.
    """

    def __init__(
        self,
        name: str,
        admin_client: MinioClient,
        health_client: MinioClient,
        botocore_client: Any,
        clock: Callable[[], float] = time.monotonic,
        *,
        encrypts: bool = True,
        cold_rule: dict[str, Any] | None = None,
    ) -> None:
        """`health_client` has the shorter time-out. `clock` returns monotonic seconds.

        `encrypts`: whether `ensure` lets the store encrypt new objects. `cold_rule`: the one that it sets, if any.
        """
        self.name = name
        self.cold_rule = cold_rule
        self._encrypts = encrypts
        self.breaker = Breaker(
            "storage", STORAGE_OUTAGES, StorageOut(_OUT), RECOVERY_TIMEOUT, ignored=(_EmptyServerError, BodyStalled)
        )
        self.limit = AdaptiveLimit(MAX_CONCURRENT_CALLS)
        self._admin_client = admin_client
        self._health_client = health_client
        self._botocore_client = botocore_client
        self._clock = clock
        self._threads = ThreadPool(4, "storage-bucket")
        self._confirming = asyncio.Lock()
        self._confirmed_at: float | None = None

    async def ensure(self) -> None:
        """Create the bucket unless it exists, with its rules. Raises the `Storage…` errors."""
        with translate_errors(f"creating the bucket {self.name!r}", self.name):
            await self._threads.run(_ensure, self._admin_client.client, self.name)
            await self._threads.run(set_cors_rule, self._botocore_client, self.name)
            await self._threads.run(set_cold_rule, self._botocore_client, self.name, self.cold_rule)
            if self._encrypts:
                await self._threads.run(set_default_encryption, self._botocore_client, self.name)

    async def default_encryption(self) -> DefaultEncryption:
        """Return what the store does with new objects. Raises the `Storage…` errors."""
        with translate_errors(f"reading how the bucket {self.name!r} is encrypted", self.name):
            return await self._threads.run(read_default_encryption, self._botocore_client, self.name)

    async def has_cold_rule(self) -> bool:
        """Return whether the bucket has the rule that `ensure` sets. Raises the `Storage…` errors."""
        assert self.cold_rule is not None
        with translate_errors(f"reading the lifecycle rules of the bucket {self.name!r}", self.name):
            return await self._threads.run(has_cold_rule, self._botocore_client, self.name, self.cold_rule)

    async def check(self) -> None:
        """Return if the bucket exists, within about twice the connect time-out; else raise a `Storage…` error."""
        with self.breaker.record("probing"):
            await self._require_exists()

    async def _require_exists(self) -> None:
        with translate_errors(f"checking the bucket {self.name!r}", self.name):
            found = await self._threads.run(self._health_client.client.bucket_exists, self.name)
        if not found:
            raise bucket_missing(self.name)

    async def confirm_exists(self) -> None:
        """Check that the bucket exists, unless that was seen within `EXISTENCE_TTL`; concurrent callers share one check."""
        async with self._confirming:
            if self._confirmed_at is None or self._clock() - self._confirmed_at >= EXISTENCE_TTL:
                await self._require_exists()
                self._confirmed_at = self._clock()

    @asynccontextmanager
    async def error_boundary(self, action: str) -> AsyncIterator[None]:
        """`translate_errors`, and `ObjectMissing` is only raised if the bucket is known to exist.

        Raises `StorageOut` at once while the circuit is open. The first word of `action` is the call's name in metrics.
        """
        self.breaker.check()
        try:
            with self.breaker.record(action.partition(" ")[0]), translate_errors(action, self.name):
                yield
        except ObjectMissing:
            await self.confirm_exists()
            raise

    async def call_with_retry(self, action: str, call: Callable[[], Awaitable[T]], *, no_body: bool = False) -> T:
        """Return the result of `call` within `error_boundary`. While the store is too busy, retry it, at a lower rate.

        `no_body`: the response has no body (HEAD), so any 5xx may mean "busy", and the breaker ignores it.
        """

        async def attempt() -> T:
            async with self.error_boundary(action):
                try:
                    with translate_errors(action, self.name):
                        return await call()
                except StorageDown as error:
                    raise (_EmptyServerError(error.message) if no_body else error) from None

        return await self.limit.run(attempt, timeout=HEAD_RETRY_TIMEOUT if no_body else None)

    async def close(self) -> None:
        """End the threads and close the connections."""
        await self._threads.close()
        self._admin_client.connections.clear()
        self._health_client.connections.clear()


def _ensure(client: Minio, name: str) -> None:
    if not client.bucket_exists(name):
        try:
            client.make_bucket(name)
        except S3Error as error:
            # Another process was faster. `BucketAlreadyExists` would mean another owner, and stays an error.
            if error.code != "BucketAlreadyOwnedByYou":
                raise
    _set_lifecycle_rule(client, name)


def _set_lifecycle_rule(client: Minio, name: str) -> None:
    """Let the store abort incomplete uploads after some days, unless the bucket's owner has set rules already.

    This is a safety net below the sweeper. MinIO rejects the rule, and other stores may: they clean up by themselves.
    """
    rule = Rule(
        ENABLED,
        rule_filter=Filter(prefix=""),
        rule_id="haulage-abort-incomplete-uploads",
        abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(
            days_after_initiation=ABORT_INCOMPLETE_AFTER_DAYS
        ),
    )
    try:
        if client.get_bucket_lifecycle(name) is None:
            client.set_bucket_lifecycle(name, LifecycleConfig([rule]))
    except S3Error as error:
        log.info("lifecycle_rule_rejected", code=error.code)
