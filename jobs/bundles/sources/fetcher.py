"""Fetches files for all jobs of a worker process, a few at once."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from jobs.bundles.resolver import Source
from jobs.bundles.sources.fetching import Fetch
from jobs.bundles.sources.shared import Shared
from jobs.bundles.url_sources import FetchedObject, UrlSource
from jobs.engine.jobs import Job
from jobs.engine.worker.reporter import Reporter

MAX_FETCHES = 4
"""Files that one worker process fetches at once. Each takes memory for a part, of 5 MiB."""


class Fetcher:
    """Limits how many files are fetched at once, in total and of one host."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._slots = asyncio.Semaphore(MAX_FETCHES)
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def fetch(self, held: Job, source: UrlSource, target: Source, reporter: Reporter) -> FetchedObject:
        """The object with a file of the job, which is fetched unless an earlier attempt has done that.

        `target`: the file as it will be packed, with the key of a new object. Raises as `Fetch.run`.
        """
        host = self._hosts.setdefault(source.host, asyncio.Semaphore(self._shared.settings.source_connections))
        async with host, self._slots:  # nobody waits for a host with a slot that others could use
            return await Fetch(self._shared, held, source, target, reporter).run()
