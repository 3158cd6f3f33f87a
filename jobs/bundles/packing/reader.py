"""Reads a range of a source, going on where a broken connection left off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

from jobs.backoff import delay
from jobs.bundles.packing.read_window import Line
from jobs.bundles.resolver import Source
from jobs.errors import ObjectMissing, SourceChanged, StorageDown, StorageOut, StorageTimeout, StorageUnreachable
from jobs.settings import Settings
from jobs.storage.objects import Objects


class Reader:
    """Reads for all jobs of a worker process, so many reads at once."""

    def __init__(self, objects: Objects, settings: Settings, random: Random | None = None) -> None:
        self._objects = objects
        self._slots = asyncio.Semaphore(settings.read_concurrency)
        self._patience = settings.file_timeout
        self.line = Line(time.monotonic)
        self._random = random or Random()  # noqa: S311 - jitter, not a secret

    async def read(self, source: Source, start: int, stop: int, take: Callable[[bytes], None]) -> None:
        """Gives `take` the source's bytes from `start` up to, not including, `stop`, in chunks as they come in.

        Raises `SourceChanged` when it is no longer the object that was pinned, `StorageTimeout` when nothing came for
        `FILE_TIMEOUT` seconds, and what the store itself complains of.
        """
        async with self._slots:
            done = start
            failures = 0
            last_gain = asyncio.get_running_loop().time()
            while done < stop:
                before, asked = done, self.line.clock()
                try:
                    async for chunk in self._objects.read(source.key, source.etag, done, stop):
                        if done == before:
                            self.line.answered(self.line.clock() - asked)
                        self.line.came(len(chunk))
                        done += len(chunk)
                        take(chunk)
                except ObjectMissing as error:
                    raise SourceChanged(f"{source.name}: it was removed from the store while it was read.") from error
                except StorageOut:
                    raise
                except (StorageDown, StorageUnreachable, StorageTimeout) as error:
                    now = asyncio.get_running_loop().time()
                    if done > before:
                        last_gain, failures = now, 0
                    failures += 1
                    pause = delay(failures, 0.2, 5, self._random)
                    if now + pause - last_gain > self._patience:
                        raise StorageTimeout(
                            f"{source.name}: no byte came for {self._patience:g} s. Last error: {error.message}"
                        ) from error
                    await asyncio.sleep(pause)
