"""Reads ranges of sources. A read that fails midway is resumed where it stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

from jobs.bundles.packing.read_window import BandwidthDelayEstimator
from jobs.bundles.resolver import Source
from jobs.errors import HaulageError, ObjectMissing, SourceChanged, StorageTimeout
from jobs.metrics import STREAMED
from jobs.settings import Settings
from jobs.storage.objects import Objects
from jobs.storage.retries import Retries

FIRST_PAUSE = 0.2
"""Seconds before a read that broke is resumed for the first time."""


class Reader:
    """Reads for all jobs of a worker process, at most `READ_CONCURRENCY` ranges at once."""

    def __init__(self, objects: Objects, settings: Settings, random: Random | None = None) -> None:
        self._objects = objects
        self._slots = asyncio.Semaphore(settings.read_concurrency)
        self._patience = settings.file_timeout
        self.bandwidth = BandwidthDelayEstimator(time.monotonic)
        self._random = random or Random()  # noqa: S311 - jitter, not a secret

    async def read(self, source: Source, start: int, stop: int, consume: Callable[[bytes], None]) -> None:
        """Passes the source's bytes from `start` up to, not including, `stop` to `consume`, in chunks as they arrive.

        Raises `SourceChanged` when the object is not the one that was pinned, `StorageTimeout` when no byte arrived for
        `FILE_TIMEOUT` seconds, and the other errors of the store.
        """
        async with self._slots:
            position = start
            retries = Retries(FIRST_PAUSE, self._random, patience=self._patience)
            while position < stop:
                before, requested_at = position, self.bandwidth.clock()
                try:
                    async for chunk in self._objects.read(source.key, source.etag, position, stop):
                        if position == before:
                            self.bandwidth.record_latency(self.bandwidth.clock() - requested_at)
                        self.bandwidth.record_bytes(len(chunk))
                        position += len(chunk)
                        STREAMED.inc(len(chunk))
                        consume(chunk)
                except ObjectMissing as error:
                    raise SourceChanged(f"{source.name} was deleted from the store while it was read.") from error
                except HaulageError as error:
                    if not await retries.pause(error, progress=position > before):
                        raise StorageTimeout(
                            f"{source.name}: no byte arrived for {self._patience:g} s. Last error: {error.message}"
                        ) from error
