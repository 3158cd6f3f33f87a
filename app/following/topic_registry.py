"""The topics of this process: a job has one, and is subscribed to, for as long as it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from app.following.topics import Topic
from jobs.engine.transport import Subscriptions

POLLED_TTL = 10.0
"""Seconds for which a job that was polled is followed, in case it is polled again."""
MAX_POLLED = 4096
"""Topics above which no more are opened for polls."""


class TopicRegistry:
    """All topics, by job id."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self._topics: dict[UUID, Topic] = {}

    def __iter__(self) -> Iterator[Topic]:
        """The topics of now; opening and releasing topics while iterating is safe."""
        return iter(list(self._topics.values()))

    def __len__(self) -> int:
        return len(self._topics)

    def get(self, job_id: UUID) -> Topic | None:
        """The job's topic, if there is one."""
        return self._topics.get(job_id)

    def open(self, job_id: UUID) -> Topic:
        """The job's topic; a new one subscribes to the job. Call `release` when it is no longer needed."""
        topic = self._topics.get(job_id)
        if topic is None:
            topic = self._topics[job_id] = Topic(job_id)
            self._subscriptions.subscribe(job_id)
        return topic

    def release(self, topic: Topic) -> None:
        """Removes the topic if nothing needs it: no follower, no long-poll and no recent poll."""
        polled_lately = asyncio.get_running_loop().time() - topic.polled_at < POLLED_TTL
        if topic.followers or topic.waiters or polled_lately:
            return
        if self._topics.get(topic.job_id) is topic:
            del self._topics[topic.job_id]
            self._subscriptions.unsubscribe(topic.job_id)

    def keep_for_polls(self, topic: Topic) -> None:
        """Keeps the topic of a job that was polled for its next poll."""
        topic.polled_at = asyncio.get_running_loop().time()

    def open_for_polls(self, job_id: UUID) -> None:
        """Follows a job for its next poll, unless too many topics are open."""
        if len(self._topics) < MAX_POLLED:
            self.keep_for_polls(self.open(job_id))

    @contextmanager
    def changes(self, job_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job changes while the block runs."""
        topic, changed = self.open(job_id), asyncio.Event()
        topic.waiters.add(changed)
        try:
            yield changed
        finally:
            topic.waiters.discard(changed)
            self.release(topic)
