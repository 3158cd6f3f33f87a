"""The topics of this process: a job's is here, and its channel subscribed to, for as long as somebody needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from app.following.topics import Topic
from jobs.engine.live.subscriptions import Subscriptions

POLLED = 10.0
"""Seconds for which a job that was polled is followed for the next poll."""
MAX_POLLED = 4096
"""Jobs that are followed for polls only."""


class Topics:
    """All topics, by job."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self._topics: dict[UUID, Topic] = {}

    def __iter__(self) -> Iterator[Topic]:
        """Those that are here now: they may come and go meanwhile."""
        return iter(list(self._topics.values()))

    def __len__(self) -> int:
        return len(self._topics)

    def get(self, job_id: UUID) -> Topic | None:
        """The job's, if there is one."""
        return self._topics.get(job_id)

    def open(self, job_id: UUID) -> Topic:
        """The job's; subscribes to its channel when it is new. Whoever needs it no more says `leave`."""
        topic = self._topics.get(job_id)
        if topic is None:
            topic = self._topics[job_id] = Topic(job_id)
            self._subscriptions.subscribe(job_id)
        return topic

    def leave(self, topic: Topic) -> None:
        """Forgets the topic when nobody needs it."""
        recently = asyncio.get_running_loop().time() - topic.polled_at < POLLED
        if topic.follows or topic.waiters or recently:
            return
        if self._topics.get(topic.job_id) is topic:
            del self._topics[topic.job_id]
            self._subscriptions.unsubscribe(topic.job_id)

    def prolong(self, topic: Topic) -> None:
        """It was polled: keeps it for the next poll."""
        topic.polled_at = asyncio.get_running_loop().time()

    def keep_for_polls(self, job_id: UUID) -> None:
        """Follows the job for its next poll, if there is room."""
        if len(self._topics) < MAX_POLLED:
            self.prolong(self.open(job_id))

    @contextmanager
    def waiting(self, job_id: UUID) -> Iterator[asyncio.Event]:
        """What is set whenever the job changes while the block runs."""
        topic, changed = self.open(job_id), asyncio.Event()
        topic.waiters.add(changed)
        try:
            yield changed
        finally:
            topic.waiters.discard(changed)
            self.leave(topic)
