"""Polling and long-polling. A job that is polled again and again is followed, and answered from memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from app.following.connection_limits import ConnectionLimits, Holder
from app.following.topic_registry import TopicRegistry
from app.metrics import LONG_POLLS
from app.requests import MAX_SEQ
from app.schemas import BaseStatus
from app.status_reader import StatusReader
from jobs.engine.transport import ACKNOWLEDGED, Subscriptions


class Polling:
    """Reads jobs for requests that ask for one status each."""

    def __init__(
        self, statuses: StatusReader, topics: TopicRegistry, subscriptions: Subscriptions, limits: ConnectionLimits
    ) -> None:
        self._statuses = statuses
        self._topics = topics
        self._subscriptions = subscriptions
        self._limits = limits

    def cached(self, job_id: UUID) -> BaseStatus | None:
        """The job now, if that is known without a read; then it stays followed for the next poll."""
        topic = self._topics.get(job_id)
        status = None if topic is None else topic.cached()
        if topic is not None and status is not None:
            self._topics.keep_for_polls(topic)
        return status

    async def read(self, job_id: UUID, since: int | None = None, *, fresh: bool = False) -> BaseStatus:
        """The job now, with its files that changed after `since`. Raises `JobNotFound`, `DatabaseUnavailable`.

        Without `since`, a job that is followed is answered from memory. `fresh` reads PostgreSQL in any case, and so sees
        everything that was written before, even if its message was lost.
        """
        if since is not None:
            return await self._statuses.read(job_id, since)
        if not fresh and (cached := self.cached(job_id)) is not None:
            return cached
        topic, subscribed = self._topics.get(job_id), self._subscriptions.token(job_id)
        polled_before = self._statuses.has_read(job_id)
        status = await self._statuses.read(job_id)
        if topic is not None:
            self._topics.keep_for_polls(topic)
            if subscribed is not None and subscribed is self._subscriptions.token(job_id):
                topic.cache(status)  # no message was missed while it was read
        elif polled_before and not status.status.ended:
            self._topics.open_for_polls(job_id)
        return status

    async def wait(
        self,
        job_id: UUID,
        holder: Holder,
        patience: float,
        enough: Callable[[BaseStatus], bool],
        since: int | None = None,
    ) -> BaseStatus:
        """The job as soon as it is `enough`, after `patience` seconds, or when the process is about to stop.

        Raises as `read`, and `TooManyFollowers` if this process, the client's address or the user has too many connections.
        """
        if self._limits.draining:
            return await self.read(job_id, since)
        deadline = asyncio.get_running_loop().time() + patience
        with self._limits.acquired(holder), LONG_POLLS.one_more(), self._topics.changes(job_id) as changed:
            await self._subscriptions.acknowledged(job_id, min(patience, ACKNOWLEDGED))
            while True:
                changed.clear()
                status = await self.read(job_id, since)
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0 or enough(status) or self._limits.draining:
                    return status
                with suppress(TimeoutError):
                    async with asyncio.timeout(remaining):
                        await changed.wait()

    def invalidate(self, job_id: UUID, seq: int = MAX_SEQ) -> None:
        """Discards what was cached before a command that this process wrote with `seq`; for a deleted job, everything.

        So the next poll sees the command, whether or not its message arrives.
        """
        topic = self._topics.get(job_id)
        if topic is not None:
            topic.invalidate(seq)
