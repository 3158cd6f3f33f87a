"""Polling and long-polling: one answer a question. A job that is polled over and over is followed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from app.close_codes import Closing
from app.following.connection_limits import Admission
from app.following.topic_registry import Topics
from app.problems import TooManyFollowers
from app.requests import MAX_SEQ
from app.schemas import JobStatus
from app.status_reader import Statuses
from jobs.engine.jobs import Job
from jobs.engine.live.subscriptions import ACKNOWLEDGED, Subscriptions


class Polls:
    """Answers with the job as it is now."""

    def __init__(self, statuses: Statuses, topics: Topics, subscriptions: Subscriptions, admission: Admission) -> None:
        self._statuses = statuses
        self._topics = topics
        self._subscriptions = subscriptions
        self._admission = admission

    def at_once(self, job_id: UUID) -> JobStatus | None:
        """The job now, if that is known here for sure; if so, it is followed on for the next poll."""
        topic = self._topics.get(job_id)
        status = None if topic is None else topic.current()
        if topic is not None and status is not None:
            self._topics.prolong(topic)
        return status

    async def read(self, job_id: UUID, since: int | None = None, *, fresh: bool = False) -> JobStatus:
        """The job now, with its files that changed after `since`. Raises `JobNotFound`, `DatabaseUnavailable`.

        A job that is polled over and over is answered with what came in. `fresh` asks PostgreSQL in any case: what was
        written before is seen, even when its message was lost.
        """
        if since is not None:
            return await self._statuses.read(job_id, since)
        known = None if fresh else self.at_once(job_id)
        return await self._read_and_keep(job_id) if known is None else known

    async def _read_and_keep(self, job_id: UUID) -> JobStatus:
        topic, hold = self._topics.get(job_id), self._subscriptions.token(job_id)
        again = self._statuses.keeps(job_id)
        status = await self._statuses.read(job_id)
        if topic is not None:
            self._topics.prolong(topic)
            if hold is not None and hold is self._subscriptions.token(job_id):
                topic.keep(status)  # no message was missed while it was read
        elif again and not status.status.ended:
            self._topics.keep_for_polls(job_id)
        return status

    async def wait(
        self,
        job_id: UUID,
        client: str,
        patience: float,
        enough: Callable[[JobStatus], bool],
        since: int | None = None,
    ) -> JobStatus:
        """The job as soon as it is `enough`, or as it is after `patience` seconds, or when the process is to stop.

        Raises as `read`, and `TooManyFollowers` when this process, or the client's address, has as many as it may.
        """
        if self._admission.refusal(client) is Closing.TOO_MANY:
            raise TooManyFollowers("Too much waits here already, for all or for your address. Come back later.")
        deadline = asyncio.get_running_loop().time() + patience
        with self._admission.inside(client), self._topics.waiting(job_id) as changed:
            await self._subscriptions.acknowledged(job_id, min(patience, ACKNOWLEDGED))
            while True:
                changed.clear()
                status = await self.read(job_id, since)
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0 or enough(status) or self._admission.draining:
                    return status
                with suppress(TimeoutError):
                    async with asyncio.timeout(remaining):
                        await changed.wait()

    def moved(self, job: Job) -> None:
        """A command was written: what is known from before it is no answer any more, whether or not its message came."""
        topic = self._topics.get(job.id)
        if topic is not None:
            topic.moved(job.seq)

    def dropped(self, job_id: UUID) -> None:
        """The job was dropped here: nobody is told any more what was known of it."""
        topic = self._topics.get(job_id)
        if topic is not None:
            topic.moved(MAX_SEQ)
