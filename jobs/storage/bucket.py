"""The bucket: made when it is missing, looked at for health, and before "no such object" is believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule

from jobs.breakers import Breaker
from jobs.errors import STORAGE_OUTAGES, ObjectMissing, StorageBusy, StorageDown, StorageOut
from jobs.storage.adaptive_limit import Pace
from jobs.storage.clients import MinioClient
from jobs.storage.error_translation import no_bucket, translated
from jobs.storage.part_buffer import Starved
from jobs.storage.threads import Threads

log = structlog.get_logger()

T = TypeVar("T")

FORGOTTEN_DAYS = 7
"""Days after which the store may drop an upload: long after any job has ended."""
RECOVERY = 2.0
"""Seconds between two looks whether the store is back."""
_OUT = "The store does not answer. It is asked again every few seconds."
MOST = 128
"""Calls that one process has under way at most."""
MUTE = 10.0
"""Seconds for which a 5xx without a body may mean that the store is busy."""
CONFIRMED_FOR = 5.0
"""Seconds that a look at the bucket holds for: a thousand missing files ask for it once."""


class _Mute(StorageBusy):
    """A 5xx without a body."""


class Bucket:
    """The one bucket that this installation uses.

    `breaker` watches all calls to the store; `check` is the one that still goes through while its circuit is open.
    """

    def __init__(
        self, name: str, maker: MinioClient, looker: MinioClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`maker` may take its time, `looker` must answer soon. `clock` is seconds that never go back."""
        self.name = name
        self.breaker = Breaker("storage", STORAGE_OUTAGES, StorageOut(_OUT), RECOVERY, silent=(_Mute, Starved))
        self.pace = Pace(MOST)
        self._maker = maker
        self._looker = looker
        self._clock = clock
        self._threads = Threads(4, "storage-bucket")
        self._confirming = asyncio.Lock()
        self._confirmed_at: float | None = None

    async def ensure(self) -> None:
        """Make the bucket unless it is there. Raises the `Storage…` errors."""
        with translated(f"making the bucket {self.name!r}", self.name):
            await self._threads.run(_ensure, self._maker.client, self.name)

    async def check(self) -> None:
        """Return if the bucket is there, within about twice the connect time-out; else raise a `Storage…` error."""
        with self.breaker.watch():
            await self._look()

    async def _look(self) -> None:
        with translated(f"looking at the bucket {self.name!r}", self.name):
            found = await self._threads.run(self._looker.client.bucket_exists, self.name)
        if not found:
            raise no_bucket(self.name)

    async def confirm(self) -> None:
        """Looks whether the bucket is there, unless that was seen within `CONFIRMED_FOR`; who comes together looks once."""
        async with self._confirming:
            if self._confirmed_at is None or self._clock() - self._confirmed_at >= CONFIRMED_FOR:
                await self._look()
                self._confirmed_at = self._clock()

    @asynccontextmanager
    async def guard(self, action: str) -> AsyncIterator[None]:
        """`translated`, and "no such object" only gets out when the bucket is known to be there.

        Raises `StorageOut` at once while the store is out.
        """
        self.breaker.check()
        try:
            with self.breaker.watch(), translated(action, self.name):
                yield
        except ObjectMissing:
            await self.confirm()
            raise

    async def ask(self, action: str, call: Callable[[], Awaitable[T]], *, mute: bool = False) -> T:
        """What the call comes to, as `guard` has it. A store that is too busy for it is asked again, by fewer at once.

        `mute`: the answer has no body (HEAD), so that any 5xx may mean it, and says nothing for the breaker.
        """

        async def guarded() -> T:
            async with self.guard(action):
                try:
                    with translated(action, self.name):
                        return await call()
                except StorageDown as error:
                    raise (_Mute(error.message) if mute else error) from None

        return await self.pace.run(guarded, patience=MUTE if mute else None)

    async def close(self) -> None:
        """End the threads and the connections."""
        await self._threads.close()
        self._maker.connections.clear()
        self._looker.connections.clear()


def _ensure(client: Minio, name: str) -> None:
    if not client.bucket_exists(name):
        try:
            client.make_bucket(name)
        except S3Error as error:
            # Another process was faster. `BucketAlreadyExists` would be a stranger's: that stays an error.
            if error.code != "BucketAlreadyOwnedByYou":
                raise
    _forget_uploads(client, name)


def _forget_uploads(client: Minio, name: str) -> None:
    """Tells the store to drop uploads that were forgotten, unless its owner has rules there already.

    It is a net below the sweeper. MinIO refuses the rule, and others may: they do something like it by themselves.
    """
    rule = Rule(
        ENABLED,
        rule_filter=Filter(prefix=""),
        rule_id="haulage-forgotten-uploads",
        abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days_after_initiation=FORGOTTEN_DAYS),
    )
    try:
        if client.get_bucket_lifecycle(name) is None:
            client.set_bucket_lifecycle(name, LifecycleConfig([rule]))
    except S3Error as error:
        log.info("lifecycle_rule_refused", code=error.code)
