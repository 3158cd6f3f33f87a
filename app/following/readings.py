"""Snapshots for followers, read from PostgreSQL."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

from app.following.frames import Frame
from app.following.topic_registry import Topics
from app.status_reader import Statuses
from jobs.concurrency import cancel_and_wait


class Readings:
    """Followers that ask for the same at the same time share one reading."""

    def __init__(self, statuses: Statuses, topics: Topics) -> None:
        self._statuses = statuses
        self._topics = topics
        self._running: dict[tuple[UUID, int], asyncio.Task[Frame]] = {}

    async def snapshot(self, job_id: UUID, since: int) -> Frame:
        """What changed after `since`. Raises as `Statuses.read`.

        It may have begun before somebody asked: what has come in meanwhile is in the topic, and is judged after it.
        """
        reading = self._running.get((job_id, since))
        if reading is None:
            reading = self._running[job_id, since] = asyncio.create_task(self.fresh(job_id, since))
            reading.add_done_callback(partial(self._done, (job_id, since)))
        await asyncio.wait([reading])  # whoever leaves meanwhile takes it from nobody else
        return reading.result()

    def _done(self, asked: tuple[UUID, int], reading: asyncio.Task[Frame]) -> None:
        del self._running[asked]
        if not reading.cancelled():
            reading.exception()  # it may be that all have left: then nobody is to hear of it

    async def fresh(self, job_id: UUID, since: int) -> Frame:
        """The same, by a reading that begins now."""
        topic = self._topics.get(job_id)
        latest = None if topic is None else topic.latest
        status = await self._statuses.read(job_id, since)
        return Frame(status, status.body, heard=None if latest is None else latest.order)

    async def end(self) -> None:
        """Nobody waits for them any more."""
        await cancel_and_wait(*self._running.values())
