"""Snapshots of jobs for their followers, read from PostgreSQL."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

from app.following.frames import Frame
from app.following.topic_registry import TopicRegistry
from app.status_reader import StatusReader
from jobs.concurrency import cancel_and_wait


class SnapshotReader:
    """Reads a snapshot once for all followers that need the same one at the same time."""

    def __init__(self, statuses: StatusReader, topics: TopicRegistry) -> None:
        self._statuses = statuses
        self._topics = topics
        self._reads: dict[tuple[UUID, int], asyncio.Task[Frame]] = {}

    async def read_shared(self, job_id: UUID, since: int) -> Frame:
        """The job with what changed after `since`. Raises as `StatusReader.read`.

        The read may have started before this call: newer messages are in the topic, and are compared after it.
        """
        read = self._reads.get((job_id, since))
        if read is None:
            read = self._reads[job_id, since] = asyncio.create_task(self.read(job_id, since))
            read.add_done_callback(partial(self._done, (job_id, since)))
        await asyncio.wait([read])  # a cancelled caller does not cancel the read of the others
        return read.result()

    def _done(self, key: tuple[UUID, int], read: asyncio.Task[Frame]) -> None:
        del self._reads[key]
        if not read.cancelled():
            read.exception()  # marks it as retrieved: all callers may have been cancelled

    async def read(self, job_id: UUID, since: int) -> Frame:
        """The same, by a read that starts now."""
        topic = self._topics.get(job_id)
        latest = None if topic is None else topic.latest
        status = await self._statuses.read(job_id, since)
        return Frame(status, status.body, read_after=None if latest is None else latest.order)

    async def cancel(self) -> None:
        """Cancels the reads that are under way."""
        await cancel_and_wait(*self._reads.values())
